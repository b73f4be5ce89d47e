import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import { commands } from '../../src/command-line.ts'
import { inputNames, variableOf } from '../../src/inputs.ts'
import { inputsFor, startBitbucket, test } from './support/bitbucket.ts'
import { runShell } from './support/shell.ts'
import { requestsOf } from './support/transcript.ts'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

test.each([['--help'], ['-h'], ['help']])('%s lists every input', async (argument) => {
  const bitbucket = await startBitbucket()
  const { stdout, stderr, status } = await runShell({ bitbucket, args: [argument] })
  expect([stderr, status]).toEqual(['', 0])
  expect(stdout).toMatch(/^Usage: bitbucket-token /)
  for (const name of inputNames) expect(stdout).toContain(`  ${variableOf(name)} `)
})

test.each([['--version'], ['version']])('%s prints the version', async (argument) => {
  const bitbucket = await startBitbucket()
  const { stdout, stderr, status } = await runShell({ bitbucket, args: [argument] })
  expect([stdout, stderr, status]).toEqual([`${version}\n`, '', 0])
})

test('flags override variables', async ({ bitbucket }) => {
  const acquired = await runShell({
    bitbucket,
    inputs: { ...inputsFor.consumer(bitbucket), repository: 'sandbox/no-such' },
    args: ['acquire', '--repository', bitbucket.repository, '--output-dir=elsewhere', '--summary', 'false'],
  })
  expect(acquired.stderr).toContain("/elsewhere/env.sh'")
  expect(requestsOf(acquired).at(-1)).toBe('GET /2.0/repositories/sandbox/hello -> 200')
  expect(acquired.status).toBe(0)
})

// A value in the wrong place may be a secret, so messages must not repeat it.
const value = 'ATCTT3xFfGN0-somebody-typed-this-secret'

test.each([
  [
    'a misspelled command',
    ['aquire'],
    `Unknown command aquire.\nDid you mean acquire? The commands are: ${Object.keys(commands).join(', ')}.`,
  ],
  [
    'a value in place of a command',
    [value],
    `Unknown command.\nThe commands are: ${Object.keys(commands).join(', ')}.`,
  ],
  ['an unknown flag', ['--repo', 'a/b'], 'Unknown flag --repo.\nDid you mean --repository?'],
  ['a value in place of a flag', [`--${value}`], 'Unknown flag.\nCheck its spelling.'],
  ['a flag without a value', ['--repository'], '--repository needs a value.\nWrite --repository VALUE.'],
  [
    'a second command',
    ['acquire', value],
    'Too many arguments.\nGive one command, then flags: --flag value.',
  ],
  [
    'a secret as a flag',
    ['--client-secret', value],
    '--client-secret is not a flag.\nSet BITBUCKET_CLIENT_SECRET instead, because every user of the machine can read the arguments of a process.',
  ],
  [
    'a secret as a flag with =',
    [`--access-token=${value}`],
    '--access-token is not a flag.\nSet BITBUCKET_ACCESS_TOKEN instead, because every user of the machine can read the arguments of a process.',
  ],
])('exits 2 for %s', async (_, args, says) => {
  const bitbucket = await startBitbucket()
  const failed = await runShell({ bitbucket, inputs: inputsFor.consumer(bitbucket), args })
  expect(failed.stderr).toBe(`error: ${says} See bitbucket-token --help.\n`)
  expect(failed.stdout).toBe('')
  expect(requestsOf(failed)).toEqual([])
  expect(failed.status).toBe(2)
})

test('sandbox -- runs a command and exits with its status', { tags: ['curl'] }, async ({ bitbucket }) => {
  const script =
    'curl --fail --silent --user "$BITBUCKET_CLIENT_ID:$BITBUCKET_CLIENT_SECRET" --data grant_type=client_credentials "$BITBUCKET_URL/site/oauth2/access_token" --output answer; exit 7'
  const played = await runShell({ bitbucket, args: ['sandbox', '--', 'sh', '-c', script] })
  expect([played.stdout, played.stderr, played.status]).toEqual(['', '', 7])
  expect(JSON.parse(readFileSync(`${played.cwd}/answer`, 'utf8'))).toMatchObject({ token_type: 'bearer' })
})

test('sandbox -- exits 137 if the command is killed, 127 if it does not exist, and 126 if it is not a program', async ({
  bitbucket,
}) => {
  const killed = await runShell({ bitbucket, args: ['sandbox', '--', 'sh', '-c', 'kill -9 $$'] })
  expect(killed.status).toBe(137)
  const missing = await runShell({ bitbucket, args: ['sandbox', '--', 'no-such-program'] })
  expect(missing.stderr).toMatch(/^error: Could not start no-such-program: .*ENOENT\n$/)
  expect(missing.status).toBe(127)
  const directory = await runShell({ bitbucket, args: ['sandbox', '--', '/'] })
  expect(directory.status).toBe(126)
})
