import type { AccessToken } from '../bitbucket/credential.ts'
import { type Endpoints, requestToken } from '../bitbucket/token-endpoint.ts'
import { Secret } from '../secret.ts'
import { bearer } from './bearer.ts'
import type { GivenCredential } from './choose.ts'

/**
 * The client-credentials grant (RFC 6749, 4.4). Since May 2026 the token acts as an `app_user` and brings no
 * refresh token; a job that outlives the token asks for another.
 */
export async function fromClientCredentials(
  given: GivenCredential & { kind: 'client-credentials' },
  { http, url }: Endpoints,
): Promise<AccessToken> {
  const client = { id: given.clientId, secret: given.clientSecret }
  const form = new Secret('grant_type=client_credentials')
  const issued = await requestToken(http, url, client, given.kind, form)
  return { ...bearer(given.kind, issued.token), ...issued }
}
