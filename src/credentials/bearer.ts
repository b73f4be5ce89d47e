import type { AccessToken, CredentialKind } from '../bitbucket/credential.ts'
import type { Secret } from '../secret.ts'

/** What every bearer token has in common: the header for REST, and `x-token-auth` as user name for git. */
export function bearer(kind: CredentialKind, token: Secret): AccessToken {
  return {
    kind,
    token,
    tokenType: 'bearer',
    authorization: token.derive((value) => `Bearer ${value}`),
    gitUsername: 'x-token-auth',
    expiresIn: undefined,
    expiryIsAssumed: false,
    scopes: undefined,
    refreshToken: undefined,
  }
}
