import { tickScopes } from '../bitbucket/oauth-clients.ts'
import { requestToken } from '../bitbucket/token-endpoint.ts'
import { Secret } from '../secret.ts'
import { issuedBearer } from './bearer.ts'
import type { KindDefinition } from './kind.ts'

/**
 * The client-credentials grant (RFC 6749, 4.4). Since May 2026 the token acts as an `app_user` and comes without a
 * refresh token; a job that runs longer than the token is valid asks for another.
 */
export const clientCredentials: KindDefinition<'client-id' | 'client-secret'> = {
  kind: 'client-credentials',
  label: 'OAuth client credentials',
  inputs: ['client-id', 'client-secret'],
  isIssued: true,
  async obtain({ 'client-id': id, 'client-secret': secret }, { http, url, now }) {
    const form = new Secret('grant_type=client_credentials')
    return issuedBearer(
      'client-credentials',
      await requestToken(http, url, { id, secret }, 'client-credentials', form),
      now(),
    )
  },
  adviseOnMissingScopes: () => addScopesToClient,
}

/** What to do if a token of an OAuth client lacks scopes. */
export const addScopesToClient = `Add them to the OAuth client: ${tickScopes}`
