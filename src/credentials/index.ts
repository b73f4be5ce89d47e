import type { AccessToken } from '../bitbucket/credential.ts'
import { fromAccessToken } from './access-token.ts'
import { fromApiToken } from './api-token.ts'
import type { GivenCredential } from './choose.ts'
import { fromClientCredentials } from './client-credentials.ts'
import type { ConnectEndpoints } from './connect-app.ts'
import { fromRefreshToken } from './refresh-token.ts'

/**
 * Turns what was given into a credential that can be used. Only the grants ask Bitbucket for that; a
 * token that was given is not vouched for until it is checked.
 * @throws {TokenError} `credential-refused`, `scope-missing`, `answer-unusable` or `unreachable`
 */
export async function obtain(given: GivenCredential, endpoints: ConnectEndpoints): Promise<AccessToken> {
  switch (given.kind) {
    case 'client-credentials':
      return fromClientCredentials(given, endpoints)
    case 'refresh-token':
      return fromRefreshToken(given, endpoints)
    case 'jwt':
      return (await import(/* webpackChunkName: "connect" */ './connect-app.ts')).fromConnectApp(
        given,
        endpoints,
      )
    case 'api-token':
      return fromApiToken(given)
    case 'access-token':
      return fromAccessToken(given)
  }
}
