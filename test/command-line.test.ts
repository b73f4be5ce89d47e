import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { commands, parseCommandLine } from '../src/command-line.ts'
import type { TokenError } from '../src/errors.ts'
import { definitionOf, inputNames } from '../src/inputs.ts'
import { failure } from './support/failure.ts'

function read(...args: string[]) {
  const { name, flags, command } = parseCommandLine(args)
  return { name, flags: Object.fromEntries(flags), command }
}

function refusal(...args: string[]): TokenError {
  const error = failure(() => parseCommandLine(args))
  expect(error).toMatchObject({ code: 'input', exitStatus: 2 })
  expect(error.nextStep).toContain('bitbucket-token --help')
  return error
}

describe('a command line', () => {
  test('without a command means acquire', () => {
    expect(read()).toEqual({ name: 'acquire', flags: {}, command: [] })
  })

  test.each(Object.keys(commands))('accepts the command %s', (name) => {
    const operands: Record<string, string[]> = { 'git-credential': ['get'], exec: ['--', 'make'] }
    const operand = operands[name] ?? []
    expect(read(name, ...operand).name).toBe(name)
    expect(read('--timeout', '5', name, ...operand)).toMatchObject({ name, flags: { timeout: '5' } })
  })

  test.each([
    [[], 'git-credential needs an operation.', ''],
    [['gte'], 'Unknown operation gte.', 'Did you mean get? '],
    [['a-secret-in-the-wrong-place'], 'Unknown operation.', ''],
  ])('git-credential %j is an error', (operands, message, suggestion) => {
    const error = refusal('git-credential', ...operands)
    expect([error.message, error.nextStep]).toEqual([
      message,
      `${suggestion}The operations are: get, store, erase. See bitbucket-token --help.`,
    ])
  })

  test.each([
    [['exec'], 'exec needs a command.'],
    [['exec', '--redact'], 'exec needs a command.'],
    [['exec', '--'], 'exec needs a command.'],
    [['exec', '--', ''], 'exec needs a command.'],
    [['exec', 'make'], 'The command of exec must come after --.'],
    [['exec', 'make', '--', 'all'], 'The command of exec must come after --.'],
    [['--', 'make'], 'acquire runs no command after --.'],
    [['print', '--', 'make'], 'print runs no command after --.'],
    [['audit', '--', 'docs'], 'audit runs no command after --.'],
  ])('%j is an error, because the command of exec comes after --', (args, message) => {
    const error = refusal(...args)
    expect([error.message, error.nextStep]).toEqual([
      message,
      'Write bitbucket-token exec -- COMMAND. See bitbucket-token --help.',
    ])
  })

  test('rejects an empty command of the sandbox', () => {
    expect(refusal('sandbox', '--', '').message).toBe('The command of sandbox is empty.')
  })

  test('leaves flags after -- to the command of exec', () => {
    const { command, flags } = read('exec', '--timeout', '5', '--', 'make', '--timeout', '7', '--', 'all')
    expect([command, flags]).toEqual([['make', '--timeout', '7', '--', 'all'], { timeout: '5' }])
  })

  test.each([
    [[], undefined],
    [['--redact'], true],
    [['--no-redact'], false],
  ])('exec %j decides about redaction: %s', (flags, redact) => {
    expect(parseCommandLine(['exec', ...flags, '--', 'make'])).toMatchObject({ redact })
  })

  test('rejects --redact with --no-redact', () => {
    expect(refusal('exec', '--redact', '--no-redact', '--', 'make').message).toBe(
      '--redact contradicts --no-redact.',
    )
  })

  test('accepts a value after a flag and after =', () => {
    expect(read('--timeout', '5', '--url=https://x?a=b', '--scopes=', '--repository', 'a/b').flags).toEqual({
      timeout: '5',
      url: 'https://x?a=b',
      scopes: '',
      repository: 'a/b',
    })
  })

  test('uses the last value if a flag is given twice', () => {
    expect(read('--timeout', '5', '--timeout=7').flags).toEqual({ timeout: '7' })
  })

  test('accepts --help and --version anywhere', () => {
    for (const args of [['help'], ['--help'], ['-h'], ['acquire', '--timeout', '5', '--help']]) {
      expect(read(...args).name).toBe('help')
    }
    for (const args of [['version'], ['--version'], ['sandbox', '--version']]) {
      expect(read(...args).name).toBe('version')
    }
  })

  test('ends at --, and everything after it is a command', () => {
    expect(read('sandbox', '--', 'sh', '-c', 'x', '--', '--help')).toEqual({
      name: 'sandbox',
      flags: {},
      command: ['sh', '-c', 'x', '--', '--help'],
    })
  })
})

