import type { AccessToken } from '../bitbucket/credential.ts'
import { type Endpoints, requestToken } from '../bitbucket/token-endpoint.ts'
import { bearer } from './bearer.ts'
import type { GivenCredential } from './choose.ts'

/**
 * The refresh grant (RFC 6749, 6). Bitbucket rotates: a new refresh token comes with each use, and the old one
 * works for about ten minutes after its first (GCM issue 2428). That is also why a request whose answer was lost
 * may be sent again: within one run's deadline the token that it may have spent is still good.
 */
export async function fromRefreshToken(
  given: GivenCredential & { kind: 'refresh-token' },
  { http, url }: Endpoints,
): Promise<AccessToken> {
  const client = { id: given.clientId, secret: given.clientSecret }
  const form = given.refreshToken.derive((value) =>
    new URLSearchParams({ grant_type: 'refresh_token', refresh_token: value }).toString(),
  )
  const issued = await requestToken(http, url, client, given.kind, form)
  const isNew = issued.refreshToken !== undefined && !issued.refreshToken.equals(given.refreshToken)
  return {
    ...bearer(given.kind, issued.token),
    ...issued,
    refreshToken: isNew ? issued.refreshToken : undefined,
  }
}
