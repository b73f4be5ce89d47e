import type { AccessToken } from '../bitbucket/credential.ts'
import type { Endpoints } from '../bitbucket/token-endpoint.ts'
import { fromAccessToken } from './access-token.ts'
import { fromApiToken } from './api-token.ts'
import type { GivenCredential } from './choose.ts'
import { fromClientCredentials } from './client-credentials.ts'
import { fromRefreshToken } from './refresh-token.ts'

/**
 * Turns what was given into a credential that can be used. Only the OAuth grants ask Bitbucket for that; a
 * token that was given is not vouched for until it is checked.
 * @throws {TokenError} `credential-refused`, `answer-unusable` or `unreachable`
 */
export async function obtain(given: GivenCredential, endpoints: Endpoints): Promise<AccessToken> {
  switch (given.kind) {
    case 'client-credentials':
      return fromClientCredentials(given, endpoints)
    case 'refresh-token':
      return fromRefreshToken(given, endpoints)
    case 'api-token':
      return fromApiToken(given)
    case 'access-token':
      return fromAccessToken(given)
  }
}
