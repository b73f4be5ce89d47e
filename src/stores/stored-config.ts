import { isTokenText } from '../bitbucket/credential.ts'
import { Secret } from '../secret.ts'
import { digest } from './digest.ts'
import type { IssuedTokens, RenewedAccess } from './store.ts'

/**
 * What is stored between runs. It can be written as JSON. It contains secrets. Fields of other programs are kept as they
 * are.
 */
export interface StoredConfig {
  /** The refresh token to use next. */
  readonly refreshToken?: string | undefined
  /**
   * A digest of the refresh token that was given first. If a caller later gives another refresh token, that one replaces the
   * stored one.
   */
  readonly startedWith?: string | undefined
  /** The last access token. */
  readonly accessToken?: string | undefined
  /** The grant that returned the access token. */
  readonly kind?: string | undefined
  /** When the access token expires: ISO 8601, in UTC. */
  readonly expiresAt?: string | undefined
  /** The whole lifetime of the access token in seconds. */
  readonly expiresIn?: number | undefined
  /** The granted scopes. */
  readonly scopes?: readonly string[] | undefined
  /** A digest of Bitbucket's address and the OAuth client that these tokens belong to. */
  readonly issuedFor?: string | undefined
}

/** Returns the refresh token in a config. */
export function refreshTokenIn({ refreshToken }: StoredConfig): Secret | undefined {
  const isToken = typeof refreshToken === 'string' && refreshToken.trim() !== ''
  return isToken ? new Secret(refreshToken.trim()) : undefined
}

/** Returns the access token in a config; undefined if there is none, or if a field makes no sense. */
export function accessIn(config: StoredConfig): RenewedAccess | undefined {
  const { accessToken, kind, expiresAt, expiresIn, scopes } = config
  const end = Date.parse(expiresAt ?? '')
  if (typeof accessToken !== 'string' || !isTokenText(accessToken)) return undefined
  if (Number.isNaN(end) || typeof expiresIn !== 'number' || Number.isNaN(expiresIn)) return undefined
  return {
    token: new Secret(accessToken),
    issuedAt: end - expiresIn * 1_000,
    expiresAt: end,
    scopes: Array.isArray(scopes) ? scopes : undefined,
    kind,
  }
}

/**
 * Returns a config with new tokens in it. Without a new refresh token, the config keeps the one that it has.
 * @param owner Bitbucket's address and the OAuth client that the tokens belong to
 */
export function withTokens(
  config: StoredConfig,
  { refreshToken, access }: IssuedTokens,
  owner: readonly string[],
): StoredConfig {
  const { token, kind = 'refresh-token', issuedAt, expiresAt, scopes } = access
  const fields = {
    ...config,
    refreshToken: refreshToken?.reveal() ?? config.refreshToken,
    accessToken: token.reveal(),
    kind,
    expiresAt: new Date(expiresAt).toISOString(),
    expiresIn: (expiresAt - issuedAt) / 1_000,
    scopes,
    issuedFor: digest(owner),
  }
  // Fields without a value are left out, because a storage that does not write JSON might save `undefined` as text.
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
