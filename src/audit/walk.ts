import { lstatSync, opendirSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { systemCode } from '../errors.ts'
import { realPath } from '../paths.ts'
import { readUntrustedFile, trustedUsers, UntrustedFileError } from '../untrusted-file.ts'
import { type Effort, isExcluded, lowerCase, type Patterns, parsePatterns } from './gitignore.ts'

/** What decides which files are scanned. */
export interface Selection {
  /** The topmost directory whose `.gitignore` counts: the root of the clone or a directory in it. It is `root` or above it. */
  readonly top: string
  /** Where the walk starts. */
  readonly root: string
  /** Files with ignore patterns for the whole clone. Later files override earlier ones, and any may be missing. */
  readonly ignoreFiles: readonly string[]
  readonly ignoreCase: boolean
  /** Whether to skip other clones inside this one, as git does. */
  readonly isClone: boolean
  /** The users whose `.gitignore` files above the root count. */
  readonly owners: readonly number[]
  /** Called for each path that was skipped or not used. */
  readonly note: (what: Note, path: Buffer) => void
  readonly pause: () => Promise<void>
}

export type Note =
  | 'a .gitignore that is a link'
  | 'a .gitignore that is not a regular file'
  | 'a .gitignore that is too large'
  | 'a .gitignore of another user'
  | 'a .gitignore that cannot be read'
  | 'a .gitignore with too many patterns'
  | 'a .gitignore that takes too long'
  | 'a pattern that is too long'
  | 'a directory that cannot be read'
  | 'a clone of another user'
  | 'no clone'
  | 'no index'

/** The patterns of one file, and the outer patterns that apply if none of these matches. */
interface PatternChain {
  readonly own: Patterns & { readonly file: Buffer; isDropped: boolean }
  readonly outer: PatternChain | undefined
  /** The number of patterns in all of these lists. */
  readonly count: number
}

/** The largest `.gitignore` that is used, in bytes. */
const fileLimit = 1024 * 1024
/** The most patterns that are compared with one path. */
const patternLimit = 20_000
/** How many comparisons are allowed in total: `once`, and `eachPath` for each path. Patterns that exceed it are dropped. */
const stepLimit = { once: 20_000_000, eachPath: 20_000 }

/** Decides which paths `.gitignore` files exclude. It reads them with the limits for files of other people. */
class IgnoreRules {
  readonly #selection: Selection
  readonly #effort: Effort = { steps: 0 }
  #paths = 0

  constructor(selection: Selection) {
    this.#selection = selection
  }

  /** Reads the patterns that apply in the root: those for the whole clone, and of the directories from its top to the root. */
  atRoot(): PatternChain | undefined {
    const { ignoreFiles, top, root, owners } = this.#selection
    let nested: PatternChain | undefined
    // Links are followed here, because users may link their own configuration.
    for (const file of ignoreFiles) nested = this.#read(Buffer.from(realPath(file)), 0, nested, undefined)
    let directory = top
    for (const [depth, name] of relative(top, root).split(sep).filter(Boolean).entries()) {
      nested = this.#read(Buffer.from(join(directory, '.gitignore')), depth, nested, owners)
      directory = join(directory, name)
    }
    return nested
  }

  /**
   * Adds the patterns of a directory. They count only if their file belongs to a trusted user or to the owner of the
   * directory, because another user who can write there (as in /tmp) could hide files from the audit.
   * @param depth the number of names from the top to this directory
   */
  inDirectory(directory: Buffer, depth: number, outer: PatternChain | undefined): PatternChain | undefined {
    const owner = lstatSync(directory, { throwIfNoEntry: false })?.uid
    const owners = owner === undefined ? trustedUsers() : [...trustedUsers(), owner]
    return this.#read(Buffer.concat([directory, Buffer.from('/.gitignore')]), depth, outer, owners)
  }

  /** @param path the names from the top */
  isIgnored(path: readonly string[], isDirectory: boolean, patterns: PatternChain | undefined): boolean {
    this.#paths++
    const names = this.#selection.ignoreCase ? path.map(lowerCase) : path
    for (let nested = patterns; nested !== undefined; nested = nested.outer) {
      if (nested.own.isDropped) continue
      const excluded = isExcluded(nested.own, names, isDirectory, this.#effort)
      if (this.#effort.steps > stepLimit.once + stepLimit.eachPath * this.#paths) {
        nested.own.isDropped = true
        this.#selection.note('a .gitignore that takes too long', nested.own.file)
        continue
      }
      if (excluded !== undefined) return excluded
    }
    return false
  }

  #read(
    file: Buffer,
    depth: number,
    outer: PatternChain | undefined,
    owners: readonly number[] | undefined,
  ): PatternChain | undefined {
    const { note, ignoreCase } = this.#selection
    try {
      const content = readUntrustedFile(file, { limit: fileLimit, ...(owners !== undefined && { owners }) })
      const { patterns, tooLong } = parsePatterns(content.toString('latin1'), { ignoreCase })
      if (tooLong > 0) note('a pattern that is too long', file)
      const count = (outer?.count ?? 0) + patterns.length
      if (count > patternLimit) {
        note('a .gitignore with too many patterns', file)
        return outer
      }
      return patterns.length === 0
        ? outer
        : { own: { depth, patterns, file, isDropped: false }, outer, count }
    } catch (error) {
      const what = noteOn(error)
      if (what !== undefined) note(what, file)
      return outer
    }
  }
}

function noteOn(error: unknown): Note | undefined {
  if (error instanceof UntrustedFileError) {
    return error.reason === "another user's"
      ? 'a .gitignore of another user'
      : (`a .gitignore that is ${error.reason}` as const)
  }
  const code = systemCode(error)
  return code === 'ENOENT' || code === 'ENOTDIR' ? undefined : 'a .gitignore that cannot be read'
}

/** Returns the names on the path from a directory to one inside it, as bytes. */
const namesBetween = (top: string, inside: string): string[] =>
  relative(top, inside)
    .split(sep)
    .filter((name) => name !== '')
    .map((name) => Buffer.from(name).toString('latin1'))

interface Directory {
  /** The names from the root, as bytes. */
  readonly names: readonly string[]
  readonly patterns: PatternChain | undefined
  /** The directories in it that are still to be walked, the last one first. */
  readonly inner: string[]
}

/**
 * Yields the files below the root that no `.gitignore` excludes, as bytes relative to the root. Does not follow links, and
 * opens one directory at a time.
 *
 * No library is used, because the tree may come from an attacker: this walk checks the size, type and owner of each
 * `.gitignore` before it reads it, keeps names as bytes, and holds a limited number of entries in memory.
 * @throws Node's error if the root itself cannot be read
 */
export async function* filesBelow(selection: Selection): AsyncGenerator<Buffer> {
  const ignored = new IgnoreRules(selection)
  const { top, root, isClone, note, pause } = selection
  const above = namesBetween(top, root)
  /** The directories from the root to the current one. */
  const stack: Directory[] = []
  let next: readonly string[] | undefined = []
  while (next !== undefined) {
    const names: readonly string[] = next
    const isRoot = names.length === 0
    const path = Buffer.from([Buffer.from(root).toString('latin1'), ...names].join('/'), 'latin1')
    let patterns = isRoot ? ignored.atRoot() : stack.at(-1)?.patterns
    const inner: string[] = []
    try {
      if (isRoot || !isClone || !isOtherClone(path)) {
        patterns = ignored.inDirectory(path, above.length + names.length, patterns)
        for await (const entries of entriesIn(path, pause)) {
          for (const { name, isDirectory } of entries) {
            if (name === '.git') continue
            const inside = [...names, name]
            if (ignored.isIgnored([...above, ...inside], isDirectory, patterns)) continue
            if (isDirectory) inner.push(name)
            else yield Buffer.from(inside.join('/'), 'latin1')
          }
        }
      }
    } catch (error) {
      // The audit cannot continue without the root.
      if (isRoot || !isSystemError(error)) throw error
      note('a directory that cannot be read', path)
    }
    stack.push({ names, patterns, inner: inner.reverse() })
    next = nextDirectory(stack)
  }
}

/** Returns the names of the next directory to walk, and removes finished directories from the stack. */
function nextDirectory(stack: Directory[]): readonly string[] | undefined {
  for (let last = stack.at(-1); last !== undefined; last = stack.at(-1)) {
    const name = last.inner.pop()
    if (name !== undefined) return [...last.names, name]
    stack.pop()
  }
  return undefined
}

const isSystemError = (error: unknown): boolean => error instanceof Error && 'syscall' in error

interface Entry {
  /** As bytes. */
  readonly name: string
  readonly isDirectory: boolean
}

/** How many entries of a directory are read and sorted at once, to limit the memory. */
const batchSize = 20_000

async function* entriesIn(path: Buffer, pause: () => Promise<void>): AsyncGenerator<Entry[]> {
  // Node accepts 'buffer' here, although its types do not. With strings, names that are not UTF-8 would be lost.
  const opened = opendirSync(path, { encoding: 'buffer' as BufferEncoding, bufferSize: 1_024 })
  try {
    let entries: Entry[] = []
    for (let entry = opened.readSync(); entry !== null; entry = opened.readSync()) {
      const name = Buffer.from(entry.name).toString('latin1')
      entries.push({ name, isDirectory: entry.isDirectory() })
      if (entries.length % 1_000 === 0) await pause()
      if (entries.length < batchSize) continue
      yield sorted(entries)
      entries = []
    }
    yield sorted(entries)
  } finally {
    opened.closeSync()
  }
}

const sorted = (entries: Entry[]): Entry[] =>
  entries.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))

