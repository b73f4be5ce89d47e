import { forIssuedTokens } from './bearer.ts'
import { defineKind } from './kind.ts'

/**
 * The grant for Connect apps: a signed JWT takes the place of a client secret. The token acts as the account in which
 * the app is installed, and comes without a refresh token (developer.atlassian.com, "OAuth 2.0 for Connect apps").
 */
export const connectApp = defineKind({
  kind: 'jwt',
  label: 'Connect app',
  inputs: {
    'connect-app-key': { type: 'text', help: 'The key of an existing Connect app, from its descriptor.' },
    'connect-client-key': { type: 'text', help: "The `clientKey` of the app's installation." },
    'connect-shared-secret': {
      type: 'text',
      secret: true,
      help: "The `sharedSecret` of the app's installation. Support for Connect ends in December 2026.",
    },
  },
  isLegacy: true,
  asksForScopes: true,
  async obtain(inputs, context) {
    const { requestWithJwt } = await import('./connect-app-grant.ts')
    return requestWithJwt(inputs, context)
  },
  ...forIssuedTokens,
  adviseOnMissingScopes: () => "Add them to the app's descriptor, and install the app again.",
})
