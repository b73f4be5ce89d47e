import { realpathSync } from 'node:fs'
import { basename, dirname, isAbsolute, relative, resolve, sep } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { FileReader, type Skip } from '../audit/files.ts'
import { type Git, GitFailure, GitStuck } from '../audit/git.ts'
import { asGitlab } from '../audit/gitlab.ts'
import { auditHistory } from '../audit/history.ts'
import { auditedFiles } from '../audit/listing.ts'
import { shownPath, withoutTokens } from '../audit/paths.ts'
import { asJson, asText, count, type Report } from '../audit/report.ts'
import { rules } from '../audit/rules/index.ts'
import { asSarif } from '../audit/sarif.ts'
import { type Hit, listedForRule, scanWithPauses } from '../audit/scan.ts'
import type { Note } from '../audit/walk.ts'
import type { AuditFormat, AuditLevel } from '../command-line.ts'
import { cutLines, interrupted, reasonOf, TokenError } from '../errors.ts'
import { plainLog } from '../hosts/plain-log.ts'
import { withoutCredentials } from '../inputs.ts'
import { statusOf } from '../paths.ts'
import { painter } from '../terminal.ts'
import { ReaderGone, type World } from '../world.ts'

/** The flags of `audit`. */
export interface Audit {
  /** A directory or a file. Undefined means the working directory. */
  readonly path: string | undefined
  readonly format: AuditFormat
  readonly history: boolean
  /** The lowest level that is shown, and for which the exit status is 1. Undefined shows both, and only errors count. */
  readonly level: AuditLevel | undefined
}

/** The exit status if the audit itself failed, so that its findings may be incomplete. */
const incompleteStatus = 6

/**
 * Finds what Bitbucket refuses or will soon refuse, and secrets in files.
 * @returns the exit status: 1 if there are errors (or, with level `question`, any finding), 6 if the audit is incomplete
 * @throws {TokenError} `input`, `interrupted`
 */
export async function audit(world: World, { path, format, history, level }: Audit): Promise<number> {
  // Otherwise V8 lets the space for new objects grow by 100 MB or more, even if little of it is used (nodejs.org/api/v8.html).
  setFlagsFromString('--semi-space-growth-factor=1')
  const place = placeOf(world, path)
  const pause = pauser(world)
  const log = plainLog(world, false)
  try {
    const current = await auditFiles(place, history, pause)
    const all = history ? await withHistory(current, place, pause) : current
    const errors = all.findings.filter((finding) => finding.level === 'error')
    const hidden = level === 'error' ? all.findings.length - errors.length : 0
    const report =
      hidden === 0
        ? all
        : { ...all, findings: errors, notes: [...all.notes, `Not shown: ${count(hidden, 'question')}.`] }
    for (const text of inChunks(formatted(report, format, world))) await world.stdoutAsync(text)
    for (const warning of report.warnings) log.warning(warning)
    // GitLab's format has no place for notes.
    if (format === 'gitlab') for (const note of report.notes) log.info(note)
    for (const failure of report.failures) log.error(failure)
    if (report.failures.length > 0) return incompleteStatus
    return (level === 'question' ? all.findings : errors).length === 0 ? 0 : 1
  } catch (error) {
    // A signal also makes git and the output fail, so the signal is reported first.
    throwIfStopped(world)
    if (error instanceof ReaderGone || (error instanceof TokenError && error.code !== 'file')) throw error
    log.error(
      error instanceof TokenError
        ? `The audit failed: ${error.message}\n${error.nextStep}`
        : `The audit failed: ${failureOf(error)}.`,
    )
    return incompleteStatus
  }
}

function formatted(report: Report, format: AuditFormat, world: World): Iterable<string> {
  switch (format) {
    case 'text':
      return asText(report, painter(world, 'stdout'))
    case 'json':
      return asJson(report)
    case 'sarif':
      return asSarif(report)
    case 'gitlab':
      return asGitlab(report)
  }
}

/** Joins short texts, because many small writes are slow. It does not join all, because Node limits the length of a string. */
function* inChunks(texts: Iterable<string>): Generator<string> {
  let piece = ''
  for (const text of texts) {
    piece += text
    if (piece.length < 60_000) continue
    yield piece
    piece = ''
  }
  yield piece
}

interface Place {
  readonly git: Git
  /** The only file to scan. Undefined means all files in the directory. */
  readonly file: string | undefined
  /** The path from the working directory to the audited directory. It is prepended to each reported path. */
  readonly prefix: string
}

function placeOf(world: World, path = '.'): Place {
  const absolute = resolve(world.cwd, path)
  const status = statusOf(absolute)
  if (status === undefined || !(status.isDirectory() || status.isFile())) {
    throw new TokenError(
      'input',
      'The path to audit is neither a directory nor a file.',
      'Give a path that exists: bitbucket-token audit [PATH].',
    )
  }
  const directory = status.isFile() ? dirname(absolute) : absolute
  const inside = relative(world.cwd, directory).split(sep).join('/')
  const isBelow = inside !== '' && inside !== '..' && !inside.startsWith('../') && !isAbsolute(inside)
  // The path that the user gives may be a link. Links inside the tree are not followed.
  const real = realpathSync(absolute)
  const { stop, sleep } = world
  return {
    git: {
      directory: status.isFile() ? dirname(real) : real,
      env: withoutCredentials(world.env),
      stop,
      sleep,
    },
    file: status.isFile() ? basename(real) : undefined,
    prefix: isBelow ? `${inside}/` : '',
  }
}

/** Returns the reason of an error, shortened and without tokens: Node's errors contain paths, which may be long or hold a token. */
const failureOf = (error: unknown): string => cutLines(withoutTokens(reasonOf(error)))

