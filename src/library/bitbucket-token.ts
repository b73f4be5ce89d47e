import type { AccessToken, CredentialKind } from '../bitbucket/credential.ts'
import type { Secret } from '../secret.ts'

/** A token as the library holds it. */
export interface HeldToken {
  readonly token: AccessToken
  /** Milliseconds since the epoch; undefined where Bitbucket does not tell. */
  readonly expiresAt: number | undefined
  /** The refresh token to use next, where this token came by one. */
  readonly refreshToken: Secret | undefined
}

/**
 * A credential that works.
 *
 * `accessToken`, `authorization` and `refreshToken` are plain text, for whoever uses them needs them so. They are read
 * from the object, and never shown with it: `console.log`, `JSON.stringify` and `String()` tell all but the secrets.
 */
export class BitbucketToken {
  /** How it came about. */
  readonly kind: CredentialKind
  /** How REST takes it: RFC 6750, or RFC 7617 for an API token. */
  readonly tokenType: 'bearer' | 'basic'
  /** The user name that git over https takes with it. */
  readonly gitUsername: string
  /** When it ends; undefined where Bitbucket does not tell. */
  readonly expiresAt: Date | undefined
  /** Seconds that were left of its life when it was handed out; undefined where Bitbucket does not tell. */
  readonly expiresIn: number | undefined
  /** As granted; undefined where Bitbucket has not told. */
  readonly scopes: readonly string[] | undefined
  readonly #held: HeldToken

  /** @internal */
  constructor(held: HeldToken, now: number) {
    const { token, expiresAt } = held
    this.#held = held
    this.kind = token.kind
    this.tokenType = token.tokenType
    this.gitUsername = token.gitUsername
    this.expiresAt = expiresAt === undefined ? undefined : new Date(expiresAt)
    this.expiresIn = expiresAt === undefined ? undefined : Math.max(0, Math.round((expiresAt - now) / 1_000))
    this.scopes = token.scopes
  }

  /** The credential itself. A secret. */
  get accessToken(): string {
    return this.#held.token.token.reveal()
  }

  /** The whole value of the Authorization header. A secret. */
  get authorization(): string {
    return this.#held.token.authorization.reveal()
  }

  /**
   * The refresh token to use next, where there is one: Bitbucket gives a new one with each use, and the one before it
   * dies about ten minutes later. Keep it, unless a storage does. A secret.
   */
  get refreshToken(): string | undefined {
    return this.#held.refreshToken?.reveal()
  }

  /** As RFC 6749 and bitbucket-auth name {@link accessToken}. */
  get access_token(): string {
    return this.accessToken
  }

  /** As RFC 6749 and bitbucket-auth name {@link refreshToken}. */
  get refresh_token(): string | undefined {
    return this.refreshToken
  }

  /** As RFC 6749 and bitbucket-auth name {@link expiresIn}. */
  get expires_in(): number | undefined {
    return this.expiresIn
  }

  /** As RFC 6749 and bitbucket-auth name {@link tokenType}. */
  get token_type(): 'bearer' | 'basic' {
    return this.tokenType
  }

  /** Not the token: a text is shown too easily. */
  toString(): string {
    return '***'
  }
}
