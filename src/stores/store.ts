import type { Secret } from '../secret.ts'

export type { Secret } from '../secret.ts'

/** The access token that a grant has returned. */
export interface RenewedAccess {
  readonly token: Secret
  /** Milliseconds since the epoch. */
  readonly issuedAt: number
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
  /** The granted scopes; undefined if Bitbucket did not say. */
  readonly scopes: readonly string[] | undefined
  /** The grant that returned it; undefined for the refresh grant. */
  readonly kind?: string | undefined
}

/** The tokens that a grant has returned. Grants other than the refresh grant need no refresh token. */
export interface IssuedTokens {
  readonly refreshToken: Secret | undefined
  readonly access: RenewedAccess
}

/** The tokens that a refresh has returned. */
export interface RenewedTokens extends IssuedTokens {
  /** The refresh token to use next. The previous one stops working about ten minutes after its first use. */
  readonly refreshToken: Secret
}

/** The tokens that a store has loaded. */
export interface StoredTokens {
  readonly refreshToken?: Secret | undefined
  /** Jobs that need a token at the same time share the one that one of them got. */
  readonly access?: RenewedAccess | undefined
  /**
   * A digest of the refresh token that was given first, if the store keeps one. If another refresh token is given later, a
   * person has authorised again, so the given one is newer than the stored one.
   */
  readonly startedWith?: string | undefined
}

/** `kept-newer`: the store already had a newer refresh token of another run, and has kept that one. */
// biome-ignore lint/suspicious/noConfusingVoidType: a store that returns nothing has saved the tokens.
export type SaveResult = 'kept-newer' | void

/**
 * Keeps tokens from one run to the next. A run calls `check`, then `load`, and then `save` after it has spent the old refresh
 * token. If `check` or `load` throws, the run stops before anything is spent. If `save` throws, the run hands over the new
 * token in another way and fails. Error messages are shown, so they must not contain a secret.
 */
export interface TokenStore {
  /** The name in messages, such as `the file /data/refresh-token`. */
  readonly name: string
  /** Throws if the store cannot be written, as far as this can be checked before there is a new token. */
  check(): Promise<void>
  /** Returns the newest tokens; undefined if there are none yet, or if the store cannot be read. */
  load(): Promise<StoredTokens | undefined>
  /**
   * Saves the tokens and replaces the previous ones. If it throws an Error, it is called again, at most `retries`
   * times and within the time limit. A TokenError is final.
   * @param signal is aborted at the time limit
   */
  save(tokens: RenewedTokens, signal: AbortSignal): Promise<SaveResult>
  /** Runs `work` while no other job runs it. Only for a store that jobs share. */
  alone?<T>(work: () => Promise<T>): Promise<T>
}

/** The former name of {@link TokenStore}, for programs that import it. */
export type Store = TokenStore
