import { lstatSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { reasonOf, TokenError } from '../errors.ts'
import { withLock } from '../lock.ts'
import { isOwn } from '../ownership.ts'
import { takeOwnDirectory } from '../secret-file.ts'
import type { World } from '../world.ts'

/** Whether a directory exists and belongs to this user. */
export function isOwnDirectory(path: string): boolean {
  try {
    const found = lstatSync(path)
    return found.isDirectory() && isOwn(found)
  } catch {
    // It does not exist, or this user may not see it.
    return false
  }
}

/**
 * Returns the first of these directories that already belongs to this user, or else creates the first that can be created.
 * @throws {TokenError} `file` if none can be used. The message says what is wrong with each.
 */
function takeCacheDirectory(directories: readonly string[], world: World): string {
  const failures: string[] = []
  const existing = directories.find(isOwnDirectory)
  for (const directory of existing === undefined ? directories : [existing]) {
    try {
      takeOwnDirectory(directory, world)
      return directory
    } catch (error) {
      failures.push(reasonOf(error))
    }
  }
  throw new TokenError(
    'file',
    `No directory for the token cache could be created.\n${failures.join('\n')}`,
    'Set XDG_RUNTIME_DIR to a directory that belongs to this user, on a disk with free space.',
  )
}

/** Returns the path of a file in the cache; undefined if there is no directory for it yet. */
export function fileInCache(directories: readonly string[], name: string): string | undefined {
  const directory = directories.find(isOwnDirectory)
  return directory === undefined ? undefined : join(directory, name)
}

/**
 * Runs `work` while no other process changes a file in the cache. Its argument is the directory, which exists then.
 * @param name the name of the file
 * @param timeout how long to wait for another process, in milliseconds
 */
export async function withCacheLock<T>(
  directories: readonly string[],
  name: string,
  world: World,
  timeout: number,
  work: (directory: string) => Promise<T>,
): Promise<T> {
  const directory = takeCacheDirectory(directories, world)
  return withLock(join(directory, `${name}.lock`), world, timeout, () => work(directory))
}

/**
 * Returns the possible directories of the cache, the best one first. They do not depend on the working directory, because
 * git starts helpers in different directories. Only this user can create the last one.
 */
export function cacheDirectories({ env }: Pick<World, 'env'>): readonly string[] {
  const name = `bitbucket-token-cache-${process.geteuid?.() ?? 'user'}`
  const home = env['HOME'] || env['USERPROFILE']
  const userCache = env['XDG_CACHE_HOME'] || (home && join(home, '.cache'))
  // A runner makes RUNNER_TEMP only for its own user, so a cache in /tmp from another run must not win over it.
  const shared = env['RUNNER_TEMP'] ? [env['RUNNER_TEMP']] : [env['XDG_RUNTIME_DIR'], tmpdir()]
  const places = [...shared, userCache]
  return [...new Set(places.flatMap((place) => (place ? [join(place, name)] : [])))]
}
