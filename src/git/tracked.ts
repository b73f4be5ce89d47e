import { lstatSync, statSync } from 'node:fs'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { isMissing, realPath } from '../paths.ts'
import { readUntrustedFile } from '../untrusted-file.ts'

/**
 * Returns a file at or below `path` that git tracks, in any repository that contains the path; undefined if there is
 * none or if that cannot be determined.
 *
 * Reads git's index instead of running git: our image has no git, git refuses another user's clone, and it would run
 * commands from a foreign configuration.
 * @param path absolute; its parent directory may not exist yet
 * @param owners the users whose repositories are read; other repositories are ignored
 * @param onUnreadable called for an index that cannot be read
 */
export function trackedFile(
  path: string,
  owners: readonly number[],
  onUnreadable: (index: string, error: unknown) => void,
): string | undefined {
  // git tracks a file under its real path, but does not follow a link at the path itself.
  const real = join(realPath(dirname(path)), basename(path))
  for (let workTree = dirname(real); ; workTree = dirname(workTree)) {
    const inside = relative(workTree, real).split(sep).join('/')
    const gitDirectory = gitDirectoryOf(workTree, owners)
    if (gitDirectory !== undefined) {
      try {
        const found = findInIndex(gitDirectory, inside, owners)
        if (found !== undefined) return join(workTree, found)
      } catch (error) {
        if (!isMissing(error)) onUnreadable(join(gitDirectory, 'index'), error)
      }
    }
    if (dirname(workTree) === workTree) return undefined
  }
}

/**
 * Returns `.git`, or the directory that a `.git` file names, as in worktrees and submodules (git:
 * gitrepository-layout).
 */
function gitDirectoryOf(workTree: string, owners: readonly number[]): string | undefined {
  const isOurs = ({ uid }: { uid: number }) => process.geteuid === undefined || owners.includes(uid)
  try {
    const dotGit = join(workTree, '.git')
    const itself = lstatSync(dotGit)
    const found = itself.isSymbolicLink() && isOurs(itself) ? statSync(dotGit) : itself
    if (!isOurs(found)) return undefined
    if (found.isDirectory()) return dotGit
    const pointer = /^gitdir: (.+)/.exec(readUntrustedFile(dotGit, { limit: 4_096, owners }).toString())?.[1]
    return pointer === undefined ? undefined : resolve(workTree, pointer)
  } catch {
    // It does not exist, or git would not accept it as a repository either.
    return undefined
  }
}

/** The size limit of an index in bytes. A million files need about a hundred million bytes. */
const maxIndexSize = 512 * 1_024 * 1_024

function findInIndex(gitDirectory: string, inside: string, owners: readonly number[]): string | undefined {
  const wanted = Buffer.from(inside)
  const below = Buffer.from(`${inside}/`)
  const isWanted = (path: Buffer) => path.equals(wanted) || path.subarray(0, below.length).equals(below)
  const read = (name: string) => readUntrustedFile(join(gitDirectory, name), { limit: maxIndexSize, owners })
  const index = read('index')
  const { found, end, hashLength } = searchIndex(index, isWanted)
  if (found !== undefined) return found.toString()
  // A split index names another file that contains most of the entries (git: gitformat-index, "Split index").
  const shared = extension(index, 'link', end)?.subarray(0, hashLength).toString('hex')
  if (shared === undefined) return undefined
  return searchIndex(read(`sharedindex.${shared}`), isWanted).found?.toString()
}

interface Search {
  readonly found: Buffer | undefined
  /** Where the extensions begin, if nothing was found. */
  readonly end: number
  /** The size of an object name in bytes. */
  readonly hashLength: number
}

/**
 * Searches the paths of an index (git: gitformat-index; versions 2, 3 and 4).
 * @throws {Error} if the file is not a valid index
 */
function searchIndex(index: Buffer, isWanted: (path: Buffer) => boolean): Search {
  const version = index.length < 12 ? 0 : index.readUInt32BE(4)
  if (index.toString('latin1', 0, 4) !== 'DIRC' || version < 2 || version > 4) {
    throw new Error('it is not an index of a known version')
  }
  // An index does not say whether its object names are SHA-1 or SHA-256.
  for (const hashLength of [20, 32]) {
    const search = searchEntries(index, version, hashLength, isWanted)
    if (search !== undefined) return search
  }
  throw new Error('it is damaged')
}

/** Searches the entries; undefined if they are not valid with this hash length. */
function searchEntries(
  index: Buffer,
  version: number,
  hashLength: number,
  isWanted: (path: Buffer) => boolean,
): Search | undefined {
  const count = index.readUInt32BE(8)
  let path: Buffer = Buffer.alloc(0)
  let at = 12
  for (let entry = 0; entry < count; entry++) {
    // 40 bytes hold times, device, inode, mode, user, group and size. The object name and the flags follow.
    const flagsAt = at + 40 + hashLength
    if (flagsAt + 4 > index.length) return undefined
    const flags = index.readUInt16BE(flagsAt)
    // Only versions 3 and 4 set this bit.
    const isExtended = (flags & 0x4000) !== 0
    const start = flagsAt + (isExtended ? 4 : 2)
    const { kept, nameAt } = version === 4 ? sharedPrefix(path, index, start) : { kept: 0, nameAt: start }
    const end = index.indexOf(0, nameAt)
    if (end < 0 || kept < 0) return undefined
    const name = index.subarray(nameAt, end)
    path = kept === 0 ? name : Buffer.concat([path.subarray(0, kept), name])
    // The flags also contain the length, up to 4,095.
    const length = flags & 0xfff
    if (length < 0xfff ? path.length !== length : path.length < length) return undefined
    if (isWanted(path)) return { found: path, end, hashLength }
    // Versions 2 and 3 pad each entry to a multiple of eight bytes.
    at = version === 4 ? end + 1 : at + 8 * (Math.floor((end - at) / 8) + 1)
  }
  return { found: undefined, end: at, hashLength }
}

/**
 * Reads how many bytes a path shares with the path before it. In version 4, a number says how many of its last bytes to
 * drop.
 */
function sharedPrefix(before: Buffer, index: Buffer, at: number): { kept: number; nameAt: number } {
  let nameAt = at
  let byte = index[nameAt++] ?? 0
  let leftOut = byte & 0x7f
  // git: varint.c
  while ((byte & 0x80) !== 0) {
    byte = index[nameAt++] ?? 0
    leftOut = (leftOut + 1) * 128 + (byte & 0x7f)
  }
  return { kept: before.length - leftOut, nameAt }
}

function extension(index: Buffer, signature: string, from: number): Buffer | undefined {
  for (let at = from; at + 8 <= index.length; ) {
    const size = index.readUInt32BE(at + 4)
    if (index.toString('latin1', at, at + 4) === signature) return index.subarray(at + 8, at + 8 + size)
    at += 8 + size
  }
  return undefined
}
