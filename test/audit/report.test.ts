import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Ajv } from 'ajv'
import { describe, expect, test } from 'vitest'
import { asGitlab } from '../../src/audit/gitlab.ts'
import { asJson, asText, type Report } from '../../src/audit/report.ts'
import { rules } from '../../src/audit/rules/index.ts'
import { asSarif } from '../../src/audit/sarif.ts'
import type { Finding } from '../../src/audit/scan.ts'
import { Secrets, secretsIn } from '../e2e/support/secrets.ts'
import { secrets } from './made-up.ts'
import { planted } from './planted.ts'
import { scan } from './scan.ts'

const oddNames = [
  Buffer.from('line\nbreak and "quotes" \\'),
  Buffer.from([...Buffer.from('not-utf8-'), 0xff, 0xfe]),
  Buffer.from('bell\u0007 escape\u001b[31m'),
  Buffer.from('päth with space#?%/ü.txt'),
  Buffer.from(`token-${secrets.accessToken}.txt`),
  Buffer.from(`${secrets.appPassword}/a`),
]

const found: readonly Finding[] = [
  ...planted.flatMap(({ path, text }) => scan(Buffer.from(path), Buffer.from(text), rules).hits),
  ...oddNames.flatMap((path) => scan(path, Buffer.from(planted[0]?.text ?? ''), rules).hits),
]
const commit = '0123456789abcdef0123456789abcdef01234567'
const report: Report = {
  findings: [...found, ...found.slice(0, 3).map((finding) => ({ ...finding, commit }))],
  files: 1234,
  versions: 5678,
  ignored: 2,
  unlisted: 0,
  notes: ['Links, not followed: 1.'],
  warnings: [],
  failures: [],
}
const nothing: Report = {
  findings: [],
  files: 1,
  versions: undefined,
  ignored: 0,
  unlisted: 0,
  notes: [],
  warnings: [],
  failures: [],
}

const plain = (_: string, text: string) => text
const textOf = (of: Report) => [...asText(of, plain)].join('')
const jsonOf = (of: Report) => [...asJson(of)].join('')
const sarifOf = (of: Report) => [...asSarif(of)].join('')
const gitlabOf = (of: Report) => [...asGitlab(of)].join('')
const formats = {
  text: textOf(report),
  json: jsonOf(report),
  sarif: sarifOf(report),
  gitlab: gitlabOf(report),
}

describe.each(Object.entries(formats))('%s', (_, written) => {
  test('shows no secret, in whole or in part, in any form', () => {
    const known = new Secrets()
    for (const [name, value] of Object.entries(secrets)) known.add(value, name)
    expect(secretsIn(written, known)).toEqual([])
  })

  test('contains no control characters for a terminal', () => {
    expect(written).not.toMatch(/(?!\n)\p{Cc}/u)
  })

  test('contains every finding', () => {
    for (const { rule, path } of found) {
      expect(written).toContain(rule.id)
      const name = path.toString()
      if (/^[\w./-]{1,60}$/.test(name) && !name.startsWith('ATBB')) expect(written).toContain(name)
    }
  })
})

test('text groups findings by rule', () => {
  const some = [found[0], found.find(({ rule }) => rule.id === 'removed-endpoint')] as Finding[]
  const text = textOf({ ...report, findings: [...some, { ...(some[0] as Finding), commit }] })
  expect(text).toMatchInlineSnapshot(`
    "app-password-value: The file contains an app password. App passwords stopped working on 2026-07-28.
      Instead: Use an Atlassian API token (email and api-token), an access token, or an OAuth client (client-id and client-secret).
      More: https://github.com/bitbucket-token/bitbucket-token/blob/main/docs/audit.md#app-password-value
        deploy/.env:2:9
          Write: BITBUCKET_EMAIL and BITBUCKET_API_TOKEN, or BITBUCKET_CLIENT_ID and BITBUCKET_CLIENT_SECRET, from the secrets of the CI
        deploy/.env:2:9 in commit 0123456789ab

    removed-endpoint: Bitbucket has removed this endpoint (CHANGE-2770 or earlier). It answers 410 or 404.
      Instead: Use the endpoint that is named next to the finding.
      More: https://github.com/bitbucket-token/bitbucket-token/blob/main/docs/audit.md#removed-endpoint
        endpoints/a.sh:1:14  GET /2.0/repositories  Instead: GET /2.0/user/workspaces, then GET /2.0/repositories/{workspace} for each.

    3 findings in 1,234 files and 5,678 earlier versions of files. 3 errors and 0 questions. 2 findings ignored because of a comment.
    Note: Links, not followed: 1.
    "
  `)
  expect(textOf(nothing)).toBe('Nothing found in 1 file.\n')
})

