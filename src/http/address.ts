/** Whether nobody can read what is sent to a URL: it is encrypted, or it does not leave this machine. */
export const isPrivate = (url: URL): boolean => url.protocol === 'https:' || isLoopback(url)

const isLoopback = (url: URL): boolean => /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(url.hostname)
