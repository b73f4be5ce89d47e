import { createHash } from 'node:crypto'
import { documentUrl } from '../documentation.ts'
import { logSafeJson } from '../log-safe.ts'
import { version } from '../version.ts'
import { uriOf } from './paths.ts'
import { count, inOneLine, jsonItems, type Report } from './report.ts'
import type { Level } from './rule.ts'
import { helpFor, rules } from './rules/index.ts'
import type { Finding } from './scan.ts'

/**
 * Writes the report as SARIF 2.1.0 (OASIS), with the fields that GitHub's code scanning reads. There are no snippets,
 * because they could contain a secret.
 */
export function* asSarif({ findings, notes, warnings, failures }: Report): Generator<string> {
  const fingerprint = fingerprints()
  const listed = withinLimit(findings)
  const omitted = findings.length - listed.length
  const omittedNote = omitted === 0 ? [] : [`Not in this file: ${count(omitted, 'more finding')}.`]
  const log = {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'bitbucket-token audit',
            version,
            informationUri: documentUrl('audit.md'),
            rules: rules.map((rule) => ({
              id: rule.id,
              shortDescription: { text: rule.what },
              help: { text: `Instead: ${rule.instead}` },
              helpUri: helpFor(rule),
              defaultConfiguration: { level: sarifLevels[rule.level] },
              properties: { tags: ['security', 'bitbucket'] },
            })),
          },
        },
        columnKind: 'utf16CodeUnits',
        invocations: [
          {
            executionSuccessful: failures.length === 0,
            toolExecutionNotifications: [
              ...[...notes, ...omittedNote].map((text) => ({ level: 'note', message: { text } })),
              ...warnings.map((text) => ({ level: 'warning', message: { text } })),
              ...failures.map((text) => ({ level: 'error', message: { text } })),
            ],
          },
        ],
        results: [],
      },
    ],
  }
  const [before = '', after = ''] = logSafeJson(log).split('"results":[]')
  yield `${before}"results":[${listed.length === 0 ? '' : '\n'}`
  yield* jsonItems(listed, ',\n', (finding) => resultFor(finding, fingerprint(finding)))
  yield `]${after}\n`
}

/** Code scanning shows all three levels of SARIF, and fails a check only for errors by default. */
const sarifLevels: Readonly<Record<Level, 'error' | 'warning'>> = { error: 'error', question: 'warning' }

/** GitHub rejects a run with more results, and shows the first 5,000 by level (docs.github.com, "SARIF support"). */
const maxResults = 25_000

/** Returns at most as many findings as GitHub accepts, errors first. */
function withinLimit(findings: readonly Finding[]): readonly Finding[] {
  if (findings.length <= maxResults) return findings
  const ofLevel = (wanted: Level) => findings.filter(({ level }) => level === wanted)
  return [...ofLevel('error'), ...ofLevel('question')].slice(0, maxResults)
}

function resultFor(finding: Finding, fingerprint: string) {
  const { rule, level, path, line, column, endColumn, commit } = finding
  return {
    ruleId: rule.id,
    ruleIndex: rules.indexOf(rule),
    level: sarifLevels[level],
    message: {
      text: inOneLine(finding, commit === undefined ? '' : ` It is in commit ${commit}.`),
    },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: uriOf(path), uriBaseId: '%SRCROOT%' },
          region: { startLine: line, startColumn: column, endColumn },
        },
      },
    ],
    partialFingerprints: { 'bitbucketTokenAudit/v1': fingerprint },
    ...(commit !== undefined && { properties: { commit } }),
  }
}

/**
 * Makes fingerprints that stay the same when lines move: a digest of the rule, the file, the name, the commit and the number
 * of the finding among equal ones. The secret is not part of it, because a short secret could be guessed from a digest.
 */
export function fingerprints(): (finding: Finding) => string {
  const seen = new Map<string, number>()
  return ({ rule, path, name, commit }) => {
    const subject = [rule.id, uriOf(path), name, commit].join('\0')
    const which = (seen.get(subject) ?? 0) + 1
    seen.set(subject, which)
    return createHash('sha256').update(`${subject}\0${which}`).digest('hex').slice(0, 32)
  }
}