test('json has one row for each finding and a summary', () => {
  const { findings, ...rest } = JSON.parse(formats.json) as { findings: object[] }
  expect(findings).toHaveLength(report.findings.length)
  expect(findings[0]).toMatchInlineSnapshot(`
    {
      "column": 9,
      "commit": null,
      "end_column": null,
      "help": "https://github.com/bitbucket-token/bitbucket-token/blob/main/docs/audit.md#app-password-value",
      "instead": "Use an Atlassian API token (email and api-token), an access token, or an OAuth client (client-id and client-secret).",
      "level": "error",
      "line": 2,
      "name": null,
      "path": "deploy/.env",
      "recipe": "BITBUCKET_EMAIL and BITBUCKET_API_TOKEN, or BITBUCKET_CLIENT_ID and BITBUCKET_CLIENT_SECRET, from the secrets of the CI",
      "rule": "app-password-value",
      "uri": "deploy/.env",
      "what": "The file contains an app password. App passwords stopped working on 2026-07-28.",
    }
  `)
  expect(rest).toEqual({
    files: 1234,
    versions: 5678,
    ignored: 2,
    unlisted: 0,
    notes: ['Links, not followed: 1.'],
    incomplete: false,
  })
  expect(JSON.parse(jsonOf(nothing))).toEqual({
    findings: [],
    files: 1,
    versions: null,
    ignored: 0,
    unlisted: 0,
    notes: [],
    incomplete: false,
  })
})

