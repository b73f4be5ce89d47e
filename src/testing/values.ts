/** The access token that {@link mock} gives. Made up, and shaped so that no scanner takes it for a real one. */
export const accessToken = 'made-up-access-token'

/** The refresh token that {@link mock} takes, and gives in place of itself. */
export const refreshToken = 'made-up-refresh-token'

/** Options for `getAccessToken`: those that {@link mock} accepts, and a consumer that it does not know. */
export const opts = {
  valid: { appName: 'my-app', clientId: 'made-up-key', clientSecret: 'made-up-secret' },
  invalid: { appName: 'my-app', clientId: 'made-up-key', clientSecret: 'not-the-secret' },
} as const
