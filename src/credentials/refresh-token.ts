import { requestToken } from '../bitbucket/token-endpoint.ts'
import { issuedBearer } from './bearer.ts'
import { addScopesToClient } from './client-credentials.ts'
import type { KindDefinition } from './kind.ts'

/**
 * The refresh grant (RFC 6749, 6). Bitbucket rotates refresh tokens: each use returns a new one, and the old one works for
 * about ten minutes after its first use (git-credential-manager issue 2428). That is why a request whose answer was lost
 * is sent again: even if Bitbucket has received it, the refresh token still works until the deadline of the run.
 */
export const refreshTokenGrant: KindDefinition<'client-id' | 'client-secret' | 'refresh-token'> = {
  kind: 'refresh-token',
  label: 'OAuth refresh token',
  inputs: ['client-id', 'client-secret', 'refresh-token'],
  isIssued: true,
  async obtain(given, { http, url, now }) {
    const client = { id: given['client-id'], secret: given['client-secret'] }
    const sent = given['refresh-token']
    const form = sent.derive((value) =>
      new URLSearchParams({ grant_type: 'refresh_token', refresh_token: value }).toString(),
    )
    const issued = await requestToken(http, url, client, 'refresh-token', form)
    const isNew = issued.refreshToken !== undefined && !issued.refreshToken.equals(sent)
    const refreshToken = isNew ? issued.refreshToken : undefined
    return { ...issuedBearer('refresh-token', issued, now()), refreshToken }
  },
  adviseOnMissingScopes: () => addScopesToClient,
}
