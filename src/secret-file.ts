import {
  appendFileSync,
  chmodSync,
  closeSync,
  fchmodSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  rmdirSync,
  rmSync,
  type Stats,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { reasonOf, systemCode, TokenError } from './errors.ts'
import { isOpenToAll, isOwn, ownerAbove } from './ownership.ts'
import { lstatIfExists, namesIn } from './paths.ts'
import { Secret } from './secret.ts'
import { readUntrustedFile, trustedUsers } from './untrusted-file.ts'
import { isWindows, keepOthersOut, replaceFile, type System } from './windows.ts'
import { uniqueName } from './world.ts'

/**
 * Makes a directory that only this user can enter (0700, or an access list on Windows, where modes have no effect). It must
 * not exist yet: anything at the path, also a link, is an error (`mkdir` never follows a link).
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
  // The umask narrows mkdir's mode, and may even remove the owner's own permissions.
  chmodSync(path, 0o700)
  if (isWindows(system)) keepOthersOut(path, system)
}

/**
 * Makes a directory that only this user can enter, or takes over the one from an earlier run. A `.gitignore` in it hides it
 * from git and from `npm pack`. (`.git/info/exclude` does not work: npm ignores it, a `.gitignore` overrules it, and a
 * container may not see it.)
 * @param ours the names that may be in it. If it holds anything else, it is not ours, so we must not change its mode
 * @throws {TokenError} `file`
 */
export function takePrivateDirectory(path: string, ours: readonly string[], system: System = process): void {
  takeDirectory(path, system, () => {
    const reason = otherFileIn(path, ours)
    if (reason !== undefined) throw new Error(`it ${reason}`)
  })
  if (lstatSync(join(path, ignoreFile), { throwIfNoEntry: false }) === undefined) {
    writeSecretFile(path, ignoreFile, new Secret(ignoreEverything))
  }
}

/** Whether a directory holds our `.gitignore`, which means that an earlier run made it or took it over. */
export const isHidden = (directory: string): boolean => isOurIgnoreFile(join(directory, ignoreFile))

/** Hides the secret files from git, and also itself. */
const ignoreFile = '.gitignore'
const ignoreEverything = '*\n'

function isOurIgnoreFile(path: string): boolean {
  try {
    return readUntrustedFile(path, { limit: 2 }).toString() === ignoreEverything
  } catch {
    return false
  }
}

/**
 * Makes or takes over a directory in a place that all users share, such as /tmp. It must belong to this user, because
 * another user may have made one with this name before.
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
      if (!found.isDirectory()) throw new Error('something that is not a directory already exists there')
      if (!isOwn(found)) throw new Error(`it ${belongsToAnother(found)}`)
      inspect()
      makePrivate(path, system)
    }
  })
}

/**
 * Writes a file that only this user can read: 0600, whatever the umask. It writes to another name and renames the file, so
 * that no reader sees a half-written file, and a link at the path is replaced and not followed.
 * @throws {TokenError} `file`. Then the old file is unchanged
 */
export function writeSecretFile(directory: string, name: string, content: Secret): string {
  const path = join(directory, name)
  writeAndRename(path, join(directory, `${temporaryPrefix}${uniqueName()}`), content)
  return path
}

/**
 * Writes a secret file that is kept after the job. The caller must hold a lock on it. A half-written file of a killed run is
 * overwritten, so that such files do not pile up. The content is on the disk before the file is renamed into place.
 * @throws {TokenError} `file`. Then the old file is unchanged
 */
export function replaceSecretFile(path: string, content: Secret): void {
  const temporary = temporaryPathOf(path)
  attempt(`The file ${path} could not be written`, () => rmSync(temporary, { force: true }))
  writeAndRename(path, temporary, content, fsyncSync)
}

/**
 * Checks whether {@link replaceSecretFile} will probably succeed, also on a disk that is almost full.
 * @throws {TokenError} `file`
 */
export function probeSecretFile(path: string): void {
  const temporary = temporaryPathOf(path)
  attempt(`The file ${temporary} could not be written`, () => {
    rmSync(temporary, { force: true })
    writeFileSync(temporary, Buffer.alloc(probeSize), { flag: 'wx', mode: 0o600 })
    rmSync(temporary)
  })
}

/**
 * Reads a file that keeps a secret between runs. Rejects a link, a FIFO, and a file that another user could have put there.
 * @param path absolute
 * @param homes as in {@link ownerAbove}
 * @returns undefined if the file does not exist
 * @throws {TokenError} `input` if another user can replace the file; otherwise what node or {@link readUntrustedFile} throws
 */
export function readKeptFile(path: string, homes: readonly string[]): string | undefined {
  const { uid } = ownerAbove(path, homes)
  const directory = statSync(dirname(path), { throwIfNoEntry: false })
  // In any other directory, its owner decides who can put a file there.
  const isShared = directory !== undefined && isOpenToAll(directory)
  const owners = isShared ? { owners: [...trustedUsers(), uid] } : {}
  try {
    return readUntrustedFile(path, { limit: maxKeptSize, ...owners }).toString()
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Bytes. Far more than the tokens of all accounts need. */
const maxKeptSize = 4_194_304

const temporaryPathOf = (path: string): string => `${path}.new`

/** Bytes. More than Bitbucket's tokens need. */
const probeSize = 16_384

function writeAndRename(
  path: string,
  temporary: string,
  content: Secret,
  flush: (file: number) => void = () => {},
): void {
  attempt(`The file ${path} could not be written`, () => {
    try {
      const file = openSync(temporary, 'wx', 0o600)
      try {
        fchmodSync(file, 0o600)
        writeFileSync(file, content.reveal())
        flush(file)
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
 * Appends to a file that a CI reads: all of the content, or nothing if the disk is full. The file belongs to the CI, so its
 * mode does not change. A file that does not exist yet is made with mode 0600.
 * @throws {TokenError} `file`
 */
export function appendSecret(file: string, content: Secret): void {
  const advice =
    'Check the variable of the CI that names this file, and that this user can write to the file.'
  attempt(`The CI's file ${file} could not be written`, () => appendWhole(file, content), advice)
}

/**
 * Appends to a file. If the disk is full, removes the part that was written. A file that does not exist yet is made with
 * mode 0600.
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
      // It is not a regular file, or it is gone. Then there is nothing to remove.
    }
    throw error
  }
}

/**
 * Removes a private directory with everything in it. A missing directory is not an error. A link is not followed.
 * @returns whether the directory existed
 * @throws {TokenError} `file`
 */
export function removePrivateDirectory(path: string): boolean {
  return attempt(`${path} could not be removed`, () => {
    const found = lstatSync(path, { throwIfNoEntry: false })
    if (found === undefined) return false
    if (!found.isDirectory() || !isOwn(found)) throw new Error('it is not the directory that was made')
    // With retries, because Windows refuses while another process has a file in it open.
    rmSync(path, { recursive: true, maxRetries: 4, retryDelay: 20 })
    return true
  })
}

/**
 * Removes our files from a private directory, also those that a killed run left half-written. Removes the directory if it is
 * empty then. A missing directory is not an error. A link is not followed.
 * @param ours the names that may be in it. If it holds anything else, it is not ours, and nothing is removed
 * @param keep the names of our files to keep
 * @returns the paths of the removed and of the kept files
 * @throws {TokenError} `file`
 */
export function clearPrivateDirectory(
  path: string,
  ours: readonly string[],
  keep: readonly string[],
): { removed: string[]; kept: string[] } {
  return attempt(`${path} could not be cleaned`, () => {
    const reason = whyNotOurs(path, ours)
    if (reason !== undefined) throw notOurs(path, reason)
    if (lstatIfExists(path) === undefined) return { removed: [], kept: [] }
    const names = namesIn(path).filter((name) => name !== ignoreFile)
    const removed = names.filter((name) => !keep.includes(name)).map((name) => join(path, name))
    for (const file of removed) rmSync(file, { force: true })
    const kept = names.filter((name) => keep.includes(name)).map((name) => join(path, name))
    removeIfEmpty(path)
    return { removed, kept }
  })
}

/**
 * Whether there is anything at a path.
 * @throws {TokenError} `file` if this user has no access to it
 */
export const pathExists = (path: string): boolean =>
  attempt(`${path} could not be inspected`, () => lstatIfExists(path) !== undefined)

/**
 * Says why a directory is not from one of our runs: `holds other files, such as README.md`.
 * @returns undefined if it is from one of our runs, or does not exist
 * @throws {TokenError} `file` if this user has no access to it
 */
export function whyNotOurs(path: string, ours: readonly string[]): string | undefined {
  return attempt(`${path} could not be inspected`, () => {
    const found = lstatIfExists(path)
    if (found === undefined) return undefined
    if (!found.isDirectory()) return 'is not a directory'
    if (!isOwn(found)) return belongsToAnother(found)
    return otherFileIn(path, ours)
  })
}

const belongsToAnother = ({ uid }: Stats): string => `belongs to another user (uid ${uid})`

/** Removes a directory that holds only our `.gitignore`. If it cannot be removed, it stays, but empty. */
function removeIfEmpty(path: string): void {
  const names = namesIn(path)
  const ignore = join(path, ignoreFile)
  if (names.some((name) => name !== ignoreFile)) return
  if (names.length > 0 && !isOurIgnoreFile(ignore)) return
  rmSync(ignore, { force: true })
  try {
    rmdirSync(path)
  } catch {
    // A mount, a parent directory that is not writable, or another run at the same time.
  }
}

const notOurs = (path: string, why: string) =>
  new TokenError(
    'file',
    `${path} ${why}, so bitbucket-token did not make it. Nothing in it was removed.`,
    'Remove the files of bitbucket-token by hand, or move the other files away and run cleanup again.',
  )

/**
 * Removes the named files, and the directory if it is empty then.
 * @throws {TokenError} `file`
 */
export function removeSecretFiles(directory: string, names: readonly string[]): void {
  attempt(`${directory} could not be cleaned`, () => {
    const found = lstatIfExists(directory)
    if (found === undefined) return
    if (!found.isDirectory() || !isOwn(found)) throw new Error('it is not the directory that was made')
    for (const name of names) rmSync(join(directory, name), { force: true })
    removeIfEmpty(directory)
  })
}

/**
 * Removes the half-written files of killed runs from one of our directories, and the directory if it is empty then.
 * @throws {TokenError} `file`
 */
export function removeTemporaryFiles(directory: string): void {
  removeSecretFiles(directory, namesIn(directory).filter(isTemporary))
}

const temporaryPrefix = '.new-'

function otherFileIn(path: string, ours: readonly string[]): string | undefined {
  const foreign = namesIn(path).find((name) => {
    if (name === ignoreFile)
      return !isOurIgnoreFile(join(path, name)) && lstatIfExists(join(path, name)) !== undefined
    return !ours.includes(name) && !isTemporary(name)
  })
  return foreign === undefined ? undefined : `holds other files, such as ${foreign}`
}

const isTemporary = (name: string): boolean => name.startsWith(temporaryPrefix)

function attempt<T>(failure: string, work: () => T, advice?: string): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof TokenError) throw error
    throw new TokenError('file', `${failure}: ${reasonOf(error)}.`, adviceFor(error, advice), error)
  }
}

function adviceFor(error: unknown, advice?: string): string {
  const code = systemCode(error)
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'Make room on the disk, then run it again.'
  if (advice !== undefined) return advice
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return 'Use a directory that this user can write to (output-dir, or docker run --user with a mounted directory of that user).'
  }
  return 'Set output-dir to a directory that is only for the secret files.'
}
