import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { inputVariables } from '../support/action-inputs.ts'
import { newJob, runAction, runRunStep } from './support/action.ts'
import { inputsFor, startBitbucket, test, variablesFor } from './support/bitbucket.ts'

// A child of an action inherits its `INPUT_*`, its state and GITHUB_STATE (actions/toolkit#309).

/** The variables that a child of another action inherits. Some inputs have the same names as ours. */
const otherAction = {
  INPUT_VERSION: '1',
  INPUT_URL: 'https://other.example',
  INPUT_DEBUG: 'true',
  INPUT_TIMEOUT: '0',
  'INPUT_CLIENT-SECRET': 'of-another-action',
  STATE_isPost: 'true',
  STATE_directory: '/nonexistent',
}
const dockerStep = { INPUT_ARGS: 'print', INPUT_ENTRYPOINT: '' }

/** Runs the program with these arguments as a child of another action, whose state must never change. */
async function asChild(args: readonly string[], env: Readonly<Record<string, string>>) {
  const bitbucket = await startBitbucket()
  const job = newJob()
  const variables = { TMPDIR: job.temp, ...variablesFor(bitbucket), ...env }
  const isPrint = args[0] === 'print'
  const run = await runRunStep({
    bitbucket,
    job,
    args,
    env: variables,
    ...(isPrint && { showsSecret: true }),
  })
  expect(run.state).toEqual({})
  return run
}

describe.each([
  ['another action', otherAction],
  ['another action on Gitea', { ...otherAction, GITEA_ACTIONS: 'true' }],
  ['a docker:// step', dockerStep],
])('a child of %s', (_, env) => {
  test('without arguments is the command line, and exports as on GitHub', async () => {
    const { status, stdout, env: exported } = await asChild([], env)
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^::add-mask::/)])
    expect(Object.keys(exported)).toContain('BITBUCKET_ACCESS_TOKEN')
  })

  test('obeys its arguments', async () => {
    const printed = await asChild(['print'], env)
    expect([printed.status, printed.stdout, printed.env]).toEqual([0, expect.stringMatching(/^\S+\n$/), {}])
    const version = await asChild(['--version'], env)
    expect([version.status, version.stdout]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)])
    const cleaned = await asChild(['cleanup'], env)
    // In /tmp there may be counts of refused tokens, which another process on this machine has left.
    const said = /There was nothing to remove\.|^Removed \/tmp\/bitbucket-token-refused-/m
    expect([cleaned.status, cleaned.stdout]).toEqual([0, expect.stringMatching(said)])
  })
})

test('a child of this action is the command line if it has arguments', async () => {
  const env = { ...inputVariables({}), STATE_bitbucket_token_main: 'started' }
  const { status, stdout } = await asChild(['print'], env)
  expect([status, stdout]).toEqual([0, expect.stringMatching(/^\S+\n$/)])
})

test('a program that this action starts inherits no INPUT_ variables', async ({ bitbucket }) => {
  const job = newJob()
  const seen = join(job.tree, 'seen')
  mkdirSync(seen)
  const command = `cat >/dev/null; env | grep -c '^INPUT_' >${seen}/count; true`
  const main = await runAction({
    bitbucket,
    job,
    inputs: { ...inputsFor.refreshToken(bitbucket), 'save-refresh-token': `command:${command}` },
  })
  expect([main.status, readdirSync(seen)]).toEqual([0, ['count']])
  expect(readFileSync(join(seen, 'count'), 'utf8')).toBe('0\n')
})
