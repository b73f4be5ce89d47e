import { logSafeJson, logSafeText } from '../log-safe.ts'
import type { Paint } from '../terminal.ts'
import { pathAsData, shownPath, uriOf } from './paths.ts'
import { helpFor, rules } from './rules/index.ts'
import type { Finding } from './scan.ts'

/** Everything that an audit reports. */
export interface Report {
  readonly findings: readonly Finding[]
  /** How many files were scanned. */
  readonly files: number
  /** How many versions of files in the history were scanned. Undefined if the history was not scanned. */
  readonly versions: number | undefined
  /** How many findings were ignored because a comment in the file says so. */
  readonly ignored: number
  /** How many findings are not listed, because there are too many. */
  readonly unlisted: number
  /** What was not scanned, in sentences. */
  readonly notes: readonly string[]
  /** Why the result may be wrong, in sentences. */
  readonly warnings: readonly string[]
  /** What the audit could not do, in sentences. If there are any, the audit is incomplete. */
  readonly failures: readonly string[]
}

/** `1 file`, `2 files` */
export const count = (number: number, one: string): string =>
  `${number.toLocaleString('en')} ${one}${number === 1 ? '' : 's'}`

/** Returns a finding in one line: what is wrong, `where` it is, and what to do. */
export function inOneLine({ rule, name, instead, recipe }: Finding, where = ''): string {
  const subject = name === undefined ? '' : ` (${name})`
  return `${rule.what}${subject}${where} Instead: ${instead}${recipe === undefined ? '' : ` Write: ${recipe}`}`
}

const placeOf = ({ path, line, column, commit }: Finding): string =>
  `${shownPath(path)}:${line}:${column}${commit === undefined ? '' : ` in commit ${commit.slice(0, 12)}`}`

/** `2 errors and 1 question` */
function byLevel(findings: readonly Finding[]): string {
  const errors = findings.filter(({ level }) => level === 'error').length
  return `${count(errors, 'error')} and ${count(findings.length - errors, 'question')}`
}

/** Writes the report for people, grouped by rule, so that each explanation appears once. */
export function* asText(report: Report, paint: Paint): Generator<string> {
  const { findings, files, versions, ignored, unlisted, notes, warnings, failures } = report
  for (const rule of rules) {
    const found = findings.filter((finding) => finding.rule === rule)
    if (found.length === 0) continue
    const heading = `${paint(found.some(({ level }) => level === 'error') ? 'red' : 'yellow', rule.id)}: ${rule.what}`
    yield `${paint('bold', heading)}\n  Instead: ${rule.instead}\n  More: ${helpFor(rule)}\n`
    let recipe: string | undefined
    for (const finding of found) {
      const own = finding.instead === rule.instead ? '' : `  Instead: ${finding.instead}`
      const name = finding.name === undefined ? '' : `  ${finding.name}`
      const level = finding.level === 'question' ? '  (question: a person must look)' : ''
      yield logSafeText(`    ${placeOf(finding)}${name}${level}${own}\n`)
      if (finding.recipe !== undefined && finding.recipe !== recipe)
        yield logSafeText(`      Write: ${finding.recipe}\n`)
      recipe = finding.recipe
    }
    yield '\n'
  }
  const scanned = `${count(files, 'file')}${versions === undefined ? '' : ` and ${count(versions, 'earlier version')} of files`}`
  const verdict =
    findings.length === 0
      ? `Nothing found in ${scanned}.`
      : `${count(findings.length + unlisted, 'finding')} in ${scanned}.${unlisted === 0 ? ` ${byLevel(findings)}.` : ''}`
  yield `${verdict}${ignored === 0 ? '' : ` ${count(ignored, 'finding')} ignored because of a comment.`}\n`
  for (const note of notes) yield logSafeText(`Note: ${note}\n`)
  for (const warning of warnings) yield logSafeText(`Warning: ${warning}\n`)
  for (const failure of failures) yield logSafeText(`Incomplete: ${failure}\n`)
}

/** Writes the report for scripts: one JSON object on one line. */
export function* asJson(report: Report): Generator<string> {
  const { findings, files, versions, ignored, unlisted, notes, warnings, failures } = report
  yield '{"findings":['
  yield* jsonItems(findings, ',', (finding) => ({
    rule: finding.rule.id,
    level: finding.level,
    path: pathAsData(finding.path),
    uri: uriOf(finding.path),
    line: finding.line,
    column: finding.column,
    end_column: finding.endColumn ?? null,
    name: finding.name ?? null,
    commit: finding.commit ?? null,
    what: finding.rule.what,
    instead: finding.instead,
    recipe: finding.recipe ?? null,
    help: helpFor(finding.rule),
  }))
  const rest = {
    files,
    versions: versions ?? null,
    ignored,
    unlisted,
    notes: [...notes, ...warnings, ...failures],
    incomplete: failures.length > 0,
  }
  yield `],${logSafeJson(rest).slice(1)}\n`
}

/** Writes the items of a JSON array one by one, because Node limits the length of a string. */
export function* jsonItems(
  findings: readonly Finding[],
  separator: string,
  itemFor: (finding: Finding) => object,
): Generator<string> {
  let before = ''
  for (const finding of findings) {
    yield `${before}${logSafeJson(itemFor(finding))}`
    before = separator
  }
}
