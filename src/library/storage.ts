/** What is kept between runs. It is JSON, and holds secrets. Fields of others are left as they are. */
export interface StoredConfig {
  /** The refresh token to use next. */
  readonly refreshToken?: string | undefined
  /** A digest of the refresh token with which it began: another one that is given later is a new beginning. */
  readonly startedWith?: string | undefined
  /** The last access token. */
  readonly accessToken?: string | undefined
  /** By which grant it came. */
  readonly kind?: string | undefined
  /** When it ends: ISO 8601, in UTC. */
  readonly expiresAt?: string | undefined
  /** Seconds that it lives in all. */
  readonly expiresIn?: number | undefined
  /** As granted. */
  readonly scopes?: readonly string[] | undefined
  /** A digest of Bitbucket's address and the consumer to which all of this belongs. */
  readonly issuedFor?: string | undefined
}

/** For whom, and within which time, a storage is to work. */
export interface StorageContext {
  /** Whose tokens they are. */
  readonly appName: string | undefined
  /** Fires when nobody waits for the work any more, but never while a new token is saved. */
  readonly signal: AbortSignal
  /** Milliseconds to wait for another process. */
  readonly patience: number
}

/**
 * A place for tokens between two runs. Both functions may be asynchronous. What they throw ends the call: before
 * anything is spent, or else with an `UnsavedTokenError` that holds the tokens.
 */
export interface TokenStorage {
  /** What was saved last; nothing where there is nothing yet. `{ refreshToken }` alone is enough. */
  loadConfig(
    context: StorageContext,
  ): StoredConfig | null | undefined | Promise<StoredConfig | null | undefined>
  /** Keeps it, in the place of what was there. Called before the token is handed out. */
  saveConfig(config: StoredConfig, context: StorageContext): void | Promise<void>
  /** Where processes can see each other: runs `work` while no other one does so, and only if it can be saved after. */
  alone?<T>(context: StorageContext, work: () => Promise<T>): Promise<T>
}
