import { TokenError } from '../errors.ts'
import { FileReader, type Skip } from './files.ts'
import { auditedFiles } from './listing.ts'
import { failureOf, shownPath } from './paths.ts'
import type { Place } from './place.ts'
import { count, type Report } from './report.ts'
import { rules } from './rules/index.ts'
import { type Hit, listedForRule, type Scanned, scanWithPauses } from './scan.ts'
import type { Note } from './walk.ts'

/** The report on the files of a place. */
export interface Audited extends Report {
  readonly findings: readonly Hit[]
}

/** Until so many findings are listed, each rule may list {@link listedForRule} in a file; after that, one. */
const fullListingLimit = 50_000
/** The largest number of findings that are listed, because each takes memory. */
const maxListed = 150_000

/** What a note is about. */
type Subject = Skip | Note | 'more findings'
/** For each subject: how many paths, and the first of them. */
type Tally = Map<Subject, { count: number; readonly first: string[] }>

/**
 * Audits the files that a place has now.
 * @param history whether their findings will be compared with those of earlier versions
 * @throws {TokenError} `interrupted`
 */
export async function auditFiles(
  { git, file, prefix }: Place,
  history: boolean,
  pause: () => Promise<void>,
): Promise<Audited> {
  const found = new FileFindings()
  const reader = new FileReader(git.directory)
  const scanFile = async (path: Buffer, shown: Buffer) => {
    const content = reader.read(path)
    if (content === undefined) return
    if (typeof content === 'string') found.note(content, shown)
    else {
      const options = { limit: found.limit(), isComparable: history }
      found.add(shown, await scanWithPauses(shown, content, rules, pause, options))
    }
  }
  try {
    const note = (what: Note, path: Buffer) => found.note(what, path)
    for await (const path of file === undefined ? auditedFiles(git, pause, note) : [Buffer.from(file)]) {
      await pause()
      const shown = Buffer.concat([Buffer.from(prefix), path])
      await scanFile(path, shown).catch((error: unknown) => {
        if (error instanceof TokenError) throw error
        found.failures.add(`Could not scan the file ${shownPath(shown)}: ${failureOf(error)}.`)
      })
    }
  } catch (error) {
    if (error instanceof TokenError || git.stop.aborted) throw error
    const report = found.report()
    return { ...report, failures: [...report.failures, `Could not list all files: ${failureOf(error)}.`] }
  }
  return found.report()
}

/** The findings in all files, and what to say about files that were not scanned. */
class FileFindings {
  readonly failures = new Set<string>()
  readonly #findings: Hit[] = []
  readonly #tally: Tally = new Map()
  #files = 0
  #ignored = 0
  #unlisted = 0

  /** Returns how many findings of one rule in one file may still be listed. */
  limit(): number {
    if (this.#findings.length >= maxListed) return 0
    return this.#findings.length < fullListingLimit ? listedForRule : 1
  }

  add(path: Buffer, { hits, ignored, unlisted }: Scanned): void {
    this.#files++
    for (const hit of hits) this.#findings.push(hit)
    this.#ignored += ignored.length + unlisted.ignored
    this.#unlisted += unlisted.hits
    if (unlisted.hits > 0) this.note('more findings', path)
  }

  note(subject: Subject, path: Buffer): void {
    const entry = this.#tally.get(subject) ?? { count: 0, first: [] }
    entry.count++
    if (entry.first.length < 10) entry.first.push(shownPath(path))
    this.#tally.set(subject, entry)
  }

  report(): Audited {
    const failures = [...this.failures]
    const more = failures.length - 10
    const unlisted = this.#unlisted
    return {
      findings: this.#findings,
      files: this.#files,
      versions: undefined,
      ignored: this.#ignored,
      unlisted,
      notes: [
        ...(unlisted > 0 ? [`Too many findings. Not listed: ${count(unlisted, 'more finding')}.`] : []),
        ...notesOn(this.#tally),
      ],
      warnings:
        this.#files === 0
          ? ['No files were scanned. Check the path and the patterns in its .gitignore files.']
          : [],
      failures:
        more > 0 ? [...failures.slice(0, 10), `Could not scan ${count(more, 'more file')}.`] : failures,
    }
  }
}

const descriptions: Readonly<Record<Subject, string>> = {
  binary: 'Binary files, not scanned',
  'a link': 'Links, not followed',
  'too large': 'Files larger than 10 MiB, not scanned',
  unreadable: 'Files that cannot be read',
  'no clone': 'git found no clone here, so only .gitignore files decided which files to skip',
  'no index':
    'git could not list its files, so tracked files that match a .gitignore pattern were not scanned',
  'more findings': 'Files with more findings than are listed',
  'a directory that cannot be read': 'Directories that cannot be read',
  'a clone of another user':
    'Clones of other users above this directory, whose .gitignore files were not used',
  'a .gitignore that is a link': '.gitignore files that are links, not used',
  'a .gitignore that is not a regular file': '.gitignore files that are not regular files, not used',
  'a .gitignore that is too large': '.gitignore files larger than 1 MiB, not used',
  'a .gitignore of another user': '.gitignore files of other users, not used',
  'a .gitignore that cannot be read': '.gitignore files that cannot be read',
  'a .gitignore with too many patterns': '.gitignore files with too many patterns, not used',
  'a .gitignore that takes too long':
    '.gitignore files whose patterns took too long to match, not used any further',
  'a pattern that is too long':
    '.gitignore files with patterns longer than 4,096 characters, which were not used',
}

function notesOn(tally: Tally): string[] {
  return [...tally].map(([subject, { count, first }]) => {
    if (subject === 'no clone' || subject === 'no index') return `${descriptions[subject]}.`
    // Nobody needs the names of binary files and links.
    const named = subject === 'binary' || subject === 'a link' ? '' : first.join(', ')
    return `${descriptions[subject]}: ${count.toLocaleString('en')}${named && ` (${named}${count > first.length ? ', …' : ''})`}.`
  })
}
