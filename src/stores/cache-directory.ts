import { lstatSync } from 'node:fs'
import { reasonOf, TokenError } from '../errors.ts'
import { isOwn } from '../ownership.ts'
import { takeOwnDirectory } from '../secret-file.ts'
import type { World } from '../world.ts'

/** Whether a directory is there and belongs to this user. */
export function isOwnDirectory(path: string): boolean {
  try {
    const found = lstatSync(path)
    return found.isDirectory() && isOwn(found)
  } catch {
    // Not there, or where this user may not look.
    return false
  }
}

/**
 * Takes the first of these directories that this user already has, or else makes the first that can be made.
 * @throws {TokenError} `file` if none can be had, with what is wrong with each
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
    `No directory for the token cache could be made.\n${failures.join('\n')}`,
    'Set XDG_RUNTIME_DIR to a directory that belongs to this user, on a disk that has room.',
  )
}
