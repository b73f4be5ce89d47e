import { closeSync, fstatSync, lstatSync, readSync } from 'node:fs'
import { ForeignFileError, openForeignFile } from '../foreign-file.ts'
import { isBinary, sizeLimit } from './scan.ts'

/** Why a file was not looked at. */
export type Skip = 'binary' | 'too large' | 'a link' | 'unreadable'

const slash = 0x2f

/** Reads the files below one directory into one buffer, so what it returns is valid until the next call. */
export class FileReader {
  readonly #root: string
  readonly #buffer = Buffer.allocUnsafe(sizeLimit)
  /** Whether a directory can be reached from the root without a link. */
  readonly #isPlain = new Map<string, boolean>()

  constructor(root: string) {
    this.#root = root
  }

  /**
   * Returns the content, why it is not looked at, or undefined if there is no such file (any more).
   * @param path relative to the root
   */
  read(path: Buffer): Buffer | Skip | undefined {
    try {
      const parent = path.lastIndexOf(slash)
      // git's index can name files behind a link, which then may be anywhere.
      if (parent > 0 && !this.#isBelowPlain(path.subarray(0, parent))) return 'a link'
      const file = openForeignFile(this.#absolute(path), { limit: sizeLimit })
      try {
        // A file can grow after it was measured, and the buffer does not.
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

  #isBelowPlain(directory: Buffer): boolean {
    const key = directory.toString('latin1')
    const known = this.#isPlain.get(key)
    if (known !== undefined) return known
    const parent = directory.lastIndexOf(slash)
    const isPlain =
      (parent <= 0 || this.#isBelowPlain(directory.subarray(0, parent))) &&
      !lstatSync(this.#absolute(directory)).isSymbolicLink()
    if (this.#isPlain.size >= 10_000) this.#isPlain.clear()
    this.#isPlain.set(key, isPlain)
    return isPlain
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
  if (error instanceof ForeignFileError) {
    if (error.reason === 'a link' || error.reason === 'too large') return error.reason
    // A pipe, a device, a directory: nothing that anybody has written.
    return undefined
  }
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  // Deleted and not yet committed, or a submodule.
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return undefined
  return 'unreadable'
}
