import { enableGrant, inOlderInterface, tickScopes } from '../bitbucket/oauth-clients.ts'
import { requestToken } from '../bitbucket/token-endpoint.ts'
import type { GrantTexts } from '../bitbucket/token-endpoint-errors.ts'
import { invalid } from '../read-value.ts'
import { Secret } from '../secret.ts'
import { forIssuedTokens, issuedBearer } from './bearer.ts'
import { defineKind } from './kind.ts'
import { refusePair } from './refuse-pair.ts'

/**
 * The client-credentials grant (RFC 6749, 4.4). Since May 2026 the token acts as an `app_user` and comes without a
 * refresh token; a job that runs longer than the token is valid asks for another.
 */
export const clientCredentials = defineKind({
  kind: 'client-credentials',
  label: 'OAuth client credentials',
  inputs: {
    'client-id': {
      type: 'text',
      help: "The OAuth client's ID (formerly the OAuth consumer's key).",
      otherNames: ['consumerkey', 'oauthkey', 'oauthconsumerkey', 'oauthclientid', 'key'],
    },
    'client-secret': {
      type: 'text',
      secret: true,
      help: "The OAuth client's secret.",
      otherNames: ['consumersecret', 'oauthsecret', 'oauthconsumersecret', 'oauthclientsecret', 'secret'],
    },
  },
  basic: { user: 'client-id', password: 'client-secret' },
  formats: [
    {
      // The lengths are in the Bitbucket plugin of Jenkins (BitbucketOAuthCredentialMatcher.java).
      pattern: /^(?!AT[AC]TT|ATBB)([A-Za-z\d]{18}|[A-Za-z\d]{32}|[A-Za-z\d]{76})$/,
      is: 'as long as the ID or secret of an OAuth client',
      // Refresh tokens from before 2026 can also have these lengths.
      fits: ['client-secret', 'refresh-token', 'connect-shared-secret'],
      belongs: 'Those belong in client-id and client-secret.',
    },
  ],
  checkInputs({ 'client-id': id, 'client-secret': secret }, names) {
    if (id?.includes(':')) {
      throw invalid(
        `${names.nameOf('client-id')} contains a colon.`,
        'Give only the key, without the colon and the secret.',
      )
    }
    if (id?.includes('@')) {
      throw invalid(
        `${names.nameOf('client-id')} is an email address.`,
        `Give the Client ID of an OAuth client. An account's API token goes into ${names.nameOf('email')} and ${names.nameOf('api-token')}.`,
      )
    }
    refusePair(secret, id, { password: 'client-secret', user: 'client-id' }, names)
    // The ID and the secret in one value.
    if (secret?.matches(/^([A-Za-z\d]{18}:[A-Za-z\d]{32}|[A-Za-z\d]{32}:[A-Za-z\d]{76})$/)) {
      throw invalid(
        `${names.nameOf('client-secret')} also contains the ID of the OAuth client.`,
        `Give what is before the colon in ${names.nameOf('client-id')}, and what is after it in ${names.nameOf('client-secret')}.`,
      )
    }
  },
  async obtain({ 'client-id': id, 'client-secret': secret }, { http, url, now }) {
    const form = new Secret('grant_type=client_credentials')
    const issued = await requestToken(http, url, { id, secret }, clientCredentialsGrant, form)
    return issuedBearer('client-credentials', issued, now())
  },
  ...forIssuedTokens,
  adviseOnMissingScopes: () => addScopesToClient,
})

export const clientCredentialsGrant: GrantTexts = {
  sends: 'client credentials',
  howToEnable: `${enableGrant('Client credentials')}\n${inOlderInterface}`,
}

/** What to do if a token of an OAuth client lacks scopes. */
export const addScopesToClient = `Add them to the OAuth client: ${tickScopes}`
