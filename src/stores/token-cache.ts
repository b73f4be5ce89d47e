import { lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { isFresh, isTokenText } from '../bitbucket/credential.ts'
import { readForeignFile, trustedUsers } from '../foreign-file.ts'
import { withLock } from '../lock.ts'
import { Secret } from '../secret.ts'
import { removeSecretFiles, removeTemporaryFiles, takeOwnDirectory, writeSecretFile } from '../secret-file.ts'
import type { World } from '../world.ts'
import { isOwnDirectory, takeFirst } from './cache-directory.ts'
import { digest } from './digest.ts'
import { refusalsPrefix } from './refusals.ts'

/** A token that lies in a secret file between the processes that share it. */
export interface CachedToken {
  readonly token: Secret
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
  /** Milliseconds that the token lives in all. */
  readonly lifetime: number
  /** The newest refresh token, where the one that was given has been replaced by the server. */
  readonly refreshToken: Secret | undefined
}

export interface TokenCache {
  /**
   * The cached token while it lives, else a new one. Of processes that ask at once, one renews and the others
   * wait for what it got.
   * @param renew gets a new token, given the newest refresh token if there is one
   */
  get(renew: (refreshToken: Secret | undefined) => Promise<CachedToken>): Promise<CachedToken>
  /** Never again gives out this token, which the server has refused. */
  forget(token: Secret): Promise<void>
  /** Returns the token that {@link get} would give without renewing, if there is one. */
  peek(): CachedToken | undefined
}

export interface TokenCacheOptions {
  /**
   * Where the cache may be, the best place first. It is in the first that this user already has, or else in the first
   * that can be made: another user may have taken a name in a place that all share, such as /tmp.
   */
  readonly directories: readonly string[]
  /** All that distinguishes one credential from another, secrets included. Only a digest of it is written. */
  readonly identity: readonly (string | Secret)[]
  readonly world: World
  /** Milliseconds to wait for another process that renews. */
  readonly patience: number
}

export function tokenCache({ directories, identity, world, patience }: TokenCacheOptions): TokenCache {
  const name = `token-${digest(identity).slice(0, 32)}.json`

  const find = (): CachedToken | undefined => {
    const directory = directories.find(isOwnDirectory)
    return directory === undefined ? undefined : read(join(directory, name))
  }
  const living = (): CachedToken | undefined => {
    const cached = find()
    // An empty one stands beside a refresh token that was kept.
    if (cached === undefined || !isTokenText(cached.token.reveal())) return undefined
    return isFresh(cached, world.now()) ? cached : undefined
  }
  const locked = <T>(work: (directory: string) => Promise<T>): Promise<T> => {
    const directory = takeFirst(directories, world)
    return withLock(join(directory, `${name}.lock`), world, patience, () => work(directory))
  }

  return {
    peek: living,
    async get(renew) {
      const cached = living()
      if (cached !== undefined) return cached
      return locked(async (directory) => {
        // Another process may have renewed it while this one waited.
        const renewed = living()
        if (renewed !== undefined) return renewed
        const before = find()?.refreshToken
        const token = await renew(before)
        const kept = { ...token, refreshToken: token.refreshToken ?? before }
        writeSecretFile(directory, name, serialize(kept))
        return kept
      })
    },
    async forget(token) {
      if (!find()?.token.equals(token)) return
      await locked(async (directory) => {
        const cached = find()
        if (!cached?.token.equals(token)) return
        writeSecretFile(directory, name, serialize({ ...cached, expiresAt: 0 }))
      })
    },
  }
}

function serialize({ token, expiresAt, lifetime, refreshToken }: CachedToken): Secret {
  return new Secret(
    JSON.stringify({ token: token.reveal(), expiresAt, lifetime, refreshToken: refreshToken?.reveal() }),
  )
}

/** The last moment that a Date can be, in milliseconds. */
const latestTime = 8.64e15

/** Bytes that a cached token may take. */
const limit = 1_048_576

/** Returns undefined if there is nothing, or nothing that makes sense: then a new token is needed. */
function read(file: string): CachedToken | undefined {
  try {
    const text = readForeignFile(file, { limit, owners: trustedUsers() }).toString()
    const { token, expiresAt, lifetime, refreshToken } = JSON.parse(text)
    if (typeof token !== 'string' || typeof lifetime !== 'number') return undefined
    if (typeof expiresAt !== 'number' || Math.abs(expiresAt) > latestTime) return undefined
    return {
      token: new Secret(token),
      expiresAt,
      lifetime,
      refreshToken: typeof refreshToken === 'string' ? new Secret(refreshToken) : undefined,
    }
  } catch {
    return undefined
  }
}

/**
 * Removes the cached tokens of all credentials, and the directory if nothing is left in it. A refresh token that the
 * server gave in place of a spent one stays, without the token beside it.
 * @returns the paths of what was removed, and of what was kept
 * @param directories as in {@link TokenCacheOptions}; one that belongs to another user is not ours to clear
 * @throws {TokenError} `file`
 */
export async function clearTokenCache(
  directories: readonly string[],
  { world, patience, refreshTokens }: { world: World; patience: number; refreshTokens: boolean },
): Promise<{ removed: string[]; kept: string[] }> {
  const removed: string[] = []
  const kept: string[] = []
  for (const directory of new Set(directories.filter(isOwnDirectory))) {
    takeOwnDirectory(directory, world)
    const names = readdirSync(directory).flatMap((name) => /^token-[0-9a-f]{32}\.json/.exec(name) ?? [])
    for (const name of new Set(names)) {
      const file = join(directory, name)
      await withLock(`${file}.lock`, world, patience, async () => {
        const cached = read(file)
        if (cached?.refreshToken === undefined || refreshTokens) {
          if (lstatSync(file, { throwIfNoEntry: false }) !== undefined) removed.push(file)
          removeSecretFiles(directory, [name])
          return
        }
        writeSecretFile(directory, name, serialize({ ...cached, token: new Secret(''), expiresAt: 0 }))
        kept.push(file)
      })
    }
    const counts = readdirSync(directory).filter((name) => name.startsWith(refusalsPrefix))
    removeSecretFiles(directory, counts)
    removed.push(...counts.map((name) => join(directory, name)))
    // The directory goes with the last of them.
    if (isOwnDirectory(directory)) removeTemporaryFiles(directory)
  }
  return { removed, kept }
}