describe('reports an error for', () => {
  test('an unknown flag', () => {
    expect(refusal('--time-out', '5').message).toBe('Unknown flag --time-out.')
  })

  test('a flag without a value', () => {
    expect(refusal('--timeout').message).toBe('--timeout needs a value.')
    expect(refusal('--timeout', '--', '5').message).toBe('--timeout needs a value.')
  })

  test('an unknown command, and lists the known ones', () => {
    const { message, nextStep } = refusal('aquire')
    expect(message).toBe('Unknown command aquire.')
    for (const name of Object.keys(commands)) expect(nextStep).toContain(name)
  })

  test.each(['constructor', 'toString', '__proto__'])(
    'the name of a property of every object: %s',
    (word) => {
      refusal(word)
      refusal(`--${word}`)
    },
  )

  test('a second command', () => {
    expect(refusal('acquire', 'sandbox').message).toBe('Too many arguments.')
  })
})

describe('a secret', () => {
  const secrets = inputNames.filter((name) => definitionOf(name).secret)

  test.each(secrets)('has no flag, because a process list shows arguments: --%s', (name) => {
    for (const args of [[`--${name}`], [`--${name}`, 'hunter'], [`--${name}=hunter`]]) {
      const { message, nextStep } = refusal(...args)
      expect(message).toBe(`--${name} is not a flag.`)
      expect(nextStep).toContain(`Set BITBUCKET_${name.toUpperCase().replaceAll('-', '_')} instead`)
      expect(message + nextStep).not.toContain('hunter')
    }
  })

  test.each([
    ['as the command', ['ATCTT3xFfGN0-hunter']],
    ['as a second argument', ['acquire', 'hunter2hunter']],
    ['as a flag', ['--ATATT3x-hunter']],
    ['as a flag with a value', ['--Hunter=hunter']],
    ['after an unknown flag', ['--secret=hunter']],
    ['with one dash', ['-hunter']],
    ['in lower-case letters', ['hunterhunterhunterhunterhunter']],
  ])('in the wrong place is not repeated: %s', (_, args) => {
    const { message, nextStep } = refusal(...args)
    expect(message + nextStep).not.toMatch(/hunter/i)
  })
})

test('any arguments are parsed or are an input error, which repeats only short lower-case words', () => {
  const argument = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('--', '--timeout', '--timeout=1', '-', '-h', '--=', '=', 'acquire', 'sandbox', ''),
    fc.string({ unit: 'grapheme-ascii', minLength: 8 }).map((text) => `--${text}`),
  )
  fc.assert(
    fc.property(fc.array(argument, { maxLength: 6 }), (args) => {
      try {
        expect([...Object.keys(commands), 'help', 'version']).toContain(parseCommandLine(args).name)
      } catch (error) {
        expect(error).toMatchObject({ name: 'TokenError', code: 'input' })
        const { message } = error as TokenError
        for (const text of args.filter((text) => text.length >= 8 && !/^[a-z=-]+$/.test(text))) {
          if (!text.startsWith('--timeout')) expect(message).not.toContain(text)
        }
      }
    }),
    { numRuns: 500 },
  )
})
