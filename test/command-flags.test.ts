import { describe, expect, test } from 'vitest'
import { commandFlagNames, parseCommandLine, printFormats, verbNames } from '../src/command-line.ts'
import { helpText } from '../src/commands/help.ts'
import { inputNames } from '../src/inputs.ts'

function failure(...args: string[]): string {
  try {
    parseCommandLine(args)
  } catch (error) {
    const { message, nextStep } = error as { message: string; nextStep: string }
    return `${message} ${nextStep}`
  }
  throw new Error('it was read')
}

describe('flags that are no inputs', () => {
  test('have names of their own', () => {
    expect(commandFlagNames.filter((name) => (inputNames as string[]).includes(name))).toEqual([])
  })

  test('are read for the verb that has them, before it or behind it', () => {
    expect(parseCommandLine(['print'])).toMatchObject({ verb: 'print', format: 'token' })
    for (const format of printFormats) {
      expect(parseCommandLine(['print', '--format', format])).toMatchObject({ format })
      expect(parseCommandLine([`--format=${format}`, 'print'])).toMatchObject({ format })
    }
    expect(parseCommandLine(['check'])).toMatchObject({ verb: 'check', format: 'text' })
    expect(parseCommandLine(['check', '--format', 'json'])).toMatchObject({ format: 'json' })
    expect(parseCommandLine(['audit', 'src'])).toMatchObject({
      format: 'text',
      history: false,
      operand: 'src',
    })
    expect(parseCommandLine(['audit', '--history', '--format=sarif'])).toMatchObject({
      format: 'sarif',
      history: true,
    })
    expect(parseCommandLine([])).toMatchObject({ verb: 'acquire', dryRun: false })
    expect(parseCommandLine(['--dry-run', '--timeout', '5'])).toMatchObject({ verb: 'acquire', dryRun: true })
    expect(parseCommandLine(['cleanup'])).toMatchObject({ verb: 'cleanup', all: false })
    expect(parseCommandLine(['cleanup', '--all'])).toMatchObject({ all: true })
  })

  test('are refused for another verb, rather than ignored', () => {
    expect(failure('cleanup', '--dry-run')).toContain(
      '--dry-run is no flag of cleanup. It belongs to: acquire.',
    )
    expect(failure('--format', 'json')).toContain(
      '--format is no flag of acquire. It belongs to: print, check, audit.',
    )
  })

  test('take a value or none, as they are made', () => {
    expect(failure('--dry-run=false')).toContain('--dry-run takes no value.')
    expect(failure('print', '--format')).toContain('--format has no value.')
    expect(failure('print', '--format', 'jsno')).toContain('There is no format jsno. Did you mean json?')
    expect(failure('check', '--format', 'netrc')).toContain('The formats are: text, json.')
    expect(failure('print', '--format', 'ATCTT3xFfGN0')).not.toContain('ATCTT')
  })
})

describe('a wrong name', () => {
  test.each([
    ['aquire', 'acquire'],
    ['pirnt', 'print'],
    ['chek', 'check'],
    ['clean-up', 'cleanup'],
    ['hlep', 'help'],
    ['git-credentials', 'git-credential'],
    ['Check', 'check'],
  ])('of a verb, %s, is met with the right one', (word, meant) => {
    expect(failure(word)).toContain(`Did you mean ${meant}?`)
  })

  test.each([
    ['--time-out', '--timeout'],
    ['--formt', '--format'],
    ['--dryrun', '--dry-run'],
    ['--scope', '--scopes'],
    ['--client_id', '--client-id'],
    ['-help', '--help'],
  ])('of a flag, %s, is met with the right one', (word, meant) => {
    expect(failure(word, 'x')).toMatch(`Did you mean ${meant}?`)
  })

  test('that is far from all is met with no guess', () => {
    for (const word of ['deploy', 'x', '', 'repository']) expect(failure(word)).not.toContain('Did you mean')
  })

  test('near a secret is met with its variable, never with a flag', () => {
    expect(failure('--client-secert', 'x')).toContain('Set BITBUCKET_CLIENT_SECRET:')
    expect(failure('--api_token=x')).toContain('Set BITBUCKET_API_TOKEN:')
  })

  test('in no time, however long', () => {
    expect(failure('x'.repeat(100_000))).toContain('There is no verb of that name.')
  })
})

describe('help', () => {
  test.each(verbNames)('about %s, asked for in each way', (verb) => {
    for (const args of [
      ['help', verb],
      [verb, '--help'],
      [verb, '-h'],
      ['help', verb, '--help'],
    ]) {
      expect(parseCommandLine(args)).toMatchObject({ verb: 'help', about: verb })
    }
    const text = helpText(verb, { env: {}, isTerminal: () => false })
    expect(text).toMatch(/^Usage: bitbucket-token \[?[a-z]/)
    expect(text).toContain('\nExamples:\n')
    expect(text).not.toContain('\u001b')
    expect(text).not.toMatch(/undefined|\[object|,,/)
  })

  test('about nothing in particular', () => {
    expect(parseCommandLine(['help'])).toMatchObject({ about: undefined })
    expect(parseCommandLine(['--help'])).toMatchObject({ about: undefined })
    expect(failure('help', 'chekc')).toContain('Did you mean check?')
  })

  test('has every flag', () => {
    const text = helpText(undefined, { env: {}, isTerminal: () => false })
    for (const name of commandFlagNames) expect(text).toContain(`  --${name} `)
  })
})
