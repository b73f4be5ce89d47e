import type { Credential } from '../bitbucket/credential.ts'
import type { CheckedKind } from '../bitbucket/rest.ts'
import type { IssuedToken } from '../bitbucket/token-endpoint.ts'
import { bearerHeader, type Secret } from '../secret.ts'

/** Returns the credential for a bearer token whose scopes and expiry are not known. */
export function bearer(kind: string, secret: Secret): Credential {
  return {
    kind,
    secret,
    tokenType: 'bearer',
    authorization: bearerHeader(secret),
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
  kind: string,
  { token, expiresIn, ...issued }: IssuedToken,
  now: number,
): Credential {
  return { ...bearer(kind, token), ...issued, expiresIn, expiresAt: now + expiresIn * 1_000 }
}

/** What is the same for each kind of credential whose token Bitbucket issues. */
export const forIssuedTokens = {
  isIssued: true,
  tokenName: 'token',
  hasAccount: 'usually',
  adviseOnRefusal: () =>
    'Bitbucket has just issued this token, so it should work. Run the job again, and see https://bitbucket.status.atlassian.com.',
} as const satisfies CheckedKind & { isIssued: true }
