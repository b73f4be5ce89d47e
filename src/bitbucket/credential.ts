import type { Secret } from '../secret.ts'

/** How a credential was obtained. Bitbucket has different rules for each kind. */
export type CredentialKind = 'client-credentials' | 'refresh-token' | 'jwt' | 'api-token' | 'access-token'

/** How a token is issued. Includes the grants that need a person's consent, which no job can use. */
export type Issuance = CredentialKind | 'authorization-code' | 'implicit'

/** A usable credential: REST uses `authorization`, git uses the user name and the token. */
export interface AccessToken {
  readonly kind: CredentialKind
  readonly token: Secret
  /** The authorization scheme for REST (RFC 6750 or RFC 7617). */
  readonly tokenType: 'bearer' | 'basic'
  /** The complete value of the Authorization header. */
  readonly authorization: Secret
  /**
   * The user name that git sends with the token over https: `x-token-auth`, or `x-bitbucket-api-token-auth` for an
   * API token. Git cannot use the e-mail address that REST requires (Atlassian support: "Using API tokens").
   */
  readonly gitUsername: string
  /** Lifetime in seconds, from the moment of issue; undefined if Bitbucket does not say. */
  readonly expiresIn: number | undefined
  /** Whether `expiresIn` comes from Bitbucket's documentation, because the answer did not say. */
  readonly expiryIsAssumed: boolean
  /** The granted scopes; undefined if Bitbucket did not say. */
  readonly scopes: readonly string[] | undefined
  /** The new refresh token, if the answer contained one that differs from the one that was sent. */
  readonly refreshToken: Secret | undefined
}

/** Whether `text` is printable ASCII without spaces: RFC 6750 and line-based files allow no other bearer token. */
export const isTokenText = (text: string): boolean => /^[\x21-\x7e]+$/.test(text)

/** Returns when a token that was issued at `now` expires, in milliseconds since the epoch; undefined if unknown. */
export const endOf = ({ expiresIn }: Pick<AccessToken, 'expiresIn'>, now: number): number | undefined =>
  expiresIn === undefined ? undefined : now + expiresIn * 1_000

/**
 * How long before its expiry a token is renewed, in milliseconds. Short-lived tokens are renewed in their last tenth.
 */
const renewBefore = 300_000

/**
 * Whether a token is still valid for long enough to use. All times are in milliseconds; `expiresAt` and `now` since the
 * epoch.
 */
export const isFresh = (
  token: { readonly expiresAt: number; readonly lifetime: number },
  now: number,
): boolean => token.expiresAt - now > Math.min(renewBefore, token.lifetime / 10)
