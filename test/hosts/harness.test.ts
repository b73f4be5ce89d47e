import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/secret.ts'
import {
  describeContract,
  type HostUnderTest,
  type Job,
  runToEnd,
  sampleResults,
  startJob,
} from './contract.ts'
import { anyValue, tokenLikeValue } from './values.ts'

type Variables = Record<string, string>

/** Expands variables as godotenv v2 and v4 do (`expandVariables`). */
const expanded = (value: string, known: Variables): string =>
  value.replace(/(\\)?(\$)(\()?\{?([A-Z0-9_]+)?\}?/g, (all, backslash, _dollar, bracket, name) => {
    if (backslash === '\\' || bracket === '(') return all.slice(1)
    return name ? (known[name] ?? '') : all
  })

/** Parses as harness/godotenv v2.0.0 does (`Parse` and `parseLine`), which the engine uses unless a flag is set. */
function parseV2(text: string): Variables {
  const parsed: Variables = {}
  for (const whole of text.split('\n').map((line) => line.replace(/\r$/, ''))) {
    if (whole.trim() === '' || whole.trim().startsWith('#')) continue
    let areQuotesOpen = false
    const kept: string[] = []
    for (const segment of whole.split('#')) {
      const quotes = (quote: string) => segment.split(quote).length - 1
      if (quotes('"') === 1 || quotes("'") === 1) {
        if (areQuotesOpen) kept.push(segment)
        areQuotesOpen = !areQuotesOpen
      }
      if (kept.length === 0 || areQuotesOpen) kept.push(segment)
    }
    const line = kept.join('#')
    const [equals, colon] = [line.indexOf('='), line.indexOf(':')]
    const separator = colon !== -1 && (colon < equals || equals === -1) ? colon : equals
    if (separator === -1) throw new Error(`the engine would print the whole file: ${text}`)
    const key = line.slice(0, separator).replace(/^\s*(?:export\s+)?(.*?)\s*$/, '$1')
    let value = line.slice(separator + 1).replace(/^ +| +$/g, '')
    if (value.length > 1) {
      const isSingle = /^'.*'$/s.test(value)
      const isDouble = /^".*"$/s.test(value)
      if (isSingle || isDouble) value = value.slice(1, -1)
      if (isDouble) {
        value = value.replace(/\\./g, (match) => ({ '\\n': '\n', '\\r': '\r' })[match] ?? match)
        value = value.replace(/\\([^$])/g, '$1')
      }
      if (!isSingle) value = expanded(value, parsed)
    }
    parsed[key] = value
  }
  return parsed
}

/** Parses as v4.0.2 does (parser.go): an unquoted value ends with the line or at a `#` after a space. */
function parseV4(text: string): Variables {
  const parsed: Variables = {}
  for (const line of text.split(/[\r\n]/)) {
    const [, key, rest] = /^\s*([\w.\-/]+)[=:](.*)$/s.exec(line) ?? []
    if (line.trim() === '') continue
    if (key === undefined || rest === undefined || /^\s*['"]/.test(rest))
      throw new Error(`not as written: ${line}`)
    parsed[key] = expanded(rest.replace(/\s#.*$/s, '').trim(), parsed)
  }
  return parsed
}

/** Reads a file as harness/lite-engine does (21311ea: pipeline/runtime/common.go, `fetchExportedVarsFromEnvFile`). */
function outputsIn(file: string): Variables {
  if (!existsSync(file)) return {}
  const text = readFileSync(file, 'utf8')
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThan(65_536)
  const parsed = parseV2(text)
  expect(parseV4(text)).toEqual(parsed)
  return Object.fromEntries(
    Object.entries(parsed).map(([name, value]) => [
      name,
      value.startsWith('__B64__') ? Buffer.from(value.slice(7), 'base64').toString() : value,
    ]),
  )
}

const files = ({ cwd }: Pick<Job, 'cwd'>) => ({
  secret: join(cwd, 'x-output-secrets.env'),
  plain: join(cwd, 'x-output.env'),
})

const subject: HostUnderTest = {
  name: 'harness',
  environment: (cwd) => ({
    CI: 'true',
    DRONE: 'true',
    HARNESS_BUILD_ID: '7',
    DRONE_OUTPUT: files({ cwd }).plain,
    HARNESS_OUTPUT_SECRET_FILE: files({ cwd }).secret,
  }),
  hidden: () => [],
  later: (job) => ({ ...outputsIn(files(job).secret), ...outputsIn(files(job).plain) }),
  carries: (name) => !name.startsWith('GIT_'),
}

describeContract(subject, {
  files: {
    'x-output-secrets.env 600': `
BITBUCKET_ACCESS_TOKEN=canary-T0k3n_0123456789abcdef=
BITBUCKET_AUTHORIZATION=Bearer canary-T0k3n_0123456789abcdef=
`,
    'x-output.env 600': `
BITBUCKET_GIT_USERNAME=x-token-auth
`,
  },
  stderr: `working
Later steps get the variables as <+steps.STEP_ID.output.outputVariables.NAME>; if output secrets are enabled, the secret ones are hidden in their logs. Never print the token in this step. Later steps share the workspace and can load the file. For this shell: . '<clone>/.bitbucket-token/env.sh'
`,
})

/** Values that are almost tokens, to test the limits of the rule. */
const nearlyToken = fc
  .tuple(tokenLikeValue, anyValue, fc.option(tokenLikeValue, { nil: '' }))
  .map((pieces) => pieces.join(''))

test('the engine reads a value unchanged, or does not get it', async () => {
  let carried = 0
  await fc.assert(
    fc.asyncProperty(fc.oneof(anyValue, nearlyToken), async (value) => {
      const job = await startJob(subject)
      const variables = new Map([
        ['BEFORE', new Secret('before')],
        ['NAME', new Secret(value)],
        ['AFTER', new Secret('after')],
      ])
      job.host.handOver(sampleResults({ variables, gitConfig: [] }))
      const { NAME, ...others } = outputsIn(files(job).secret)
      expect(others).toEqual({ BEFORE: 'before', AFTER: 'after' })
      expect([undefined, value]).toContain(NAME)
      if (NAME !== undefined) carried++
    }),
    { numRuns: 600 },
  )
  expect(carried).toBeGreaterThan(0)
})

test('a value in a token format is always passed on, alone and in a header', async () => {
  await fc.assert(
    fc.asyncProperty(tokenLikeValue, async (value) => {
      const job = await startJob(subject)
      const variables = new Map([
        ['TOKEN', new Secret(value)],
        ['HEADER', new Secret(`Bearer ${value}`)],
      ])
      job.host.handOver(sampleResults({ variables, gitConfig: [] }))
      expect(outputsIn(files(job).secret)).toEqual({ TOKEN: value, HEADER: `Bearer ${value}` })
    }),
    { numRuns: 200 },
  )
})

describe('the file for other outputs', () => {
  test('is HARNESS_OUTPUT_FILE if both are set', async () => {
    const environment = (cwd: string) => ({
      ...subject.environment(cwd),
      DRONE_OUTPUT: join(cwd, 'old.env'),
      HARNESS_OUTPUT_FILE: files({ cwd }).plain,
    })
    const job = await startJob({ ...subject, environment })
    runToEnd(job, sampleResults())
    expect(outputsIn(files(job).plain)).toEqual({ BITBUCKET_GIT_USERNAME: 'x-token-auth' })
    expect(existsSync(join(job.cwd, 'old.env'))).toBe(false)
  })

  test('may be missing, and is not created without need', async () => {
    const without = await startJob(subject, { without: ['DRONE_OUTPUT'] })
    expect(runToEnd(without, sampleResults())).toMatch(/^Later steps get the variables/)
    const job = await startJob(subject)
    job.host.handOver(sampleResults({ variables: new Map([['TOKEN', new Secret('x')]]) }))
    expect(outputsIn(files(job).secret)).toEqual({ TOKEN: 'x' })
    expect(existsSync(files(job).plain)).toBe(false)
  })
})

describe('the file for secret outputs', () => {
  test('is reported if this step has none, and the token goes nowhere else', async () => {
    const job = await startJob(subject, { without: ['HARNESS_OUTPUT_SECRET_FILE'] })
    expect(runToEnd(job, sampleResults())).toMatch(/^HARNESS_OUTPUT_SECRET_FILE is not set/)
    expect(subject.later(job)).toEqual({ BITBUCKET_GIT_USERNAME: 'x-token-auth' })
  })

  test('keeps what the step wrote, even a last line without a newline', async () => {
    const job = await startJob(subject)
    writeFileSync(files(job).secret, 'OTHER=1')
    runToEnd(job, sampleResults())
    expect(outputsIn(files(job).secret)).toMatchObject({
      OTHER: '1',
      BITBUCKET_AUTHORIZATION: expect.stringMatching(/^Bearer /),
    })
  })

  test('fails the run if it cannot be written, with an error that shows no value', async () => {
    const job = await startJob(subject)
    mkdirSync(files(job).secret)
    expect(() => runToEnd(job, sampleResults())).toThrow(
      /^(?!.*canary).*output-secrets\.env could not be written: EISDIR/,
    )
  })

  test('never gets a line that is longer than the engine can read', async () => {
    const job = await startJob(subject)
    const variables = new Map(
      [59_999, 60_000].map((length) => [`A${length}`, new Secret('x'.repeat(length))]),
    )
    job.host.handOver(sampleResults({ variables }))
    expect(Object.keys(outputsIn(files(job).secret))).toEqual(['A59999'])
  })
})
