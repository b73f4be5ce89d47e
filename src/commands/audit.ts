import { realpathSync, type Stats, statSync } from 'node:fs'
import { basename, dirname, isAbsolute, relative, resolve, sep } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { FileReader, type Skip } from '../audit/files.ts'
import { type Git, GitFailure, GitStuck } from '../audit/git.ts'
import { auditHistory } from '../audit/history.ts'
import { auditedFiles } from '../audit/listing.ts'
import { shownPath, withoutTokens } from '../audit/paths.ts'
import { asJson, asText, count, type Report } from '../audit/report.ts'
import { rules } from '../audit/rules/index.ts'
import { asSarif } from '../audit/sarif.ts'
import { type Hit, listedForRule, scanInSteps } from '../audit/scan.ts'
import type { Note } from '../audit/walk.ts'
import type { AuditFormat } from '../command-line.ts'
import { cutLines, reasonOf, TokenError } from '../errors.ts'
import { plainLog } from '../hosts/plain-log.ts'
import { withoutCredentials } from '../inputs.ts'
import { painter } from '../terminal.ts'
import { ReaderGone, type World } from '../world.ts'

/** What `audit` is asked. */
export interface Audit {
  /** A directory or a file; undefined for the working directory. */
  readonly path: string | undefined
  readonly format: AuditFormat
  readonly history: boolean
}

/** The exit status if the audit itself failed, so that what it has found may not be all. */
const incompleteStatus = 6

/**
 * Finds what Bitbucket refuses or soon will, and secrets that are written down.
 * @returns the exit status: 1 if there are findings, 6 if the audit is incomplete
 * @throws {TokenError} `input`, `interrupted`
 */
export async function audit(world: World, { path, format, history }: Audit): Promise<number> {
  // V8 would let the space for new objects grow by 100 MB and more, however little of it is in use (nodejs.org/api/v8.html).
  setFlagsFromString('--semi-space-growth-factor=1')
  const place = placeOf(world, path)
  const pause = pauser(world)
  const log = plainLog(world, false)
  try {
    const today = await auditFiles(place, history, pause)
    const report = history ? await withHistory(today, place, pause) : today
    for (const text of inPieces(written(report, format, world))) await world.stdoutInTurn(text)
    for (const warning of report.warnings) log.warning(warning)
    for (const failure of report.failures) log.error(failure)
    if (report.failures.length > 0) return incompleteStatus
    return report.findings.length === 0 ? 0 : 1
  } catch (error) {
    // git and the output were stopped too, and that is not their own failure.
    throwIfStopped(world)
    if (error instanceof TokenError || error instanceof ReaderGone) throw error
    log.error(`The audit failed: ${failureOf(error)}.`)
    return incompleteStatus
  }
}

function written(report: Report, format: AuditFormat, world: World): Iterable<string> {
  switch (format) {
    case 'text':
      return asText(report, painter(world, 'stdout'))
    case 'json':
      return asJson(report)
    case 'sarif':
      return asSarif(report)
  }
}

/** Joins short texts, because to write each alone takes longer; the whole could be larger than node allows a text to be. */
function* inPieces(texts: Iterable<string>): Generator<string> {
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
  /** The one file to look at; undefined for all in the directory. */
  readonly file: string | undefined
  /** What stands before each path that is told: how the directory is reached from where the program runs. */
  readonly prefix: string
}

function placeOf(world: World, path = '.'): Place {
  const whole = resolve(world.cwd, path)
  const status = statusOf(whole)
  if (status === undefined || !(status.isDirectory() || status.isFile())) {
    throw new TokenError(
      'input',
      'The path to audit is neither a directory nor a file.',
      'Give a path that exists: bitbucket-token audit [PATH].',
    )
  }
  const directory = status.isFile() ? dirname(whole) : whole
  const inside = relative(world.cwd, directory).split(sep).join('/')
  const isBelow = inside !== '' && inside !== '..' && !inside.startsWith('../') && !isAbsolute(inside)
  // A link that somebody names is followed; links in the tree are not.
  const real = realpathSync(whole)
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

/** Node's errors name a path, which can hold a token, and can be long. */
const failureOf = (error: unknown): string => cutLines(withoutTokens(reasonOf(error)))

/** Undefined for what is not there, or cannot be reached. */
function statusOf(path: string): Stats | undefined {
  try {
    return statSync(path)
  } catch {
    return undefined
  }
}

/** Lets a signal through now and then; without a pause node would hear of it only at the end. */
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
  if (!stop.aborted) return
  throw new TokenError('interrupted', 'Stopped by a signal before the audit was done.', 'Run it again.')
}

interface Audited extends Report {
  readonly findings: readonly Hit[]
}

/** So many findings are listed with {@link listedForRule} for each rule and file; then one for each of them. */
const listedInFull = 50_000
/** So many are listed at all, because each takes memory. */
const listedInAll = 150_000

/** What is told of several paths at once: how many, and the first of them. */
type Told = Skip | Note | 'more findings'
type Tally = Map<Told, { count: number; readonly first: string[] }>

