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
import { readForeignFile, trustedUsers } from './foreign-file.ts'
import { isOwn, ownerAbove } from './ownership.ts'
import { lstatIfThere } from './paths.ts'
import { Secret } from './secret.ts'
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
 * Makes a directory that only we can enter, or takes the one that an earlier run made. A `.gitignore` in it keeps it out
 * of git, and out of what npm packs. (`.git/info/exclude` does not: npm ignores it, a `.gitignore` overrules it, and a
 * container may not see it.)
 * @param ours the names that may be in it: a directory that holds anything else is somebody's, and its mode is
 * not ours to change
 * @throws {TokenError} `file`
 */
export function takePrivateDirectory(path: string, ours: readonly string[], system: System = process): void {
  takeDirectory(path, system, () => {
    const strange = findStrange(path, ours)
    if (strange !== undefined) throw new Error(`it ${strange}`)
  })
  if (lstatSync(join(path, ignoreFile), { throwIfNoEntry: false }) === undefined) {
    writeSecretFile(path, ignoreFile, new Secret(ignoreEverything))
  }
}

/** Whether a directory holds our `.gitignore`, so that it is one that an earlier run made or took. */
export const isHidden = (directory: string): boolean => isOurIgnoreFile(join(directory, ignoreFile))

/** What takes the secret files out of git's sight, itself included. */
const ignoreFile = '.gitignore'
const ignoreEverything = '*\n'

function isOurIgnoreFile(path: string): boolean {
  try {
    return readForeignFile(path, { limit: 2 }).toString() === ignoreEverything
  } catch {
    return false
  }
}

/**
 * The same in a place that all users share, such as /tmp, where somebody may have made a directory under our name
 * in advance: it must belong to this user.
 * @throws {TokenError} `file`
 */
export function takeOwnDirectory(path: string, system: System = process): void {
  takeDirectory(path, system, () => {})
}

function takeDirectory(path: string, system: System, inspect: () => void): void {
  attempt(`The private directory ${path} could not be made`, () => {
    mkdirSync(dirname(path), { recursive: true })
    try {
      makePrivateDirectory(path, system)
    } catch (error) {
      const found = lstatSync(path, { throwIfNoEntry: false })
      if (found === undefined) throw error
      if (!found.isDirectory()) throw new Error('something that is not a directory is there already')
      if (!isOwn(found)) throw new Error(`it ${belongsToAnother(found)}`)
      inspect()
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

/**
 * Reads a file that keeps a secret between runs, made by us or by a person: no link, no FIFO, and not one that another
 * user could have put there.
 * @param path absolute
 * @param homes as in {@link ownerAbove}
 * @returns undefined if there is none
 * @throws {TokenError} `input` if another user can exchange it; otherwise what node throws, or {@link readForeignFile}
 */
export function readKeptFile(path: string, homes: readonly string[]): string | undefined {
  const { uid } = ownerAbove(path, homes)
  const directory = statSync(dirname(path), { throwIfNoEntry: false })
  // Elsewhere only those can put a file there whom the directory's owner lets in.
  const isOpenToAll = directory !== undefined && (directory.mode & 0o002) !== 0
  const owners = isOpenToAll ? { owners: [...trustedUsers(), uid] } : {}
  try {
    return readForeignFile(path, { limit: mostKept, ...owners }).toString()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** Bytes; far more than the tokens of all accounts take. */
const mostKept = 4_194_304

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
    if (!found.isDirectory() || !isOwn(found)) throw new Error('it is not the directory that was made')
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
    const strange = strangerIn(path, ours)
    if (strange !== undefined) throw notOurs(path, strange)
    if (lstatIfThere(path) === undefined) return { removed: [], kept: [] }
    const names = readdirSync(path).filter((name) => name !== ignoreFile)
    const removed = names.filter((name) => !keep.includes(name)).map((name) => join(path, name))
    for (const file of removed) rmSync(file, { force: true })
    const kept = names.filter((name) => keep.includes(name)).map((name) => join(path, name))
    removeIfEmpty(path)
    return { removed, kept }
  })
}

/**
 * Says why a directory is not one that our runs have made: `holds other files, such as README.md`.
 * @returns undefined if it is, or if there is none
 * @throws {TokenError} `file` if this user may not look
 */
export function strangerIn(path: string, ours: readonly string[]): string | undefined {
  return attempt(`${path} could not be looked at`, () => {
    const found = lstatIfThere(path)
    if (found === undefined) return undefined
    if (!found.isDirectory()) return 'is not a directory'
    if (!isOwn(found)) return belongsToAnother(found)
    return findStrange(path, ours)
  })
}

const belongsToAnother = ({ uid }: Stats): string => `belongs to another user (uid ${uid})`

/** Removes a directory that holds nothing but our `.gitignore`. A mounted one cannot be removed, and stays empty. */
function removeIfEmpty(path: string): void {
  const names = readdirSync(path)
  const ignore = join(path, ignoreFile)
  if (names.some((name) => name !== ignoreFile)) return
  if (names.length > 0 && !isOurIgnoreFile(ignore)) return
  rmSync(ignore, { force: true })
  try {
    rmdirSync(path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    // A mount, a parent that we may not write to, or a run beside this one.
    if (!['EBUSY', 'EACCES', 'EPERM', 'EROFS', 'ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(code)) throw error
  }
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
    if (!found.isDirectory() || !isOwn(found)) throw new Error('it is not the directory that was made')
    for (const name of names) rmSync(join(directory, name), { force: true })
    removeIfEmpty(directory)
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

function findStrange(path: string, ours: readonly string[]): string | undefined {
  const strange = readdirSync(path).find((name) => {
    if (name === ignoreFile) return !isOurIgnoreFile(join(path, name))
    return !ours.includes(name) && !isTemporary(name)
  })
  return strange === undefined ? undefined : `holds other files, such as ${strange}`
}

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
