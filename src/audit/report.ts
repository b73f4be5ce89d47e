import { inertJson, inertText } from '../inert.ts'
import type { Paint } from '../terminal.ts'
import { pathAsData, shownPath, uriOf } from './paths.ts'
import { helpFor, rules } from './rules/index.ts'
import type { Finding } from './scan.ts'

/** All that an audit has to say. */
export interface Report {
  readonly findings: readonly Finding[]
  /** How many files were looked at. */
  readonly files: number
  /** Versions of files in the history; undefined where that was not asked for. */
  readonly versions: number | undefined
  /** How many findings a comment in the file told to leave out. */
  readonly ignored: number
  /** How many findings are not listed, because there are too many. */
  readonly unlisted: number
  /** What was not looked at, in sentences. */
  readonly notes: readonly string[]
  /** What makes the answer doubtful, in sentences. */
  readonly warnings: readonly string[]
  /** What the audit could not do, in sentences: then it is incomplete. */
  readonly failures: readonly string[]
}

/** `1 file`, `2 files` */
export const count = (number: number, one: string): string =>
  `${number.toLocaleString('en')} ${one}${number === 1 ? '' : 's'}`

const placeOf = ({ path, line, column, commit }: Finding): string =>
  `${shownPath(path)}:${line}:${column}${commit === undefined ? '' : ` in commit ${commit.slice(0, 12)}`}`

/** For a person: rule by rule, so what is wrong and its replacement stand there once. */
export function* asText(report: Report, paint: Paint): Generator<string> {
  const { findings, files, versions, ignored, unlisted, notes, warnings, failures } = report
  for (const rule of rules) {
    const found = findings.filter((finding) => finding.rule === rule)
    if (found.length === 0) continue
    const heading = `${paint(rule.level === 'error' ? 'red' : 'yellow', rule.id)}: ${rule.what}`
    yield `${paint('bold', heading)}\n  Instead: ${rule.instead}\n  More: ${helpFor(rule)}\n`
    for (const finding of found) {
      const own = finding.instead === rule.instead ? '' : `  Instead: ${finding.instead}`
      const name = finding.name === undefined ? '' : `  ${finding.name}`
      yield inertText(`    ${placeOf(finding)}${name}${own}\n`)
    }
    yield '\n'
  }
  const looked = `${count(files, 'file')}${versions === undefined ? '' : ` and ${count(versions, 'earlier version')} of files`}`
  const left =
    ignored === 0
      ? ''
      : ` ${count(ignored, 'finding')} left out, as a comment beside ${ignored === 1 ? 'it' : 'them'} says.`
  const verdict =
    findings.length === 0
      ? `Nothing found in ${looked}.`
      : `${count(findings.length + unlisted, 'finding')} in ${looked}.`
  yield `${verdict}${left}\n`
  for (const note of notes) yield inertText(`Note: ${note}\n`)
  for (const warning of warnings) yield inertText(`Warning: ${warning}\n`)
  for (const failure of failures) yield inertText(`Incomplete: ${failure}\n`)
}

/** For a script: one object, in one line. */
export function* asJson(report: Report): Generator<string> {
  const { findings, files, versions, ignored, unlisted, notes, warnings, failures } = report
  let separator = '{"findings":['
  for (const { rule, path, line, column, endColumn, name, instead, commit } of findings) {
    const row = {
      rule: rule.id,
      level: rule.level,
      path: pathAsData(path),
      uri: uriOf(path),
      line,
      column,
      end_column: endColumn ?? null,
      name: name ?? null,
      commit: commit ?? null,
      what: rule.what,
      instead,
      help: helpFor(rule),
    }
    yield `${separator}${inertJson(row)}`
    separator = ','
  }
  const rest = {
    files,
    versions: versions ?? null,
    ignored,
    unlisted,
    notes: [...notes, ...warnings, ...failures],
    incomplete: failures.length > 0,
  }
  yield `${findings.length === 0 ? separator : ''}],${inertJson(rest).slice(1)}\n`
}
