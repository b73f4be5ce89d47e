import { TokenError } from '../errors.ts'
import { isGiven } from './given.ts'

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

/** What a storage may load: a column of a table may be NULL or empty, and a time may be a `Date`. */
export type LoadedConfig = {
  readonly [Name in keyof StoredConfig]: StoredConfig[Name] | null | (Name extends 'expiresAt' ? Date : never)
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
  /** What was saved last; nothing if there is nothing yet. `{ refreshToken }` alone is enough. */
  loadConfig(
    context: StorageContext,
  ): LoadedConfig | null | undefined | Promise<LoadedConfig | null | undefined>
  /** Keeps it, in the place of what was there. Called before the token is handed out. */
  saveConfig(config: StoredConfig, context: StorageContext): void | Promise<void>
  /** Where processes can see each other: runs `work` while no other one does so, and only if it can be saved after. */
  alone?<T>(context: StorageContext, work: () => Promise<T>): Promise<T>
}

const textFields = ['refreshToken', 'startedWith', 'accessToken', 'kind', 'expiresAt', 'issuedFor'] as const
const ownFields = [...textFields, 'expiresIn', 'scopes'] as const

/**
 * Reads what a storage has loaded. Our own fields that are null or empty are absent, as in a table whose columns are NULL
 * until something is stored. Fields of others are left as they are.
 * @throws {TokenError} `store-unwritable` if a field has a type that {@link TokenStorage.saveConfig} was never given
 */
export function readStored(loaded: unknown): StoredConfig {
  if (!isGiven(loaded)) return {}
  if (typeof loaded !== 'object' || loaded === null || Array.isArray(loaded))
    throw unreadable('loadConfig gave something that is not an object')
  const config: Record<string, unknown> = { ...loaded }
  for (const name of ownFields) {
    // Also what a class of a database library has as a getter.
    const value = trimmed((loaded as LoadedConfig)[name])
    if (value === undefined) delete config[name]
    else config[name] = value
  }
  const wrong = textFields.find((name) => config[name] !== undefined && typeof config[name] !== 'string')
  if (wrong !== undefined) throw unreadable(`loadConfig gave a ${wrong} that is not text`)
  return config
}

/** A value of ours without the blanks around it; a time of a database as {@link StoredConfig} has it. */
function trimmed(value: unknown): unknown {
  if (!isGiven(value)) return undefined
  if (typeof value === 'string') return value.trim()
  return value instanceof Date ? (Number.isNaN(value.getTime()) ? undefined : value.toISOString()) : value
}

/** The error for a storage that cannot be read. */
export const unreadable = (what: string): TokenError =>
  new TokenError(
    'store-unwritable',
    `${what}, so nothing was asked of Bitbucket.`,
    'See what the storage holds.',
  )
