import {
  appendFileSync,
  chmodSync,
  closeSync,
  fchmodSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmdirSync,
  rmSync,
  type Stats,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { reasonOf, TokenError } from './errors.ts'
import type { Secret } from './secret.ts'
import { isWindows, keepOthersOut, replaceFile, type System } from './windows.ts'
import { uniqueName } from './world.ts'

/**
 * Makes a directory that only we can enter (0700; on Windows, where that says nothing, by its access list). It must not
 * exist yet: whatever waits there under that name, a link included, is an error (`mkdir` never follows one).
 * @throws {TokenError} `file`
 */
export function makePrivateDirectory(path: string, system: System = process): void {
  attempt(`The private directory ${path} could not be made`, () => {
    mkdirSync(path, { mode: 0o700 })
    try {
      makePrivate(path, system)
    } catch (error) {
      rmdirSync(path)
      throw error
    }
  })
}

function makePrivate(path: string, system: System): void {
  // mkdir's mode is narrowed by the umask, which may even have taken our own bits.
  chmodSync(path, 0o700)
  if (isWindows(system)) keepOthersOut(path, system)
}

/**
 * Makes a directory that only we can enter, or takes the one that an earlier run made.
 * @param ours the names that may be in it: a directory that holds anything else is somebody's, and its mode is
 * not ours to change
 * @throws {TokenError} `file`
 */
export function takePrivateDirectory(path: string, ours: readonly string[], system: System = process): void {
  takeDirectory(path, system, () => {
    const strange = findStrange(readdirSync(path), ours)
    if (strange !== undefined) throw new Error(`it holds other files, such as ${strange}`)
  })
}

/**
 * The same in a place that all users share, such as /tmp, where somebody may have made a directory under our name
 * in advance: it must belong to this user.
 * @throws {TokenError} `file`
 */
export function takeOwnDirectory(path: string, system: System = process): void {
  takeDirectory(path, system, ({ uid }) => {
    // Windows has no user ids; there the temporary directory is the user's own.
    const self = process.getuid?.()
    if (self !== undefined && uid !== self) throw new Error('it belongs to another user')
  })
}

function takeDirectory(path: string, system: System, inspect: (found: Stats) => void): void {
  attempt(`The private directory ${path} could not be made`, () => {
    mkdirSync(dirname(path), { recursive: true })
    try {
      makePrivateDirectory(path, system)
    } catch (error) {
      const found = lstatSync(path, { throwIfNoEntry: false })
      if (found === undefined) throw error
      if (!found.isDirectory()) throw new Error('something that is not a directory is there already')
      inspect(found)
      makePrivate(path, system)
    }
  })
}

/**
 * Writes a file that only we can read: 0600 whatever the umask, made under another name and renamed into place,
 * so that no reader sees half of it and a link that waits under the name is replaced, not followed.
 * @throws {TokenError} `file`; what was there before is then still there
 */
export function writeSecretFile(directory: string, name: string, content: Secret): string {
  const path = join(directory, name)
  putInPlace(path, join(directory, `${temporaryPrefix}${uniqueName()}`), content)
  return path
}

/**
 * The same for a file that outlives the job, for a writer that holds a lock on it: what a killed one has left beside it
 * is taken over and not piled up, and the content is on the disk before it is in place.
 * @throws {TokenError} `file`; what was there before is then still there
 */
export function replaceSecretFile(path: string, content: Secret): void {
  const temporary = nextTo(path)
  attempt(`The file ${path} could not be written`, () => rmSync(temporary, { force: true }))
  putInPlace(path, temporary, content, fsyncSync)
}

/**
 * Makes sure, as far as it can be known, that {@link replaceSecretFile} will succeed: also on a disk that is almost full.
 * @throws {TokenError} `file`
 */
export function probeSecretFile(path: string): void {
  const temporary = nextTo(path)
  attempt(`The file ${temporary} could not be written`, () => {
    rmSync(temporary, { force: true })
    writeFileSync(temporary, Buffer.alloc(roomNeeded), { flag: 'wx', mode: 0o600 })
    rmSync(temporary)
  })
}

const nextTo = (path: string): string => `${path}.new`

/** More than Bitbucket's tokens take, in bytes. */
const roomNeeded = 16_384

function putInPlace(
  path: string,
  temporary: string,
  content: Secret,
  settle: (file: number) => void = () => {},
): void {
  attempt(`The file ${path} could not be written`, () => {
    try {
      const file = openSync(temporary, 'wx', 0o600)
      try {
        fchmodSync(file, 0o600)
        writeFileSync(file, content.reveal())
        settle(file)
      } finally {
        closeSync(file)
      }
      replaceFile(temporary, path, process)
    } catch (error) {
      rmSync(temporary, { force: true })
      throw error
    }
  })
}

/**
 * Adds to a file that a CI reads: all of it, or nothing where the disk is full. The file is the CI's: its
 * mode stays as it is, and one that is not there yet is made 0600.
 * @throws {TokenError} `file`
 */
export function appendSecret(file: string, content: Secret): void {
  attempt(`The CI's file ${file} could not be written`, () => {
    appendWhole(file, content)
  })
}

/**
 * Adds to a file, and takes back the half that a full disk has let through. One that is not there yet is made 0600.
 * @throws what node throws
 */
export function appendWhole(file: string, content: Secret): void {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0
  try {
    appendFileSync(file, content.reveal(), { mode: 0o600 })
  } catch (error) {
    try {
      truncateSync(file, size)
    } catch {
      // Not a file, or gone: there is no half of it then.
    }
    throw error
  }
}

/**
 * Removes a private directory and all in it. What is not there is no error; a link in its place is not followed.
 * @returns whether there was one
 * @throws {TokenError} `file`
 */
export function removePrivateDirectory(path: string): boolean {
  return attempt(`${path} could not be removed`, () => {
    const found = lstatSync(path, { throwIfNoEntry: false })
    if (found === undefined) return false
    if (!found.isDirectory()) throw new Error('it is not the directory that was made')
    // Again and again for a moment, for Windows refuses while another process has a file of it open.
    rmSync(path, { recursive: true, maxRetries: 4, retryDelay: 20 })
    return true
  })
}

/**
 * Removes from a private directory the files that are ours, also those that a killed run left half written; and the
 * directory, if nothing is left in it. What is not there is no error; a link in its place is not followed.
 * @param ours the names that may be in it: a directory that holds anything else is somebody's, and is left alone
 * @param keep those of ours to leave there
 * @returns the paths of what was removed, and of what was kept
 * @throws {TokenError} `file`
 */
export function clearPrivateDirectory(
  path: string,
  ours: readonly string[],
  keep: readonly string[],
): { removed: string[]; kept: string[] } {
  return attempt(`${path} could not be cleaned`, () => {
    const found = lstatSync(path, { throwIfNoEntry: false })
    if (found === undefined) return { removed: [], kept: [] }
    if (!found.isDirectory()) throw notOurs(path, 'is not a directory')
    const names = readdirSync(path)
    const strange = findStrange(names, ours)
    if (strange !== undefined) throw notOurs(path, `holds other files, such as ${strange}`)
    const removed = names.filter((name) => !keep.includes(name)).map((name) => join(path, name))
    for (const file of removed) rmSync(file, { force: true })
    const kept = names.filter((name) => keep.includes(name)).map((name) => join(path, name))
    if (kept.length === 0) rmdirSync(path)
    return { removed, kept }
  })
}

const notOurs = (path: string, why: string) =>
  new TokenError(
    'file',
    `${path} ${why}, so it is not one that was made here: nothing in it was removed.`,
    'Remove by hand what belongs to bitbucket-token, or take the rest out and run cleanup again.',
  )

/**
 * Removes the named files and, if nothing is left in it, the directory.
 * @throws {TokenError} `file`
 */
export function removeSecretFiles(directory: string, names: readonly string[]): void {
  attempt(`${directory} could not be cleaned`, () => {
    const found = lstatSync(directory, { throwIfNoEntry: false })
    if (found === undefined) return
    if (!found.isDirectory()) throw new Error('it is not the directory that was made')
    for (const name of names) rmSync(join(directory, name), { force: true })
    if (readdirSync(directory).length === 0) rmdirSync(directory)
  })
}

/**
 * Removes what killed runs left half written in a directory of ours, and the directory if nothing else is in it.
 * @throws {TokenError} `file`
 */
export function removeTemporaryFiles(directory: string): void {
  removeSecretFiles(directory, readdirSync(directory).filter(isTemporary))
}

const temporaryPrefix = '.new-'
const findStrange = (names: readonly string[], ours: readonly string[]): string | undefined =>
  names.find((name) => !ours.includes(name) && !isTemporary(name))
const isTemporary = (name: string): boolean => name.startsWith(temporaryPrefix)

function attempt<T>(failure: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof TokenError) throw error
    throw new TokenError('file', `${failure}: ${reasonOf(error)}.`, adviceFor(error), error)
  }
}

function adviceFor(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'Make room on the disk, then run it again.'
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return 'Give a directory that this user may write to (output-dir, or docker run --user and a mounted directory of that user).'
  }
  return 'Give a directory of its own for the secret files (output-dir).'
}