function add(tally: Tally, what: Told, path: Buffer): void {
  const alike = tally.get(what) ?? { count: 0, first: [] }
  alike.count++
  if (alike.first.length < 10) alike.first.push(shownPath(path))
  tally.set(what, alike)
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
  const look = async (path: Buffer) => {
    const content = reader.read(path)
    if (content === undefined) return
    if (typeof content === 'string') {
      add(tally, content, shown(path))
      return
    }
    files++
    const full = findings.length < listedInFull ? listedForRule : 1
    const limit = findings.length < listedInAll ? full : 0
    const steps = scanInSteps(shown(path), content, rules, { limit, isComparable: history })
    let step = steps.next()
    for (; step.done !== true; step = steps.next()) await pause()
    const scanned = step.value
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
      await look(path).catch((error: unknown) => {
        if (error instanceof TokenError) throw error
        failures.add(`A file could not be audited, ${shownPath(shown(path))}: ${failureOf(error)}.`)
      })
    }
  } catch (error) {
    if (error instanceof TokenError || git.stop.aborted) throw error
    failures.add(`The files could not be listed to their end: ${failureOf(error)}.`)
  }
  if (unlisted > 0) notes.push(`${count(unlisted, 'more finding')} not listed: there are too many.`)
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
      files === 0
        ? ['No file was looked at. Check the path, and what the .gitignore files there leave out.']
        : [],
    failures: more > 0 ? [...all.slice(0, 10), `${count(more, 'more file')} could not be audited.`] : all,
  }
}

const reasons: Readonly<Record<Told, string>> = {
  binary: 'Binary files, not looked at',
  'a link': 'Links, not followed',
  'too large': 'Files of more than 10 MiB, not looked at',
  unreadable: 'Files that cannot be read',
  'no clone': 'git found no clone here, so only .gitignore files decided what to leave out',
  'no index':
    'git could not list its files; those that it has although .gitignore names them were not looked at',
  'more findings': 'Files with more findings than are listed',
  'a directory that cannot be read': 'Directories that cannot be read',
  'a clone of another user':
    'Clones of other users above this directory, whose .gitignore files were not used',
  'a .gitignore that is a link': '.gitignore files that are links, not used',
  'a .gitignore that is not a regular file': '.gitignore files that are not regular files, not used',
  'a .gitignore that is too large': '.gitignore files of more than 1 MiB, not used',
  'a .gitignore of another user': '.gitignore files of other users, not used',
  'a .gitignore that cannot be read': '.gitignore files that cannot be read',
  'a .gitignore with too many patterns': '.gitignore files with too many patterns, not used',
  'a .gitignore that takes too long': '.gitignore files whose patterns take too long, not used to the end',
  'a pattern that is too long':
    '.gitignore files with patterns of more than 4,096 characters, which were not used',
}

function notesOn(tally: Tally): string[] {
  return [...tally].map(([what, { count, first }]) => {
    if (what === 'no clone' || what === 'no index') return `${reasons[what]}.`
    // Of the others it is good to know which they are.
    const named = what === 'binary' || what === 'a link' ? '' : first.join(', ')
    return `${reasons[what]}: ${count.toLocaleString('en')}${named && ` (${named}${count > first.length ? ', …' : ''})`}.`
  })
}

async function withHistory(
  today: Audited,
  { git, prefix }: Place,
  pause: () => Promise<void>,
): Promise<Report> {
  const wanted = rules.filter(({ inHistory }) => inHistory)
  try {
    const history = await auditHistory(git, prefix, wanted, today.findings, pause)
    const { binary, tooLarge, missing, damaged } = history.skipped
    const gitFailed = 'git failed before the end of the history, or said nothing for ten minutes.'
    const notes = [
      ...(history.unlisted === 0
        ? []
        : [`${count(history.unlisted, 'more finding')} in the history not listed: there are too many.`]),
      ...(history.isShallow
        ? ['The clone is shallow: earlier commits were not looked at (git fetch --unshallow).']
        : []),
      ...(binary + tooLarge === 0
        ? []
        : [`Earlier versions not looked at: ${binary} binary, ${tooLarge} of more than 10 MiB.`]),
      ...(missing === 0
        ? []
        : [
            `The clone is partial: it lacks ${count(missing, 'object')} of its history (clone it without --filter).`,
          ]),
    ]
    return {
      ...today,
      findings: [today.findings, history.findings].flat(),
      versions: history.versions,
      ignored: today.ignored + history.ignored,
      unlisted: today.unlisted + history.unlisted,
      notes: [...today.notes, ...notes],
      failures: [
        ...today.failures,
        ...(damaged === 0
          ? []
          : [`${count(damaged, 'object')} of the history cannot be read. Run git fsck, or clone it again.`]),
        ...(history.isPartial ? [gitFailed] : []),
      ],
    }
  } catch (error) {
    if (error instanceof TokenError || git.stop.aborted) throw error
    if (!(error instanceof GitFailure) || error instanceof GitStuck) {
      const failure = `The history could not be audited to its end: ${failureOf(error)}.`
      return { ...today, failures: [...today.failures, failure] }
    }
    throw new TokenError(
      'input',
      'The history cannot be read: git is not installed, or this is no clone that it trusts.',
      'Run audit --history in a clone of your own, with git.',
      error,
    )
  }
}
