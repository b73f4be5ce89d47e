import { setFlagsFromString } from 'node:v8'
import { asGitlab } from '../audit/gitlab.ts'
import { failureOf } from '../audit/paths.ts'
import { placeOf } from '../audit/place.ts'
import { asJson, asText, count, type Report } from '../audit/report.ts'
import { asSarif } from '../audit/sarif.ts'
import { auditFiles } from '../audit/tree.ts'
import { withHistory } from '../audit/with-history.ts'
import type { AuditFormat, AuditLevel } from '../command-line.ts'
import { interrupted, TokenError } from '../errors.ts'
import type { Log } from '../hosts/host.ts'
import { plainLog } from '../hosts/plain-log.ts'
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
    const shown = level === 'error' ? onlyErrors(all) : all
    await show(shown, format, world, log)
    return statusOf(all, level)
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

function onlyErrors(report: Report): Report {
  const findings = errorsIn(report)
  const hidden = report.findings.length - findings.length
  if (hidden === 0) return report
  return { ...report, findings, notes: [...report.notes, `Not shown: ${count(hidden, 'question')}.`] }
}

const errorsIn = ({ findings }: Report) => findings.filter(({ level }) => level === 'error')

async function show(report: Report, format: AuditFormat, world: World, log: Log): Promise<void> {
  for (const text of inChunks(formatted(report, format, world))) await world.stdoutAsync(text)
  for (const warning of report.warnings) log.warning(warning)
  // GitLab's format has no place for notes.
  if (format === 'gitlab') for (const note of report.notes) log.info(note)
  for (const failure of report.failures) log.error(failure)
}

function statusOf(report: Report, level: AuditLevel | undefined): number {
  if (report.failures.length > 0) return incompleteStatus
  const counted = level === 'question' ? report.findings : errorsIn(report)
  return counted.length === 0 ? 0 : 1
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
