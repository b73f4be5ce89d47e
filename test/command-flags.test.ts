import { describe, expect, test } from 'vitest'
import {
  type CommandName,
  commandFlagNames,
  commandNames,
  parseCommandLine,
  printFormats,
} from '../src/command-line.ts'
import { helpText } from '../src/commands/help.ts'
import { inputNames } from '../src/inputs.ts'
import { failure } from './support/failure.ts'

function refusal(...args: string[]): string {
  const { message, nextStep } = failure(() => parseCommandLine(args))
  return `${message} ${nextStep}`
}

/** Returns the help as a pipe would get it, or as a terminal of this width. */
const helpOf = (about?: CommandName, columns?: number) =>
  helpText(about, { env: {}, isTerminal: () => false, terminalWidth: () => columns })

describe('flags that are not inputs', () => {
  test('have other names than the inputs', () => {
    expect(commandFlagNames.filter((name) => (inputNames as string[]).includes(name))).toEqual([])
  })

  test('work before and after their command', () => {
    expect(parseCommandLine(['print'])).toMatchObject({ name: 'print', format: 'token' })
    for (const format of printFormats) {
      expect(parseCommandLine(['print', '--format', format])).toMatchObject({ format })
      expect(parseCommandLine([`--format=${format}`, 'print'])).toMatchObject({ format })
    }
    expect(parseCommandLine(['check'])).toMatchObject({ name: 'check', format: 'text' })
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
    expect(parseCommandLine([])).toMatchObject({ name: 'acquire', dryRun: false })
    expect(parseCommandLine(['--dry-run', '--timeout', '5'])).toMatchObject({ name: 'acquire', dryRun: true })
    expect(parseCommandLine(['cleanup'])).toMatchObject({ name: 'cleanup', all: false })
    expect(parseCommandLine(['cleanup', '--all'])).toMatchObject({ all: true })
  })

  test('are an error with another command', () => {
    expect(refusal('cleanup', '--dry-run')).toContain(
      '--dry-run does not work with cleanup. It works with: acquire.',
    )
    expect(refusal('--format', 'json')).toContain(
      '--format does not work with acquire. It works with: print, check, audit.',
    )
  })

  test('need a value unless they are switches', () => {
    expect(refusal('--dry-run=false')).toContain('--dry-run takes no value.')
    expect(refusal('print', '--format')).toContain('--format needs a value.')
    expect(refusal('print', '--format', 'jsno')).toContain('Unknown format jsno. Did you mean json?')
    expect(refusal('check', '--format', 'netrc')).toContain('The formats are: text, json.')
    expect(refusal('print', '--format', 'ATCTT3xFfGN0')).not.toContain('ATCTT')
  })
})

describe('an unknown name', () => {
  test.each([
    ['aquire', 'acquire'],
    ['pirnt', 'print'],
    ['chek', 'check'],
    ['clean-up', 'cleanup'],
    ['hlep', 'help'],
    ['git-credentials', 'git-credential'],
    ['Check', 'check'],
  ])('of a command gets a suggestion: %s', (word, meant) => {
    expect(refusal(word)).toContain(`Did you mean ${meant}?`)
  })

  test.each([
    ['--time-out', '--timeout'],
    ['--formt', '--format'],
    ['--dryrun', '--dry-run'],
    ['--scope', '--scopes'],
    ['--client_id', '--client-id'],
    ['-help', '--help'],
  ])('of a flag gets a suggestion: %s', (word, meant) => {
    expect(refusal(word, 'x')).toMatch(`Did you mean ${meant}?`)
  })

  test('gets no suggestion if no known name is close', () => {
    for (const word of ['deploy', 'x', '', 'repository']) expect(refusal(word)).not.toContain('Did you mean')
  })

  test('close to a secret input gets the variable as suggestion, never a flag', () => {
    expect(refusal('--client-secert', 'x')).toContain('Set BITBUCKET_CLIENT_SECRET instead')
    expect(refusal('--api_token=x')).toContain('Set BITBUCKET_API_TOKEN instead')
  })

  test('costs no time, even if it is very long', () => {
    expect(refusal('x'.repeat(100_000))).toContain('Unknown command.')
  })
})

describe('help', () => {
  test.each(commandNames)('about %s is the same for each way to ask', (name) => {
    for (const args of [
      ['help', name],
      [name, '--help'],
      [name, '-h'],
      ['help', name, '--help'],
    ]) {
      expect(parseCommandLine(args)).toMatchObject({ name: 'help', about: name })
    }
    const text = helpOf(name)
    expect(text).toMatch(/^Usage: bitbucket-token \[?[a-z]/)
    expect(text).toContain('\nExamples:\n')
    expect(text).not.toContain('\u001b')
    expect(text).not.toMatch(/undefined|\[object|,,/)
  })

  test('without a command is about all commands', () => {
    expect(parseCommandLine(['help'])).toMatchObject({ about: undefined })
    expect(parseCommandLine(['--help'])).toMatchObject({ about: undefined })
    expect(refusal('help', 'chekc')).toContain('Did you mean check?')
  })

  test('lists every flag', () => {
    for (const name of commandFlagNames) expect(helpOf()).toContain(`  --${name} `)
  })

  test.each([undefined, ...commandNames])('about %s fits 80 columns', (name) => {
    const long = helpOf(name)
      .split('\n')
      .filter((line) => line.length > 80)
    expect(long).toEqual([])
  })

  test('fits the terminal, and uses at most 100 columns', () => {
    const widest = (columns: number) =>
      Math.max(
        ...helpOf('check', columns)
          .split('\n')
          .filter((line) => !line.startsWith('  bitbucket-token'))
          .map((line) => line.length),
      )
    expect(widest(60)).toBeLessThanOrEqual(60)
    expect(widest(100)).toBeGreaterThan(80)
    expect(widest(300)).toBe(widest(100))
  })

  test('about one command lists the inputs that matter first, then the others, then none that it ignores', () => {
    const [before, others] = helpOf('print').split('\nOther inputs:\n')
    expect(before).toContain('\nInputs:\n')
    expect(before).toContain('  BITBUCKET_CLIENT_ID ')
    expect(others).toContain('  BITBUCKET_TIMEOUT ')
    expect(others).not.toContain('  BITBUCKET_CLIENT_ID ')
    expect(helpOf('print')).not.toContain('  BITBUCKET_OUTPUT_DIR ')
    expect(helpOf('audit')).not.toContain('BITBUCKET_')
  })

  test('names the exit statuses that the command has', () => {
    expect(helpOf('audit')).toContain('\n  6  the audit itself failed')
    expect(helpOf('audit')).not.toContain('Bitbucket refused the credential')
    expect(helpOf('print')).toContain('\n  3  Bitbucket refused the credential')
  })
})
