import { lstatSync } from 'node:fs'
import { reasonOf, TokenError } from '../errors.ts'
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
export function takeFirst(directories: readonly string[], world: World): string {
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
