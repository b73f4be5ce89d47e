import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { verbs } from '../../src/command-line.ts'
import { inputNames, variableOf } from '../../src/inputs.ts'
import { inputsFor, startBitbucket } from './support/bitbucket.ts'
import { runShell } from './support/shell.ts'
import { requestsOf } from './support/transcript.ts'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

test.each([['--help'], ['-h'], ['help']])('%s', async (argument) => {
  const bitbucket = await startBitbucket()
  const { stdout, stderr, status } = await runShell({ bitbucket, args: [argument] })
  expect([stderr, status]).toEqual(['', 0])
  expect(stdout).toMatch(/^Usage: bitbucket-token /)
  for (const name of inputNames) expect(stdout).toContain(`  ${variableOf(name)} `)
})

test.each([['--version'], ['version']])('%s', async (argument) => {
  const bitbucket = await startBitbucket()
  const { stdout, stderr, status } = await runShell({ bitbucket, args: [argument] })
  expect([stdout, stderr, status]).toEqual([`${version}\n`, '', 0])
})

test('flags win over variables', async () => {
  const bitbucket = await startBitbucket()
  const acquired = await runShell({
    bitbucket,
    inputs: { ...inputsFor.consumer(bitbucket), repository: 'sandbox/no-such' },
    args: ['acquire', '--repository', bitbucket.repository, '--output-dir=elsewhere', '--summary', 'false'],
  })
  expect(acquired.stderr).toContain("/elsewhere/env.sh'")
  expect(requestsOf(acquired).at(-1)).toBe('GET /2.0/repositories/sandbox/hello -> 200')
  expect(acquired.status).toBe(0)
})

// What stands there in the wrong place may be a secret.
const value = 'ATCTT3xFfGN0-somebody-typed-this-secret'

test.each([
  [
    'a wrong verb',
    ['aquire'],
    `There is no verb aquire.\nDid you mean acquire? The verbs are: ${Object.keys(verbs).join(', ')}.`,
  ],
  [
    'a value as a verb',
    [value],
    `There is no verb of that name.\nThe verbs are: ${Object.keys(verbs).join(', ')}.`,
  ],
  ['a wrong flag', ['--repo', 'a/b'], 'There is no flag --repo.\nDid you mean --repository?'],
  ['a value as a flag', [`--${value}`], 'There is no flag of that name.\nCheck its name.'],
  ['a flag without a value', ['--repository'], '--repository has no value.\nWrite --repository VALUE.'],
  [
    'two verbs',
    ['acquire', value],
    'There is one argument too many.\nGive one verb, then flags: --flag value.',
  ],
  [
    'a secret as a flag',
    ['--client-secret', value],
    '--client-secret is not a flag.\nSet BITBUCKET_CLIENT_SECRET: a process list shows arguments to everybody on the machine.',
  ],
  [
    'a secret as a flag, in one word',
    [`--access-token=${value}`],
    '--access-token is not a flag.\nSet BITBUCKET_ACCESS_TOKEN: a process list shows arguments to everybody on the machine.',
  ],
])('%s', async (_, args, says) => {
  const bitbucket = await startBitbucket()
  const failed = await runShell({ bitbucket, inputs: inputsFor.consumer(bitbucket), args })
  expect(failed.stderr).toBe(`error: ${says} See bitbucket-token --help.\n`)
  expect(failed.stdout).toBe('')
  expect(requestsOf(failed)).toEqual([])
  expect(failed.status).toBe(2)
})

test('sandbox -- runs a command against it and passes its exit status on', { tags: ['curl'] }, async () => {
  const bitbucket = await startBitbucket()
  const script =
    'curl --fail --silent --user "$BITBUCKET_CLIENT_ID:$BITBUCKET_CLIENT_SECRET" --data grant_type=client_credentials "$BITBUCKET_URL/site/oauth2/access_token" --output answer; exit 7'
  const played = await runShell({ bitbucket, args: ['sandbox', '--', 'sh', '-c', script] })
  expect([played.stdout, played.stderr, played.status]).toEqual(['', '', 7])
  expect(JSON.parse(readFileSync(`${played.cwd}/answer`, 'utf8'))).toMatchObject({ token_type: 'bearer' })
})

test('sandbox -- with a command that a signal ends, and one that does not exist', async () => {
  const bitbucket = await startBitbucket()
  const killed = await runShell({ bitbucket, args: ['sandbox', '--', 'sh', '-c', 'kill -9 $$'] })
  expect(killed.status).toBe(137)
  const missing = await runShell({ bitbucket, args: ['sandbox', '--', 'no-such-program'] })
  expect(missing.stderr).toMatch(/^error: Could not start no-such-program: .*ENOENT\n$/)
  expect(missing.status).toBe(127)
})