/** Whether git would treat the directory as another clone. git then lists only its name. */
function isOtherClone(directory: Buffer): boolean {
  const dotGit = lstatSync(Buffer.concat([directory, Buffer.from('/.git')]), { throwIfNoEntry: false })
  if (dotGit?.isFile() === true) return true
  const head = Buffer.concat([directory, Buffer.from('/.git/HEAD')])
  return dotGit?.isDirectory() === true && lstatSync(head, { throwIfNoEntry: false }) !== undefined
}

/**
 * Finds the root of the clone around a directory without git: the nearest directory with a `.git`. Like git's
 * safe.directory, it ignores a clone of another user, because its patterns could hide files from the audit.
 * @returns the directory itself if it is not in a clone
 */
export function topOfClone(from: string, onForeign: (dotGit: string) => void): string {
  for (let directory = from; ; directory = dirname(directory)) {
    const dotGit = join(directory, '.git')
    const found = lstatSync(dotGit, { throwIfNoEntry: false })
    if (found !== undefined) {
      const isTrusted = (uid: number) => process.geteuid === undefined || trustedUsers().includes(uid)
      if (directory === from || (isTrusted(found.uid) && isTrusted(lstatSync(directory).uid)))
        return directory
      onForeign(dotGit)
      return from
    }
    if (dirname(directory) === directory) return from
  }
}
