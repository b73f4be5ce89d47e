/** Whether nobody can listen in on what goes there: it is encrypted, or never leaves this machine. */
export const isPrivate = (url: URL): boolean => url.protocol === 'https:' || isLoopback(url)

const isLoopback = (url: URL): boolean => /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(url.hostname)
