/** The access token that {@link mock} issues. It is made up, and no secret scanner takes it for a real one. */
export const accessToken = 'made-up-access-token'

/** The refresh token that {@link mock} accepts, and that it also issues as the new one. */
export const refreshToken = 'made-up-refresh-token'

const common = {
  appName: 'my-app',
  clientId: 'made-up-key',
  url: 'https://bitbucket.org',
  apiUrl: 'https://api.bitbucket.org',
} as const

/** Options for `getAccessToken`: ones that {@link mock} accepts, and ones that it refuses. */
export const opts = {
  valid: { ...common, clientSecret: 'made-up-secret' },
  invalid: { ...common, clientSecret: 'not-the-secret' },
} as const

/** Returns an Authorization header for HTTP Basic (RFC 7617). The default is the OAuth client that `mock` accepts. */
export function basicAuth(user?: string | null, password?: string | null): string {
  const pair = `${user ?? opts.valid.clientId}:${password ?? opts.valid.clientSecret}`
  return `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`
}
