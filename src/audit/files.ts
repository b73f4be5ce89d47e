import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from 'node:fs'
import { type Git, runGit, split } from './git.ts'
import { isBinary, sizeLimit } from './scan.ts'

/** Why a file was not looked at. */
export type Skip = 'binary' | 'too large' | 'a link' | 'unreadable'

/**
 * The files of a clone, without those that git ignores: paths relative to the directory, as bytes.
 * @throws {GitFailure} outside a clone, without git, or where git does not trust the owner of the clone
 */
export async function* filesOfClone(git: Git): AsyncGenerator<Buffer> {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard']
  let before: Buffer | undefined
  for await (const path of split(runGit(git, args), 0)) {
    // Unmerged, it is listed once for each side. With a slash it is another repository inside this one.
    if (before?.equals(path) !== true && path.at(-1) !== slash) yield Buffer.from(path)
    before = path
  }
}

const slash = 0x2f

/** Links are not followed, and what is no file (a pipe, a device) is not waited for. Windows has neither. */
const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/** Reads files into one buffer, so what it gives holds until the next. */
export class FileReader {
  readonly #buffer = Buffer.allocUnsafe(sizeLimit)

  /** The content, why it is not looked at, or undefined where there is no such file (any more). */
  read(path: Buffer): Buffer | Skip | undefined {
    let file: number
    try {
      if (constants.O_NOFOLLOW === undefined && lstatSync(path).isSymbolicLink()) return 'a link'
      file = openSync(path, flags)
    } catch (error) {
      return skipFor(error)
    }
    try {
      const status = fstatSync(file)
      if (!status.isFile()) return undefined
      if (status.size > sizeLimit) return 'too large'
      const content = this.#buffer.subarray(0, readAll(file, this.#buffer))
      return isBinary(content) ? 'binary' : content
    } catch (error) {
      return skipFor(error)
    } finally {
      closeSync(file)
    }
  }
}

function readAll(file: number, buffer: Buffer): number {
  let length = 0
  for (;;) {
    const read = readSync(file, buffer, length, buffer.length - length, null)
    length += read
    if (read === 0 || length === buffer.length) return length
  }
}

function skipFor(error: unknown): Skip | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ELOOP' || code === 'EMLINK') return 'a link'
  // Deleted and not yet committed, or a submodule.
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return undefined
  return 'unreadable'
}
