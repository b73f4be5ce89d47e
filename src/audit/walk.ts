import { lstatSync, opendirSync, realpathSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { ForeignFileError, readForeignFile, trustedUsers } from '../foreign-file.ts'
import { type Effort, isExcluded, lowerCase, type Patterns, parsePatterns } from './gitignore.ts'

/** What decides which files are looked at. */
export interface Selection {
  /** The directory whose `.gitignore` files count, the root of the clone or a directory in it; it is above `root` or is it. */
  readonly top: string
  /** Where the walk begins. */
  readonly root: string
  /** Files of patterns for the whole clone, the weakest first. They may be missing. */
  readonly general: readonly string[]
  readonly ignoreCase: boolean
  /** Whether to leave out other clones inside this one, as git does. */
  readonly isClone: boolean
  /** The users whose patterns above the root count. */
  readonly owners: readonly number[]
  /** Hears what was left out or not used. */
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

/** A list of patterns, and the one that counts only if this one says nothing. */
interface Nested {
  readonly own: Patterns & { readonly file: Buffer; isDropped: boolean }
  readonly outer: Nested | undefined
  /** Of all lists together. */
  readonly count: number
}

/** No `.gitignore` of a person is larger, in bytes. */
const fileLimit = 1024 * 1024
/** So many patterns count for one path at most. */
const patternLimit = 20_000
/** So many comparisons a path may take on average, before the patterns that took them are dropped. */
const stepLimit = { once: 20_000_000, eachPath: 20_000 }

/** Decides what is left out: by `.gitignore` files, which are read under the rules for files of others, within bounds. */
class Ignored {
  readonly #selection: Selection
  readonly #effort: Effort = { steps: 0 }
  #paths = 0

  constructor(selection: Selection) {
    this.#selection = selection
  }

  /** The patterns that count in the root: those of the clone, and of the directories between its top and the root. */
  atRoot(): Nested | undefined {
    const { general, top, root, owners } = this.#selection
    let nested: Nested | undefined
    // A person may have linked these to a place of their own.
    for (const file of general) nested = this.#read(Buffer.from(behindLinks(file)), 0, nested, undefined)
    let directory = top
    for (const [depth, name] of relative(top, root).split(sep).filter(Boolean).entries()) {
      nested = this.#read(Buffer.from(join(directory, '.gitignore')), depth, nested, owners)
      directory = join(directory, name)
    }
    return nested
  }

  /**
   * Whoever owns a directory may say what is ignored in it. Another user who can write there (as in /tmp) could hide files
   * from the audit.
   * @param depth the number of names from the top to this directory
   */
  inDirectory(directory: Buffer, depth: number, outer: Nested | undefined): Nested | undefined {
    const owner = lstatSync(directory, { throwIfNoEntry: false })?.uid
    const owners = owner === undefined ? trustedUsers() : [...trustedUsers(), owner]
    return this.#read(Buffer.concat([directory, Buffer.from('/.gitignore')]), depth, outer, owners)
  }

  /** @param path its names, from the top */
  isIgnored(path: readonly string[], isDirectory: boolean, patterns: Nested | undefined): boolean {
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
    outer: Nested | undefined,
    owners: readonly number[] | undefined,
  ): Nested | undefined {
    const { note, ignoreCase } = this.#selection
    try {
      const content = readForeignFile(file, { limit: fileLimit, ...(owners !== undefined && { owners }) })
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

function behindLinks(file: string): string {
  try {
    return realpathSync(file)
  } catch {
    return file
  }
}

function noteOn(error: unknown): Note | undefined {
  if (error instanceof ForeignFileError) {
    return error.reason === "another user's"
      ? 'a .gitignore of another user'
      : (`a .gitignore that is ${error.reason}` as const)
  }
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'ENOENT' || code === 'ENOTDIR' ? undefined : 'a .gitignore that cannot be read'
}

/** The names that lead from a directory to one inside of it, as bytes. */
const namesBetween = (top: string, inside: string): string[] =>
  relative(top, inside)
    .split(sep)
    .filter((name) => name !== '')
    .map((name) => Buffer.from(name).toString('latin1'))

interface Directory {
  /** The names from the root, as bytes. */
  readonly names: readonly string[]
  readonly patterns: Nested | undefined
  /** Those inside that were not looked at yet, the last one first. */
  readonly inner: string[]
}

/**
 * The files below the root, but for those that a `.gitignore` names: paths relative to the root, as bytes. Links are not
 * followed. One directory is open at a time.
 * @throws what node throws if the root itself cannot be read
 */
export async function* filesBelow(selection: Selection): AsyncGenerator<Buffer> {
  const ignored = new Ignored(selection)
  const { top, root, isClone, note, pause } = selection
  const above = namesBetween(top, root)
  /** The directories that lead to the one that is looked at. */
  const way: Directory[] = []
  let next: readonly string[] | undefined = []
  while (next !== undefined) {
    const names: readonly string[] = next
    const isRoot = names.length === 0
    const path = Buffer.from([Buffer.from(root).toString('latin1'), ...names].join('/'), 'latin1')
    let patterns = isRoot ? ignored.atRoot() : way.at(-1)?.patterns
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
      // Without its root there is no audit.
      if (isRoot || !isSystemError(error)) throw error
      note('a directory that cannot be read', path)
    }
    way.push({ names, patterns, inner: inner.reverse() })
    next = nextOf(way)
  }
}

/** The next directory to look at, and the way to it. */
function nextOf(way: Directory[]): readonly string[] | undefined {
  for (let last = way.at(-1); last !== undefined; last = way.at(-1)) {
    const name = last.inner.pop()
    if (name !== undefined) return [...last.names, name]
    way.pop()
  }
  return undefined
}

const isSystemError = (error: unknown): boolean => error instanceof Error && 'syscall' in error

interface Entry {
  /** Bytes. */
  readonly name: string
  readonly isDirectory: boolean
}

/** So many entries of a directory are in memory, and in order. */
const atOnce = 20_000

async function* entriesIn(path: Buffer, pause: () => Promise<void>): AsyncGenerator<Entry[]> {
  // node takes 'buffer' here as everywhere; its types do not. With text it would lose what is not UTF-8.
  const opened = opendirSync(path, { encoding: 'buffer' as BufferEncoding, bufferSize: 1_024 })
  try {
    let entries: Entry[] = []
    for (let entry = opened.readSync(); entry !== null; entry = opened.readSync()) {
      const name = Buffer.from(entry.name).toString('latin1')
      entries.push({ name, isDirectory: entry.isDirectory() })
      if (entries.length % 1_000 === 0) await pause()
      if (entries.length < atOnce) continue
      yield inOrder(entries)
      entries = []
    }
    yield inOrder(entries)
  } finally {
    opened.closeSync()
  }
}

const inOrder = (entries: Entry[]): Entry[] =>
  entries.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))

/** Whether git would take the directory for another clone, which it lists by its name alone. */
function isOtherClone(directory: Buffer): boolean {
  const dotGit = lstatSync(Buffer.concat([directory, Buffer.from('/.git')]), { throwIfNoEntry: false })
  if (dotGit?.isFile() === true) return true
  const head = Buffer.concat([directory, Buffer.from('/.git/HEAD')])
  return dotGit?.isDirectory() === true && lstatSync(head, { throwIfNoEntry: false }) !== undefined
}

/**
 * The root of the clone that a directory is in, without asking git: the nearest directory with a `.git`. One that another
 * user has made does not count, as git's safe.directory has it, because its patterns could hide files from the audit.
 * @returns the directory itself outside of a clone
 */
export function topOfClone(from: string, onForeign: (dotGit: string) => void): string {
  for (let directory = from; ; directory = dirname(directory)) {
    const dotGit = join(directory, '.git')
    const found = lstatSync(dotGit, { throwIfNoEntry: false })
    if (found !== undefined) {
      const isOurs = (uid: number) => process.geteuid === undefined || trustedUsers().includes(uid)
      if (directory === from || (isOurs(found.uid) && isOurs(lstatSync(directory).uid))) return directory
      onForeign(dotGit)
      return from
    }
    if (dirname(directory) === directory) return from
  }
}
