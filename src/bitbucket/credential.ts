import type { Secret } from '../secret.ts'

/** How a credential came about; each has its own rules at Bitbucket. */
export type CredentialKind = 'client-credentials' | 'refresh-token' | 'api-token' | 'access-token'

/** How a token was issued, or is to be: also by a person's consent, which no job can give. */
export type Issuance = CredentialKind | 'authorization-code' | 'implicit'

/** A credential that can be used: for REST through `authorization`, for git through user name and token. */
export interface AccessToken {
  readonly kind: CredentialKind
  readonly token: Secret
  /** How REST takes it (RFC 6750 or RFC 7617). */
  readonly tokenType: 'bearer' | 'basic'
  /** The whole value of the Authorization header. */
  readonly authorization: Secret
  /**
   * The user name that git over https sends with the token: `x-token-auth`, or `x-bitbucket-api-token-auth` for
   * an API token, where the e-mail that REST wants is refused (Atlassian support: "Using API tokens").
   */
  readonly gitUsername: string
  /** Seconds that the token lives from when it was issued; undefined where Bitbucket does not tell. */
  readonly expiresIn: number | undefined
  /** Whether `expiresIn` is only what Bitbucket's documentation promises, because the answer did not tell. */
  readonly expiryIsAssumed: boolean
  /** Scopes as granted; undefined where Bitbucket has not told. */
  readonly scopes: readonly string[] | undefined
  /** A new refresh token, where one came back that differs from the one that was sent. */
  readonly refreshToken: Secret | undefined
}
