import type { Secret } from '../secret.ts'

export type { Secret } from '../secret.ts'

/** An access token, as the refresh that brought it told of it. */
export interface RenewedAccess {
  readonly token: Secret
  /** Milliseconds since the epoch. */
  readonly issuedAt: number
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
  /** As granted; undefined where Bitbucket did not tell. */
  readonly scopes: readonly string[] | undefined
}

/** What a refresh brought. */
export interface RenewedTokens {
  /** The one to use next. The one before it dies about ten minutes after its first use. */
  readonly refreshToken: Secret
  readonly access: RenewedAccess
}

/** What a store gives back. */
export interface StoredTokens {
  readonly refreshToken: Secret
  /** Only from a store with {@link Store.alone}, where jobs that refresh at once share what one of them got. */
  readonly access?: RenewedAccess | undefined
}

/**
 * A place for the refresh token between two runs. In a run come `check`, `load`, and then, when the old token has been
 * spent, `save`. What they throw stops the run before anything is spent, or makes it fail after the new token was handed
 * over in another way; its message is shown, so it must hold no secret.
 */
export interface Store {
  /** What a person calls it: `the file /data/refresh-token`. */
  readonly name: string
  /** Throws where the store cannot be written, as far as that can be told without the token that is to come. */
  check(): Promise<void>
  /** The newest tokens; undefined where there are none yet, or where the store is one that does not tell. */
  load(): Promise<StoredTokens | undefined>
  /**
   * Puts the tokens in the place of what is there. An Error that it throws may pass, so it is called again while
   * there is time; a TokenError is final.
   * @param signal fires when the time is over
   */
  save(tokens: RenewedTokens, signal: AbortSignal): Promise<void>
  /** Where jobs can see each other: runs `work` while no other one does so. */
  alone?<T>(work: () => Promise<T>): Promise<T>
}