// The schema by OASIS, which Microsoft publishes with its SDK under MIT.
const schemaPath = createRequire(import.meta.url).resolve(
  '@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json',
)
const {
  id: _,
  $schema: __,
  ...schema
} = JSON.parse(readFileSync(schemaPath, 'utf8')) as Record<string, unknown>
const ajv = new Ajv({
  strict: false,
  unicodeRegExp: false,
  allErrors: true,
  formats: {
    uri: (text) => URL.canParse(text),
    'uri-reference': (text) => URL.canParse(text, 'file:///') && /^[\w.~:/?#[\]@!$&'()*+,;=%-]*$/.test(text),
    'date-time': (text) => !Number.isNaN(Date.parse(text)),
  },
})
const isSarif = ajv.compile(schema)
const schemaErrors = (log: unknown) => {
  isSarif(log)
  return (isSarif.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
}

interface Log {
  runs: {
    results: {
      ruleId: string
      ruleIndex: number
      level: string
      message: { text: string }
      partialFingerprints: Record<string, string>
      locations: { physicalLocation: { artifactLocation: { uri: string }; region: Record<string, number> } }[]
    }[]
    tool: { driver: { rules: { id: string; helpUri: string }[] } }
  }[]
}
const logOf = (of: Report) => JSON.parse(sarifOf(of)) as Log

describe('sarif', () => {
  test('follows the schema of SARIF 2.1.0', () => {
    expect(schemaErrors(logOf(report))).toEqual([])
    expect(schemaErrors(logOf(nothing))).toEqual([])
  })

  test('would not follow the schema with a wrong level or without runs', () => {
    const log = logOf(report)
    for (const result of log.runs[0]?.results ?? []) result.level = 'terrible'
    expect(schemaErrors(log)).not.toEqual([])
    expect(schemaErrors({ version: '2.1.0' })).not.toEqual([])
  })

  test('refers to rules by their index, and to files by relative references', () => {
    const [run] = logOf(report).runs
    for (const { ruleId, ruleIndex, locations } of run?.results ?? []) {
      expect(run?.tool.driver.rules[ruleIndex]?.id).toBe(ruleId)
      const { uri } = locations[0]?.physicalLocation.artifactLocation ?? {}
      expect(uri).toMatch(/^(?!\/)(?:[\w.~/-]|%[0-9A-F]{2})+$/)
    }
    const uris = run?.results.map(({ locations }) => locations[0]?.physicalLocation.artifactLocation.uri)
    expect(uris).toContain('line%0Abreak%20and%20%22quotes%22%20%5C')
    expect(uris).toContain('not-utf8-%FF%FE')
  })

  test('has the level error for an error and warning for a question', () => {
    const [run] = logOf(report).runs
    const byRule = new Map(run?.results.map(({ ruleId, level }) => [ruleId, level]))
    expect([byRule.get('app-password-value'), byRule.get('auth-string')]).toEqual(['error', 'warning'])
  })

  // docs.github.com, "SARIF support for code scanning": 25,000 results, and texts of at most 1,024 characters.
  test('stays within the limits of GitHub, and keeps the errors', () => {
    const question = report.findings.find(({ level }) => level === 'question') as Finding
    const error = report.findings.find(({ level }) => level === 'error') as Finding
    const many = [...Array.from({ length: 25_000 }, () => question), error, error]
    const [run] = logOf({ ...nothing, findings: many }).runs
    expect(run?.results).toHaveLength(25_000)
    expect(run?.results.slice(0, 3).map(({ level }) => level)).toEqual(['error', 'error', 'warning'])
    expect(sarifOf({ ...nothing, findings: many })).toContain('Not in this file: 2 more findings.')
    for (const { message, partialFingerprints } of logOf(report).runs[0]?.results ?? []) {
      expect(message.text.length).toBeLessThanOrEqual(1_024)
      expect(Object.values(partialFingerprints)[0]).toMatch(/^[0-9a-f]{32}$/)
    }
    for (const rule of rules) expect(rule.what.length).toBeLessThanOrEqual(255)
  })

  test('has different fingerprints that stay the same when lines move', () => {
    const prints = (text: string) =>
      logOf({
        ...nothing,
        findings: scan(Buffer.from('a.sh'), Buffer.from(text), rules).hits,
      }).runs[0]?.results.map(({ partialFingerprints }) => Object.values(partialFingerprints)[0]) ?? []
    const line =
      'curl -u "u:$BITBUCKET_APP_PASSWORD" https://api.bitbucket.org/2.0/user/permissions/workspaces\n'
    const before = prints(line.repeat(3))
    expect(new Set(before).size).toBe(6)
    expect(prints(`# moved\n\n${line.repeat(3)}`)).toEqual(before)
    // The password is not in the fingerprint, because a short one could be guessed from its digest.
    const url = (password: string) => `git clone https://ann:${password}@bitbucket.org/a/b\n`
    expect(prints(url('c0rrect-horse'))).toEqual(prints(url('battery-st4ple')))
  })
})

// docs.gitlab.com, "Code Quality report format": these fields are required, and these are the severities.
test('gitlab has the required fields, different fingerprints and a severity for each level', () => {
  const rows = JSON.parse(formats.gitlab) as {
    description: string
    check_name: string
    fingerprint: string
    severity: string
    location: { path: string; lines: { begin: number } }
  }[]
  expect(rows).toHaveLength(report.findings.length)
  expect(new Set(rows.map(({ fingerprint }) => fingerprint)).size).toBe(rows.length)
  for (const { severity, location } of rows) {
    expect(['critical', 'minor']).toContain(severity)
    expect(location.lines.begin).toBeGreaterThan(0)
    expect(location.path).not.toMatch(/^(?:\/|\.\/)/)
  }
  expect(rows.find(({ check_name }) => check_name === 'auth-string')?.severity).toBe('minor')
  expect(JSON.parse(gitlabOf(nothing))).toEqual([])
})
