import type { KindDefinition } from './kind.ts'

/**
 * The grant for Connect apps: a signed JWT takes the place of a client secret. The token acts as the account in which
 * the app is installed, and comes without a refresh token (developer.atlassian.com, "OAuth 2.0 for Connect apps").
 */
export const connectApp: KindDefinition<'connect-app-key' | 'connect-client-key' | 'connect-shared-secret'> =
  {
    kind: 'jwt',
    label: 'Connect app',
    inputs: ['connect-app-key', 'connect-client-key', 'connect-shared-secret'],
    isIssued: true,
    asksForScopes: true,
    async obtain(given, context) {
      const { requestWithJwt } = await import('./connect-app-grant.ts')
      return requestWithJwt(given, context)
    },
    adviseOnMissingScopes: () => "Add them to the app's descriptor, and install the app again.",
  }
