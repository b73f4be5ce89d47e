import { closeSync, fstatSync, lstatSync, readSync } from 'node:fs'
import { systemCode } from '../errors.ts'
import { openUntrustedFile, UntrustedFileError } from '../untrusted-file.ts'
import { isBinary, sizeLimit } from './scan.ts'

/** Why a file was not scanned. */
export type Skip = 'binary' | 'too large' | 'a link' | 'unreadable'

const slash = 0x2f

/** Reads the files below one directory. All files share one buffer, so a result is valid only until the next call. */
export class FileReader {
  readonly #root: string
  readonly #buffer = Buffer.allocUnsafe(sizeLimit)
  /** Caches, for each directory, whether the path from the root to it contains no link. */
  readonly #isWithoutLinks = new Map<string, boolean>()

  constructor(root: string) {
    this.#root = root
  }

  /**
   * Returns the content of a file, why it is skipped, or undefined if the file does not exist (any more).
   * @param path relative to the root
   */
  read(path: Buffer): Buffer | Skip | undefined {
    try {
      const parent = path.lastIndexOf(slash)
      // git's index can name files below a link, which may lead out of the root.
      if (parent > 0 && !this.#hasNoLinks(path.subarray(0, parent))) return 'a link'
      const file = openUntrustedFile(this.#absolute(path), { limit: sizeLimit })
      try {
        // The file may have grown since it was opened, but the buffer does not grow.
        const content = this.#buffer.subarray(0, readAll(file, this.#buffer))
        if (content.length === sizeLimit && fstatSync(file).size > sizeLimit) return 'too large'
        return isBinary(content) ? 'binary' : content
      } finally {
        closeSync(file)
      }
    } catch (error) {
      return skipFor(error)
    }
  }

  #absolute(path: Buffer): Buffer {
    return Buffer.concat([Buffer.from(`${this.#root}/`), path])
  }

  #hasNoLinks(directory: Buffer): boolean {
    const key = directory.toString('latin1')
    const known = this.#isWithoutLinks.get(key)
    if (known !== undefined) return known
    const parent = directory.lastIndexOf(slash)
    const hasNoLinks =
      (parent <= 0 || this.#hasNoLinks(directory.subarray(0, parent))) &&
      !lstatSync(this.#absolute(directory)).isSymbolicLink()
    if (this.#isWithoutLinks.size >= 10_000) this.#isWithoutLinks.clear()
    this.#isWithoutLinks.set(key, hasNoLinks)
    return hasNoLinks
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
  if (error instanceof UntrustedFileError) {
    if (error.reason === 'a link' || error.reason === 'too large') return error.reason
    // Pipes, devices and directories have no content to scan.
    return undefined
  }
  const code = systemCode(error)
  // git lists deleted files until the deletion is staged, and submodules, which are directories.
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return undefined
  return 'unreadable'
}
