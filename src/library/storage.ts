import { TokenError } from '../errors.ts'
import { invalid } from '../read-value.ts'
import type { StoredConfig } from '../stores/stored-config.ts'
import { isPresent } from './option-rules.ts'

/** What `loadConfig` may return. A field may be null or empty, as in a database table, and a time may be a `Date`. */
export type LoadedConfig = {
  readonly [Name in keyof StoredConfig]: StoredConfig[Name] | null | (Name extends 'expiresAt' ? Date : never)
}

/** What the functions of a storage get from the call. */
export interface StorageContext {
  /** The name of the program whose tokens these are. */
  readonly appName: string | undefined
  /** Is aborted if nobody waits for the result any more, but never while a new token is saved. */
  readonly signal: AbortSignal
  /** How long to wait for another process, in milliseconds. */
  readonly patience: number
}

/**
 * Stores tokens between runs. All functions may be asynchronous. If one throws before a token is spent, the call rejects and
 * nothing is lost. If `saveConfig` throws after that, the call rejects with an `UnsavedTokenError` that contains the tokens.
 */
export interface TokenStorage {
  /** Returns what was saved last, or undefined or null if nothing was saved yet. `{ refreshToken }` alone is enough. */
  loadConfig(
    context: StorageContext,
  ): LoadedConfig | null | undefined | Promise<LoadedConfig | null | undefined>
  /** Saves the config and replaces the previous one. It is called before `getAccessToken` resolves. */
  saveConfig(config: StoredConfig, context: StorageContext): void | Promise<void>
  /**
   * Runs `work` while no other process runs it. Optional, for a storage that processes share. It should throw before `work`
   * if saving would fail.
   */
  alone?<T>(context: StorageContext, work: () => Promise<T>): Promise<T>
}

const textFields = ['refreshToken', 'startedWith', 'accessToken', 'kind', 'expiresAt', 'issuedFor'] as const
const ownFields = [...textFields, 'expiresIn', 'scopes'] as const

/**
 * Reads what a storage has loaded. Leaves out our own fields that are null or empty, as in a table whose columns are NULL
 * until something is stored. Keeps fields of other programs as they are.
 * @throws {TokenError} `store-unwritable` if a field has a type that {@link TokenStorage.saveConfig} was never given
 */
export function readStored(loaded: unknown): StoredConfig {
  if (!isPresent(loaded)) return {}
  if (typeof loaded !== 'object' || loaded === null || Array.isArray(loaded))
    throw unreadable('loadConfig did not return an object')
  const config: Record<string, unknown> = { ...loaded }
  for (const name of ownFields) {
    // The spread above does not copy getters, which classes of database libraries have.
    const value = normalized((loaded as LoadedConfig)[name])
    if (value === undefined) delete config[name]
    else config[name] = value
  }
  const wrong = textFields.find((name) => config[name] !== undefined && typeof config[name] !== 'string')
  if (wrong !== undefined) throw unreadable(`loadConfig returned a ${wrong} that is not text`)
  return config
}

/** Returns text without the spaces around it, and a `Date` as {@link StoredConfig} has it. */
function normalized(value: unknown): unknown {
  if (!isPresent(value)) return undefined
  if (typeof value === 'string') return value.trim()
  return value instanceof Date ? (Number.isNaN(value.getTime()) ? undefined : value.toISOString()) : value
}

/** Returns the error for a storage that cannot be read. */
export const unreadable = (what: string): TokenError =>
  new TokenError(
    'store-unwritable',
    `${what}. No request was sent to Bitbucket.`,
    'Check what the storage contains.',
  )

/**
 * Reads `appName`, which may become part of a path. Returns undefined if it is absent.
 * @throws {TokenError} `input` if it contains anything but letters, digits and `_.@-`, or begins with a dot
 */
export function readAppName(appName: string | null | undefined): string | undefined {
  if (appName === undefined || appName === null || appName === '') return undefined
  if (/^(?!\.)[\w.@-]{1,100}$/.test(appName)) return appName
  throw invalid(
    'appName contains a character that is not allowed, begins with a dot, or is longer than 100 characters.',
    'Use only letters, digits, hyphens, underscores, dots and @.',
  )
}
