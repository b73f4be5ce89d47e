import type { Secret } from '../secret.ts'

/** A usable credential: REST takes `authorization`, git takes `gitUsername` and `secret`. */
export interface Credential {
  /** The name of its kind in `credentials/`. */
  readonly kind: string
  /** The token itself. */
  readonly secret: Secret
  /** How REST takes the token: RFC 6750, or RFC 7617 for an API token. */
  readonly tokenType: 'bearer' | 'basic'
  /** The complete value of the Authorization header. */
  readonly authorization: Secret
  /**
   * The user name for git over https: `x-token-auth`, or `x-bitbucket-api-token-auth` for an API token, because git's
   * endpoint rejects the email address that REST requires (Atlassian support: "Using API tokens").
   */
  readonly gitUsername: string
  /** The user name for HTTP Basic at the REST API. */
  readonly restUsername: string
  /** For how many seconds the token was valid when this run got it; undefined for a token that the user made. */
  readonly expiresIn: number | undefined
  /** Milliseconds since the epoch; undefined for a token that the user made, because no API returns it. */
  readonly expiresAt: number | undefined
  /** Whether the lifetime is only assumed (one hour), because Bitbucket's answer did not contain it. */
  readonly expiryIsAssumed: boolean
  /** Granted scopes; undefined if Bitbucket has not named them. */
  readonly scopes: readonly string[] | undefined
  /** The refresh token to use next, if Bitbucket returned a new one. */
  readonly refreshToken: Secret | undefined
}

/** Whether `text` is printable ASCII without spaces, as RFC 6750 requires of a bearer token. */
export const isTokenText = (text: string): boolean => /^[\x21-\x7e]+$/.test(text)

/** A token is renewed this many milliseconds before it expires, or in the last tenth of a short lifetime. */
const renewBefore = 300_000

/**
 * Whether a token is still good enough to hand out.
 * @param token when it expires, in milliseconds since the epoch, and its whole lifetime in milliseconds
 * @param now milliseconds since the epoch
 */
export const isFresh = (
  token: { readonly expiresAt: number; readonly lifetime: number },
  now: number,
): boolean => token.expiresAt - now > Math.min(renewBefore, token.lifetime / 10)
