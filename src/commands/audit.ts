import { statSync } from 'node:fs'
import { dirname, isAbsolute, relative, resolve, sep } from 'node:path'
import { FileReader, filesOfClone, type Skip } from '../audit/files.ts'
import { type Git, GitFailure } from '../audit/git.ts'
import { auditHistory } from '../audit/history.ts'
import { shownPath } from '../audit/paths.ts'
import { asJson, asText, count, type Report } from '../audit/report.ts'
import { rules } from '../audit/rules/index.ts'
import { asSarif } from '../audit/sarif.ts'
import { type Hit, scan } from '../audit/scan.ts'
import type { AuditFormat } from '../command-line.ts'
import { TokenError } from '../errors.ts'
import { withoutCredentials } from '../inputs.ts'
import { painter } from '../terminal.ts'
import type { World } from '../world.ts'

/** What `audit` is asked. */
export interface Audit {
  /** A directory or a file; undefined for the working directory. */
  readonly path: string | undefined
  readonly format: AuditFormat
  readonly history: boolean
}

/**
 * Finds what Bitbucket refuses or soon will, and secrets that are written down.
 * @returns the exit status: 1 where there are findings
 * @throws {TokenError} `input`, `interrupted`
 */
export async function audit(world: World, { path, format, history }: Audit): Promise<number> {
  const place = placeOf(world, path)
  const pause = pauser(world)
  const report = await reportOn(place, history, pause).catch((error: unknown) => {
    // git was stopped too, and that is not its own failure.
    throwIfStopped(world)
    throw error
  })
  throwIfStopped(world)
  world.stdout(written(report, format, world))
  return report.findings.length === 0 ? 0 : 1
}

async function reportOn(place: Place, history: boolean, pause: () => Promise<void>): Promise<Report> {
  const today = await auditFiles(place, pause)
  return history ? withHistory(today, place, pause) : today
}

function written(report: Report, format: AuditFormat, world: World): string {
  switch (format) {
    case 'text':
      return asText(report, painter(world, 'stdout'))
    case 'json':
      return asJson(report)
    case 'sarif':
      return asSarif(report)
  }
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
  const status = statSync(whole, { throwIfNoEntry: false })
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
  return {
    git: { directory, env: withoutCredentials(world.env), stop: world.stop },
    file: status.isFile() ? relative(directory, whole) : undefined,
    prefix: isBelow ? `${inside}/` : '',
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

async function auditFiles(place: Place, pause: () => Promise<void>): Promise<Audited> {
  const reader = new FileReader()
  const findings: Hit[] = []
  const skipped = new Map<Skip, string[]>()
  const notes: string[] = []
  let files = 0
  let ignored = 0
  for await (const path of pathsIn(place, (note) => notes.push(note))) {
    await pause()
    const content = reader.read(Buffer.concat([Buffer.from(`${place.git.directory}/`), path]))
    if (content === undefined) continue
    const shown = Buffer.concat([Buffer.from(place.prefix), path])
    if (typeof content === 'string') {
      const alike = skipped.get(content)
      if (alike === undefined) skipped.set(content, [shownPath(shown)])
      else alike.push(shownPath(shown))
      continue
    }
    files++
    const scanned = scan(shown, content, rules)
    findings.push(...scanned.hits)
    ignored += scanned.ignored.length
  }
  return { findings, files, versions: undefined, ignored, notes: [...notes, ...notesOn(skipped)] }
}

/** The files to look at, relative to the directory of the place. */
async function* pathsIn({ git, file }: Place, note: (text: string) => void): AsyncGenerator<Buffer> {
  if (file !== undefined) {
    yield Buffer.from(file)
    return
  }
  try {
    yield* filesOfClone(git)
  } catch (error) {
    if (!(error instanceof GitFailure)) throw error
    note('git knows of no clone here, so .gitignore files alone said what to leave out.')
    const { filesBelow } = await import(/* webpackChunkName: "desk-walk" */ '../audit/walk.ts')
    yield* filesBelow(git.directory)
  }
}

const reasons: Readonly<Record<Skip, string>> = {
  binary: 'Binary files, not looked at',
  'a link': 'Links, not followed',
  'too large': 'Files of more than 10 MiB, not looked at',
  unreadable: 'Files that cannot be read',
}

function notesOn(skipped: ReadonlyMap<Skip, readonly string[]>): string[] {
  return [...skipped].map(([skip, paths]) => {
    // Of those it is good to know which they are.
    const isRare = skip === 'too large' || skip === 'unreadable'
    const named = paths.slice(0, isRare ? 10 : 0).join(', ')
    return `${reasons[skip]}: ${paths.length.toLocaleString('en')}${named && ` (${named}${paths.length > 10 ? ', …' : ''})`}.`
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
    const { binary, tooLarge, missing } = history.skipped
    const notes = [
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
      findings: [...today.findings, ...history.findings],
      versions: history.versions,
      ignored: today.ignored + history.ignored,
      notes: [...today.notes, ...notes],
    }
  } catch (error) {
    if (!(error instanceof GitFailure)) throw error
    throw new TokenError(
      'input',
      'The history cannot be read: git is not installed, or this is no clone that it trusts.',
      'Run audit --history in a clone of your own, with git.',
      error,
    )
  }
}
