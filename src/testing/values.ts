/** The access token that {@link mock} gives. Made up, and shaped so that no scanner takes it for a real one. */
export const accessToken = 'made-up-access-token'

/** The refresh token that {@link mock} takes, and gives in place of itself. */
export const refreshToken = 'made-up-refresh-token'

const common = {
  appName: 'my-app',
  clientId: 'made-up-key',
  url: 'https://bitbucket.org',
  apiUrl: 'https://api.bitbucket.org',
} as const

/** Options for `getAccessToken`: those that {@link mock} accepts, and a consumer that it does not know. */
export const opts = {
  valid: { ...common, clientSecret: 'made-up-secret' },
  invalid: { ...common, clientSecret: 'not-the-secret' },
} as const
