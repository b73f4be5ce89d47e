import { lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { isFresh, isTokenText } from '../bitbucket/credential.ts'
import { withLock } from '../lock.ts'
import { Secret } from '../secret.ts'
import { removeSecretFiles, removeTemporaryFiles, takeOwnDirectory, writeSecretFile } from '../secret-file.ts'
import { readUntrustedFile, trustedUsers } from '../untrusted-file.ts'
import type { World } from '../world.ts'
import { fileInCache, isOwnDirectory, withCacheLock } from './cache-directory.ts'
import { digest } from './digest.ts'
import { refusalsPrefix } from './refusal-count.ts'

/** A token in a file that processes share. */
export interface CachedToken {
  readonly token: Secret
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
  /** The whole lifetime of the token in milliseconds. */
  readonly lifetime: number
  /** The granted scopes; undefined if Bitbucket has not named them. */
  readonly scopes?: readonly string[] | undefined
  /** The newest refresh token, if Bitbucket has replaced the first one. */
  readonly refreshToken: Secret | undefined
}

export interface TokenCache {
  /**
   * Returns the cached token if it is still valid, or else a new one. If several processes ask at once, one renews the token
   * and the others wait for it.
   * @param renew gets a new token; its argument is the newest refresh token, if there is one
   */
  get(renew: (refreshToken: Secret | undefined) => Promise<CachedToken>): Promise<CachedToken>
  /** Forgets this token, because Bitbucket has refused it. */
  forget(token: Secret): Promise<void>
  /** Returns the token that {@link get} would return without renewing it, if there is one. */
  peek(): CachedToken | undefined
}

export interface TokenCacheOptions {
  /**
   * The directories where the cache may be, the best one first. The cache uses the first that already belongs to this user,
   * or else the first that can be created. There are several because another user may have taken a name in a shared place
   * such as /tmp.
   */
  readonly directories: readonly string[]
  /** All that distinguishes one credential from another, including secrets. Only a digest of it is written. */
  readonly identity: readonly (string | Secret)[]
  readonly world: World
  /** How long to wait for another process that renews the token, in milliseconds. */
  readonly timeout: number
}

/** Opens the cache of one credential. */
export function tokenCache({ directories, identity, world, timeout }: TokenCacheOptions): TokenCache {
  const name = `token-${digest(identity).slice(0, 32)}.json`

  const find = (): CachedToken | undefined => {
    const file = fileInCache(directories, name)
    return file === undefined ? undefined : read(file)
  }
  const validToken = (): CachedToken | undefined => {
    const cached = find()
    // The token is empty if only the refresh token was kept: see clearTokenCache.
    if (cached === undefined || !isTokenText(cached.token.reveal())) return undefined
    return isFresh(cached, world.now()) ? cached : undefined
  }
  const locked = <T>(work: (directory: string) => Promise<T>): Promise<T> =>
    withCacheLock(directories, name, world, timeout, work)

  return {
    peek: validToken,
    async get(renew) {
      const cached = validToken()
      if (cached !== undefined) return cached
      return locked(async (directory) => {
        // Another process may have renewed it while this one waited.
        const renewed = validToken()
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

/** Creates a token cache that only this process has. */
export function tokenCacheInMemory(first: CachedToken, { now }: Pick<World, 'now'>): TokenCache {
  let cached = first
  let renewal: Promise<CachedToken> | undefined
  const peek = () => (isFresh(cached, now()) ? cached : undefined)
  return {
    peek,
    async get(renew) {
      const valid = peek()
      if (valid !== undefined) return valid
      const before = cached.refreshToken
      renewal ??= renew(before)
        .then((token) => {
          cached = { ...token, refreshToken: token.refreshToken ?? before }
          return cached
        })
        .finally(() => {
          renewal = undefined
        })
      return renewal
    },
    async forget(token) {
      if (cached.token.equals(token)) cached = { ...cached, expiresAt: 0 }
    },
  }
}

function serialize({ token, expiresAt, lifetime, scopes, refreshToken }: CachedToken): Secret {
  return new Secret(
    JSON.stringify({
      token: token.reveal(),
      expiresAt,
      lifetime,
      scopes,
      refreshToken: refreshToken?.reveal(),
    }),
  )
}

/** The latest time that a Date can have, in milliseconds. */
const latestTime = 8.64e15

/** The largest file that is read, in bytes. */
const limit = 1_048_576

/** Reads a cached token. Returns undefined if there is none, or none that makes sense. Then a new token is needed. */
function read(file: string): CachedToken | undefined {
  try {
    const text = readUntrustedFile(file, { limit, owners: trustedUsers() }).toString()
    const { token, expiresAt, lifetime, scopes, refreshToken } = JSON.parse(text)
    if (typeof token !== 'string' || typeof lifetime !== 'number') return undefined
    if (typeof expiresAt !== 'number' || Math.abs(expiresAt) > latestTime) return undefined
    return {
      token: new Secret(token),
      expiresAt,
      lifetime,
      scopes: Array.isArray(scopes) ? scopes.filter((scope) => typeof scope === 'string') : undefined,
      refreshToken: typeof refreshToken === 'string' ? new Secret(refreshToken) : undefined,
    }
  } catch {
    return undefined
  }
}

/**
 * Removes the cached tokens of all credentials, and the directory if it is empty then. Keeps a refresh token that has
 * replaced a spent one, unless `refreshTokens` is true, but removes the access token next to it.
 * @param directories as in {@link TokenCacheOptions}; directories of other users are left alone
 * @returns the paths of the removed files and of the kept files
 * @throws {TokenError} `file`
 */
export async function clearTokenCache(
  directories: readonly string[],
  { world, timeout, refreshTokens }: { world: World; timeout: number; refreshTokens: boolean },
): Promise<{ removed: string[]; kept: string[] }> {
  const removed: string[] = []
  const kept: string[] = []
  for (const directory of new Set(directories.filter(isOwnDirectory))) {
    takeOwnDirectory(directory, world)
    const names = readdirSync(directory).flatMap((name) => /^token-[0-9a-f]{32}\.json/.exec(name) ?? [])
    for (const name of new Set(names)) {
      const file = join(directory, name)
      await withLock(`${file}.lock`, world, timeout, async () => {
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
    // Removing the last file may already have removed the directory.
    if (isOwnDirectory(directory)) removeTemporaryFiles(directory)
  }
  return { removed, kept }
}
