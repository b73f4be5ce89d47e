import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { TokenError } from '../../src/errors.ts'
import { bareLine, dotenv, jsonLine, netrc, powershell, writeData } from '../../src/hosts/formats.ts'
import { Secret } from '../../src/secret.ts'
import { fakeWorld } from '../support/fake-world.ts'
import { configurationIn } from '../support/git.ts'
import { anyValue } from './values.ts'

const variables = (values: readonly string[]) =>
  new Map(values.map((value, index) => [`BITBUCKET_TEST_${index}`, new Secret(value)] as const))

const anyValues = fc.array(anyValue, { minLength: 1, maxLength: 20 })

/**
 * A string in single quotes. PowerShell accepts five quote characters (about_Quoting_Rules; language specification,
 * 2.3.5.2).
 */
const quoted = "['‘’‚‛]((?:[^'‘’‚‛]|['‘’‚‛]{2})*)['‘’‚‛]"
const unquoted = (text = '') => text.replace(/['‘’‚‛](['‘’‚‛])/g, '$1')

/** Returns the variables that a script sets, read as PowerShell does. */
function readPowershell(script: string): Map<string, string> {
  const off = 'Set-PSDebug -Trace 0\n'
  expect(script.startsWith(off)).toBe(true)
  const assignments = script.slice(off.length).replace(/^& \{.*\n$/m, '')
  const values = new Map<string, string>()
  let read = 0
  for (const [whole, name = '', value] of assignments.matchAll(
    new RegExp(`\\$env:(\\w+) = ${quoted}\\n`, 'gy'),
  )) {
    read += whole.length
    values.set(name, unquoted(value))
  }
  expect(read).toBe(assignments.length)
  return values
}

/**
 * Returns the environment after the line for git has run, in a PowerShell with or without support for empty variables.
 */
function configuredByPowershell(script: string, env: Record<string, string>, canBeEmpty: boolean) {
  const [, block = '', list = '', parameters] =
    new RegExp(`^& \\{ (.*) \\} @\\((.*)\\) ${quoted}$`, 'm').exec(script) ?? []
  // The code below simulates this text.
  expect(block).toBe(
    'param([string[]]$pairs, [string]$parameters); Set-Item Env:BITBUCKET_EMPTY \'\'; if (Test-Path Env:BITBUCKET_EMPTY) { Remove-Item Env:BITBUCKET_EMPTY; $count = 0; if ($env:GIT_CONFIG_COUNT -match \'^[0-9]{1,6}$\') { $count = [int]$env:GIT_CONFIG_COUNT }; for ($i = 0; $i -lt $pairs.Length; $i += 2) { Set-Item "Env:GIT_CONFIG_KEY_$count" ($pairs[$i]); Set-Item "Env:GIT_CONFIG_VALUE_$count" ($pairs[$i + 1]); $count += 1 }; $env:GIT_CONFIG_COUNT = [string]$count } else { $env:GIT_CONFIG_PARAMETERS = "$env:GIT_CONFIG_PARAMETERS $parameters".Trim() }',
  )
  const pairs = [...list.matchAll(new RegExp(`${quoted}(?:, |$)`, 'gy'))].map(([, text]) => unquoted(text))
  if (!canBeEmpty) {
    const { GIT_CONFIG_PARAMETERS: before = '' } = env
    return { ...env, GIT_CONFIG_PARAMETERS: `${before} ${unquoted(parameters)}`.trim() }
  }
  const configured = { ...env }
  let count = Number(env['GIT_CONFIG_COUNT'] ?? 0)
  for (let index = 0; index < pairs.length; index += 2, count++) {
    configured[`GIT_CONFIG_KEY_${count}`] = pairs[index] ?? ''
    configured[`GIT_CONFIG_VALUE_${count}`] = pairs[index + 1] ?? ''
  }
  return { ...configured, GIT_CONFIG_COUNT: String(count) }
}

describe('powershell', () => {
  test('reads each value unchanged', () => {
    fc.assert(
      fc.property(anyValues, (values) => {
        expect([...readPowershell(powershell(variables(values), []).reveal()).values()]).toEqual(values)
      }),
    )
  })

  test('contains nothing for git if there are no entries', () => {
    expect(powershell(new Map([['A', '1']]), []).reveal()).toBe("Set-PSDebug -Trace 0\n$env:A = '1'\n")
  })

  test.each([true, false])(
    'adds to the git configuration (variables can be empty: %s)',
    { tags: ['git'] },
    (canBeEmpty) => {
      const helper = `!f() { printf '%s\\n' "it's ‘quoted’ $HOME"; }; f`
      const entries = [
        ['credential.https://bitbucket.org.helper', ''],
        ['credential.https://bitbucket.org.helper', helper],
        ['lfs.https://bitbucket.org.access', 'basic'],
      ] as const
      const before = {
        GIT_CONFIG_COUNT: '1',
        GIT_CONFIG_KEY_0: 'their.key',
        GIT_CONFIG_VALUE_0: 'theirs',
        GIT_CONFIG_PARAMETERS: "'their.other=too'",
      }
      const script = powershell(new Map(), entries).reveal()
      const read = configurationIn(configuredByPowershell(script, before, canBeEmpty))
      expect(read.filter(([key]) => !key.startsWith('their.'))).toEqual(entries)
      expect(read).toEqual(
        expect.arrayContaining([
          ['their.key', 'theirs'],
          ['their.other', 'too'],
        ]),
      )
    },
  )
})

/** Reads a value as everything after the first `=` (docker/cli: opts/file.go). */
const readByDocker = (text: string) =>
  text
    .split('\n')
    .filter((line) => line.trimStart() !== '' && !line.trimStart().startsWith('#'))
    .map((line) => line.slice(line.indexOf('=') + 1))

/**
 * Reads a value by the rules of the package dotenv (README, "Rules"): trimmed, without comments after `#` and matching
 * quotes; `\n` in double quotes is a newline.
 */
const readByDotenv = (text: string) =>
  text.split(/\r?\n/).flatMap((line) => {
    const [, value] = /^\s*(?:export\s+)?[\w.-]+\s*=\s*('[^']*'|"[^"]*"|`[^`]*`|[^#\r\n]*)/.exec(line) ?? []
    if (value === undefined) return []
    const [, quote, inner] = /^(['"`])(.*)\1$/.exec(value.trim()) ?? []
    return [quote === '"' ? (inner ?? '').replaceAll('\\n', '\n') : (inner ?? value.trim())]
  })

describe('dotenv', () => {
  // The characters of a bearer token (RFC 6750, 2.1).
  const token = fc.string({ unit: fc.constantFrom(...'azAZ09-._~+/='), minLength: 1, maxLength: 60 })

  test('docker, dotenv libraries and shells read the same value, or it is refused', { tags: ['sh'] }, () => {
    fc.assert(
      fc.property(fc.oneof(token, anyValue), (value) => {
        let text: string
        try {
          text = dotenv(new Map([['A', new Secret(value)]])).reveal()
        } catch (error) {
          expect(error).toMatchObject({ code: 'input', message: expect.stringContaining('dotenv') })
          if (value.length > 2) expect((error as TokenError).message).not.toContain(value)
          return
        }
        const { stdout } = spawnSync('sh', ['-c', 'set -a; eval "$DATA"; printf %s "$A"'], {
          env: { PATH: process.env['PATH'], DATA: text, HOME: '/somewhere' },
          encoding: 'utf8',
        })
        expect([readByDocker(text), readByDotenv(text), [stdout]]).toEqual([[value], [value], [value]])
      }),
      { numRuns: 150 },
    )
  })

  test('can hold what Bitbucket issues', () => {
    const values = [
      'ATCTT3xFfGN0_a-b.c=0A1B2C3D',
      'a+b/c==',
      'eyJhbGciOi.J9.x~y',
      '2026-11-21T10:45:00Z',
      'x-token-auth',
      '',
    ]
    const text = dotenv(variables(values)).reveal()
    expect(readByDocker(text)).toEqual(values)
    expect(text).toMatch(/^(?:BITBUCKET_TEST_\d=.*\n)*$/)
  })
})

describe('netrc', () => {
  test('has one machine per line, without quotes', () => {
    const entries = [
      { machine: 'bitbucket.org', login: 'x-token-auth', password: new Secret("a'b$c`d#e%") },
      { machine: 'api.bitbucket.org', login: 'ada@example.com', password: new Secret('x') },
    ]
    expect(netrc(entries).reveal()).toBe(
      "machine bitbucket.org login x-token-auth password a'b$c`d#e%\nmachine api.bitbucket.org login ada@example.com password x\n",
    )
  })

  test.each(['a b', 'a"b', 'a\\b', '#a', 'a\nmachine evil', 'ü', ''])(
    'refuses a value that needs quotes: %j',
    (password) => {
      const entry = { machine: 'bitbucket.org', login: 'x', password: new Secret(password) }
      expect(() => netrc([entry])).toThrow(
        expect.objectContaining({
          code: 'input',
          message: 'password contains a character that some readers of netrc would change.',
          nextStep: 'Use --format json or --format sh.',
        }),
      )
    },
  )
})

test('json contains each value unchanged, and leaves out undefined values', () => {
  fc.assert(
    fc.property(anyValue, fc.array(fc.string()), fc.nat(), (value, list, number) => {
      const line = jsonLine({ value: new Secret(value), list, number, unknown: undefined }).reveal()
      expect(line.indexOf('\n')).toBe(line.length - 1)
      expect(JSON.parse(line)).toEqual({ value, list, number })
    }),
  )
})

test('a bare line is the secret and a newline', () => {
  expect(bareLine(new Secret('hunter')).reveal()).toBe('hunter\n')
})

test('writes only the data to stdout', () => {
  const world = fakeWorld()
  writeData(world, new Secret('hunter\n'))
  expect(world.written).toEqual([{ to: 'stdout', text: 'hunter\n' }])
})
