import type { Credential } from '../bitbucket/credential.ts'
import type { CredentialKind } from '../credentials/index.ts'

/**
 * A working credential.
 *
 * `accessToken`, `authorization` and `refreshToken` return plain text, because that is what callers need. They are getters,
 * so `console.log`, `JSON.stringify` and `String()` show everything but the secrets.
 */
export class BitbucketToken {
  /** The kind of credential. */
  readonly kind: CredentialKind
  /** How to send it to REST: `bearer` (RFC 6750), or `basic` (RFC 7617) for an API token. */
  readonly tokenType: 'bearer' | 'basic'
  /** The user name for git over https. */
  readonly gitUsername: string
  /** When it expires; undefined if unknown, because Bitbucket does not say. */
  readonly expiresAt: Date | undefined
  /** Seconds until it expires, counted from when this object was returned; undefined if Bitbucket does not say. */
  readonly expiresIn: number | undefined
  /** The granted scopes; undefined if Bitbucket does not say. */
  readonly scopes: readonly string[] | undefined
  readonly #credential: Credential

  /** @internal */
  constructor(credential: Credential, now: number) {
    const { expiresAt } = credential
    this.#credential = credential
    this.kind = credential.kind as CredentialKind
    this.tokenType = credential.tokenType
    this.gitUsername = credential.gitUsername
    this.expiresAt = expiresAt === undefined ? undefined : new Date(expiresAt)
    this.expiresIn = expiresAt === undefined ? undefined : Math.max(0, Math.round((expiresAt - now) / 1_000))
    this.scopes = credential.scopes
  }

  /** The access token, or the API token. A secret. */
  get accessToken(): string {
    return this.#credential.secret.reveal()
  }

  /** The whole value of the `Authorization` header. A secret. */
  get authorization(): string {
    return this.#credential.authorization.reveal()
  }

  /**
   * The refresh token to use next, if there is one. Bitbucket returns a new one with each use, and the previous one stops
   * working about ten minutes later. Save it yourself if you use no storage. A secret.
   */
  get refreshToken(): string | undefined {
    return this.#credential.refreshToken?.reveal()
  }

  /** The name in RFC 6749 and bitbucket-auth for {@link accessToken}. */
  get access_token(): string {
    return this.accessToken
  }

  /** The name in RFC 6749 and bitbucket-auth for {@link refreshToken}. */
  get refresh_token(): string | undefined {
    return this.refreshToken
  }

  /** The name in RFC 6749 and bitbucket-auth for {@link expiresIn}. */
  get expires_in(): number | undefined {
    return this.expiresIn
  }

  /** The name in RFC 6749 and bitbucket-auth for {@link tokenType}. */
  get token_type(): 'bearer' | 'basic' {
    return this.tokenType
  }

  /** Returns `***` instead of the token, because text is easily logged by accident. */
  toString(): string {
    return '***'
  }
}
