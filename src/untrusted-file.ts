import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, type Stats } from 'node:fs'
import { systemCode } from './errors.ts'

/** Why a file is refused. If a file is missing or not readable, node's own error says so. */
export type Refusal = 'a link' | 'not a regular file' | 'too large' | "another user's"

/** A file was refused because of its kind, size or owner. */
export class UntrustedFileError extends Error {
  readonly reason: Refusal

  constructor(reason: Refusal) {
    super(reason === "another user's" ? 'it belongs to another user' : `it is ${reason}`)
    this.name = 'UntrustedFileError'
    this.reason = reason
  }
}

/** The files to accept. */
interface Acceptable {
  /** The largest size, in bytes. */
  readonly limit: number
  /** The user ids of accepted owners. Undefined accepts every owner. Windows has no user ids and accepts every file. */
  readonly owners?: readonly number[]
}

/**
 * Opens a file for reading that another user may have made. Accepts only a regular file, never follows a link, and never
 * waits (opening a FIFO would wait for its writer, and opening a device can have effects).
 * @param path only the last part must not be a link. Links among the directories above it are followed
 * @returns a file descriptor, which the caller must close
 * @throws {UntrustedFileError} if the file is refused; otherwise what node throws, such as `ENOENT`
 */
export function openUntrustedFile(path: string | Buffer, acceptable: Acceptable): number {
  // Before opening, because opening a device can have effects, and because Windows cannot refuse a link when it opens it.
  accept(lstatSync(path), acceptable)
  const file = openWithoutLinks(path)
  try {
    // Again, because the file may have been replaced in between.
    accept(fstatSync(file), acceptable)
    return file
  } catch (error) {
    closeSync(file)
    throw error
  }
}

/**
 * Reads a whole file that another user may have made, by the rules of {@link openUntrustedFile}.
 * @throws what {@link openUntrustedFile} throws, also if the file grows beyond the limit during the read
 */
export function readUntrustedFile(path: string | Buffer, acceptable: Acceptable): Buffer {
  const file = openUntrustedFile(path, acceptable)
  try {
    return readWithin(file, acceptable.limit)
  } finally {
    closeSync(file)
  }
}

/** Returns the users whose files we trust: this user, and root, who can do everything anyway. */
export function trustedUsers(): readonly number[] {
  return [process.geteuid?.() ?? 0, 0]
}

function openWithoutLinks(path: string | Buffer): number {
  // Windows does not have the last three.
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0, O_NOCTTY = 0 } = constants
  try {
    return openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
  } catch (error) {
    const code = systemCode(error)
    // open(2): ELOOP because of O_NOFOLLOW. FreeBSD returns EMLINK.
    if (code === 'ELOOP' || code === 'EMLINK') throw new UntrustedFileError('a link')
    // A socket, or a device without a driver.
    if (code === 'ENXIO') throw new UntrustedFileError('not a regular file')
    throw error
  }
}

function accept(found: Stats, { limit, owners }: Acceptable): void {
  if (found.isSymbolicLink()) throw new UntrustedFileError('a link')
  if (!found.isFile()) throw new UntrustedFileError('not a regular file')
  if (owners !== undefined && process.geteuid !== undefined && !owners.includes(found.uid)) {
    throw new UntrustedFileError("another user's")
  }
  if (found.size > limit) throw new UntrustedFileError('too large')
}

function readWithin(file: number, limit: number): Buffer {
  const chunks: Buffer[] = []
  for (let length = 0; ; ) {
    // One byte more than is left, to notice a file that grew. The size is not used, because files in /proc have size 0.
    const chunk = Buffer.allocUnsafe(Math.min(limit - length + 1, 65_536))
    const read = readSync(file, chunk, 0, chunk.length, null)
    if (read === 0) return Buffer.concat(chunks)
    length += read
    if (length > limit) throw new UntrustedFileError('too large')
    chunks.push(chunk.subarray(0, read))
  }
}
