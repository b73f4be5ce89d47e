import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, type Stats } from 'node:fs'

/** Why a file is refused. A file that is missing or that we may not read is node's own error. */
export type Refusal = 'a link' | 'not a regular file' | 'too large' | "another user's"

/** A file was refused because of what it is; `reason` says which. */
export class ForeignFileError extends Error {
  readonly reason: Refusal

  constructor(reason: Refusal) {
    super(reason === "another user's" ? 'it belongs to another user' : `it is ${reason}`)
    this.name = 'ForeignFileError'
    this.reason = reason
  }
}

/** What is accepted. */
export interface Acceptable {
  /** Bytes that the file may have. */
  readonly limit: number
  /** User ids that it may belong to, if that matters. Windows has none, so there every file is accepted. */
  readonly owners?: readonly number[]
}

/**
 * Opens a file that somebody else may have made, for reading: a regular file only, never through a link, without waiting
 * (opening a FIFO would wait for its writer, and opening a device can have effects).
 * @param path only its last part must not be a link; the directories above it are followed
 * @returns a file descriptor, which the caller closes
 * @throws {ForeignFileError} if it is refused; and what node throws, such as `ENOENT`
 */
export function openForeignFile(path: string | Buffer, acceptable: Acceptable): number {
  // Before it is opened, because of devices, and because Windows cannot refuse a link while it opens it.
  accept(lstatSync(path), acceptable)
  const file = openWithoutLinks(path)
  try {
    // Once more, because it may have been exchanged in between.
    accept(fstatSync(file), acceptable)
    return file
  } catch (error) {
    closeSync(file)
    throw error
  }
}

/**
 * Reads a whole file that somebody else may have made, under the rules of {@link openForeignFile}.
 * @throws as {@link openForeignFile} does; also if it grows beyond the limit while it is read
 */
export function readForeignFile(path: string | Buffer, acceptable: Acceptable): Buffer {
  const file = openForeignFile(path, acceptable)
  try {
    return readWithin(file, acceptable.limit)
  } finally {
    closeSync(file)
  }
}

/** Returns the users whose files we trust: this one, and root, who can do everything anyway. */
export function trustedUsers(): readonly number[] {
  return [process.geteuid?.() ?? 0, 0]
}

function openWithoutLinks(path: string | Buffer): number {
  // Windows has none of these.
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0, O_NOCTTY = 0 } = constants
  try {
    return openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    // open(2): ELOOP for O_NOFOLLOW; FreeBSD says EMLINK.
    if (code === 'ELOOP' || code === 'EMLINK') throw new ForeignFileError('a link')
    // A socket, or a device without a driver.
    if (code === 'ENXIO') throw new ForeignFileError('not a regular file')
    throw error
  }
}

function accept(found: Stats, { limit, owners }: Acceptable): void {
  if (found.isSymbolicLink()) throw new ForeignFileError('a link')
  if (!found.isFile()) throw new ForeignFileError('not a regular file')
  if (owners !== undefined && process.geteuid !== undefined && !owners.includes(found.uid)) {
    throw new ForeignFileError("another user's")
  }
  if (found.size > limit) throw new ForeignFileError('too large')
}

function readWithin(file: number, limit: number): Buffer {
  const chunks: Buffer[] = []
  for (let length = 0; ; ) {
    // One byte more than is left, so that a file that grew is noticed. The size is not asked: files in /proc have none.
    const chunk = Buffer.allocUnsafe(Math.min(limit - length + 1, 65_536))
    const read = readSync(file, chunk, 0, chunk.length, null)
    if (read === 0) return Buffer.concat(chunks)
    length += read
    if (length > limit) throw new ForeignFileError('too large')
    chunks.push(chunk.subarray(0, read))
  }
}
