import type { Credential, CredentialKind } from '../bitbucket/credential.ts'
import type { IssuedToken } from '../bitbucket/token-endpoint.ts'
import type { Secret } from '../secret.ts'

/** Returns the credential for a bearer token whose scopes and expiry are not known. */
export function bearer(kind: CredentialKind, secret: Secret): Credential {
  return {
    kind,
    secret,
    tokenType: 'bearer',
    authorization: secret.derive((value) => `Bearer ${value}`),
    gitUsername: 'x-token-auth',
    restUsername: 'x-token-auth',
    expiresIn: undefined,
    expiresAt: undefined,
    expiryIsAssumed: false,
    scopes: undefined,
    refreshToken: undefined,
  }
}

/**
 * Returns the credential for a token that Bitbucket has just issued.
 * @param now milliseconds since the epoch
 */
export function issuedBearer(
  kind: CredentialKind,
  { token, expiresIn, ...issued }: IssuedToken,
  now: number,
): Credential {
  return { ...bearer(kind, token), ...issued, expiresIn, expiresAt: now + expiresIn * 1_000 }
}
