import type { Paint } from '../terminal.ts'
import { shownPath, uriOf } from './paths.ts'
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
  /** What was not looked at, in sentences. */
  readonly notes: readonly string[]
}

/** `1 file`, `2 files` */
export const count = (number: number, one: string): string =>
  `${number.toLocaleString('en')} ${one}${number === 1 ? '' : 's'}`

const placeOf = ({ path, line, column, commit }: Finding): string =>
  `${shownPath(path)}:${line}:${column}${commit === undefined ? '' : ` in commit ${commit.slice(0, 12)}`}`

/** For a person: rule by rule, so what is wrong and its replacement stand there once. */
export function asText({ findings, files, versions, ignored, notes }: Report, paint: Paint): string {
  const sections = rules.flatMap((rule) => {
    const found = findings.filter((finding) => finding.rule === rule)
    if (found.length === 0) return []
    const places = found.map((finding) => {
      const own = finding.instead === rule.instead ? '' : `  Instead: ${finding.instead}`
      return `    ${placeOf(finding)}${finding.name === undefined ? '' : `  ${finding.name}`}${own}\n`
    })
    const heading = `${paint(rule.level === 'error' ? 'red' : 'yellow', rule.id)}: ${rule.what}`
    return `${paint('bold', heading)}\n  Instead: ${rule.instead}\n  More: ${helpFor(rule)}\n${places.join('')}\n`
  })
  const looked = `${count(files, 'file')}${versions === undefined ? '' : ` and ${count(versions, 'earlier version')} of files`}`
  const left =
    ignored === 0
      ? ''
      : ` ${count(ignored, 'finding')} left out, as a comment beside ${ignored === 1 ? 'it' : 'them'} says.`
  const verdict =
    findings.length === 0
      ? `Nothing found in ${looked}.`
      : `${count(findings.length, 'finding')} in ${looked}.`
  return `${sections.join('')}${verdict}${left}\n${notes.map((note) => `Note: ${note}\n`).join('')}`
}

/** For a script: one object, in one line. */
export function asJson({ findings, files, versions, ignored, notes }: Report): string {
  const rows = findings.map(({ rule, path, line, column, endColumn, name, instead, commit }) => ({
    rule: rule.id,
    level: rule.level,
    path: shownPath(path),
    uri: uriOf(path),
    line,
    column,
    end_column: endColumn ?? null,
    name: name ?? null,
    commit: commit ?? null,
    what: rule.what,
    instead,
    help: helpFor(rule),
  }))
  return `${JSON.stringify({ findings: rows, files, versions: versions ?? null, ignored, notes })}\n`
}