/** Returns a function that yields to the event loop every 20 ms, because Node handles signals only there. */
function pauser(world: World): () => Promise<void> {
  let last = world.elapsed()
  return async () => {
    if (world.elapsed() - last < 20) return
    await new Promise((resolve) => setImmediate(resolve))
    last = world.elapsed()
    throwIfStopped(world)
  }
}

function throwIfStopped({ stop }: World): void {
  if (stop.aborted) throw interrupted()
}

interface Audited extends Report {
  readonly findings: readonly Hit[]
}

/** Up to this many findings, {@link listedForRule} are listed for each rule and file; after that, one for each. */
const listedInFull = 50_000
/** The largest number of findings that are listed, because each takes memory. */
const maxListed = 150_000

/** What a note says about several paths at once: how many, and the first of them. */
type Subject = Skip | Note | 'more findings'
type Tally = Map<Subject, { count: number; readonly first: string[] }>

function add(tally: Tally, subject: Subject, path: Buffer): void {
  const entry = tally.get(subject) ?? { count: 0, first: [] }
  entry.count++
  if (entry.first.length < 10) entry.first.push(shownPath(path))
  tally.set(subject, entry)
}

async function auditFiles(place: Place, history: boolean, pause: () => Promise<void>): Promise<Audited> {
  const { git, prefix } = place
  const reader = new FileReader(git.directory)
  const findings: Hit[] = []
  const tally: Tally = new Map()
  const notes: string[] = []
  const failures = new Set<string>()
  let [files, ignored, unlisted] = [0, 0, 0]
  const shown = (path: Buffer) => Buffer.concat([Buffer.from(prefix), path])
  const scanFile = async (path: Buffer) => {
    const content = reader.read(path)
    if (content === undefined) return
    if (typeof content === 'string') {
      add(tally, content, shown(path))
      return
    }
    files++
    const full = findings.length < listedInFull ? listedForRule : 1
    const limit = findings.length < maxListed ? full : 0
    const scanned = await scanWithPauses(shown(path), content, rules, pause, { limit, isComparable: history })
    for (const hit of scanned.hits) findings.push(hit)
    ignored += scanned.ignored.length + scanned.unlisted.ignored
    unlisted += scanned.unlisted.hits
    if (scanned.unlisted.hits > 0) add(tally, 'more findings', shown(path))
  }
  try {
    const note = (what: Note, path: Buffer) => add(tally, what, path)
    const paths = place.file === undefined ? auditedFiles(git, pause, note) : [Buffer.from(place.file)]
    for await (const path of paths) {
      await pause()
      await scanFile(path).catch((error: unknown) => {
        if (error instanceof TokenError) throw error
        failures.add(`Could not scan the file ${shownPath(shown(path))}: ${failureOf(error)}.`)
      })
    }
  } catch (error) {
    if (error instanceof TokenError || git.stop.aborted) throw error
    failures.add(`Could not list all files: ${failureOf(error)}.`)
  }
  if (unlisted > 0) notes.push(`Too many findings. Not listed: ${count(unlisted, 'more finding')}.`)
  const all = [...failures]
  const more = all.length - 10
  return {
    findings,
    files,
    versions: undefined,
    ignored,
    unlisted,
    notes: [...notes, ...notesOn(tally)],
    warnings:
      files === 0 ? ['No files were scanned. Check the path and the patterns in its .gitignore files.'] : [],
    failures: more > 0 ? [...all.slice(0, 10), `Could not scan ${count(more, 'more file')}.`] : all,
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

async function withHistory(
  current: Audited,
  { git, prefix }: Place,
  pause: () => Promise<void>,
): Promise<Report> {
  const wanted = rules.filter(({ inHistory }) => inHistory)
  try {
    const history = await auditHistory(git, prefix, wanted, current.findings, pause)
    const { binary, tooLarge, missing, damaged } = history.skipped
    const gitFailed = 'git failed before the end of the history, or wrote nothing for ten minutes.'
    const notes = [
      ...(history.unlisted === 0
        ? []
        : [`Too many findings in the history. Not listed: ${count(history.unlisted, 'more finding')}.`]),
      ...(history.isShallow
        ? ['The clone is shallow, so earlier commits were not scanned. Run git fetch --unshallow.']
        : []),
      ...(binary + tooLarge === 0
        ? []
        : [`Earlier versions not scanned: ${binary} binary, ${tooLarge} larger than 10 MiB.`]),
      ...(missing === 0
        ? []
        : [
            `The clone is partial: it does not have ${count(missing, 'object')} of its history. Clone it without --filter.`,
          ]),
    ]
    return {
      ...current,
      findings: [current.findings, history.findings].flat(),
      versions: history.versions,
      ignored: current.ignored + history.ignored,
      unlisted: current.unlisted + history.unlisted,
      notes: [...current.notes, ...notes],
      failures: [
        ...current.failures,
        ...(damaged === 0
          ? []
          : [`${count(damaged, 'object')} of the history cannot be read. Run git fsck, or clone again.`]),
        ...(history.isPartial ? [gitFailed] : []),
      ],
    }
  } catch (error) {
    if (error instanceof TokenError || git.stop.aborted) throw error
    if (!(error instanceof GitFailure) || error instanceof GitStuck) {
      const failure = `Could not scan the whole history: ${failureOf(error)}.`
      return { ...current, failures: [...current.failures, failure] }
    }
    throw new TokenError(
      'input',
      'Could not read the history: git is not installed, or this is not a clone that git trusts.',
      'Install git, and run audit --history in a clone that you own.',
      error,
    )
  }
}
