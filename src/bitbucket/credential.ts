import type { Secret } from '../secret.ts'

/** How a credential came about; each has its own rules at Bitbucket. */
export type CredentialKind = 'client-credentials' | 'refresh-token' | 'jwt' | 'api-token' | 'access-token'

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

/** Whether a text can be a bearer token: RFC 6750 can carry no others in a header, nor can files of lines hold them. */
export const isTokenText = (text: string): boolean => /^[\x21-\x7e]+$/.test(text)

/** When a token ends that was issued just now, in milliseconds since the epoch; undefined where Bitbucket does not tell. */
export const endOf = ({ expiresIn }: Pick<AccessToken, 'expiresIn'>, now: number): number | undefined =>
  expiresIn === undefined ? undefined : now + expiresIn * 1_000

/** A token is renewed this long before its end, in milliseconds; one that lives shortly, in its last tenth. */
const renewBefore = 300_000

/** Whether a token can still be handed out. All in milliseconds, the end and the present since the epoch. */
export const isFresh = (
  token: { readonly expiresAt: number; readonly lifetime: number },
  now: number,
): boolean => token.expiresAt - now > Math.min(renewBefore, token.lifetime / 10)
