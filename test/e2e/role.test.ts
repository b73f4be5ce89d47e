import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { inputVariables } from '../support/action-inputs.ts'
import { newJob, parseCommandFile, runAction, runPost } from './support/action.ts'
import { asVariables, inputsFor, startBitbucket, test } from './support/bitbucket.ts'
import { run } from './support/run.ts'

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

/** Runs the program with these arguments as a child of another action, which has its own state. */
async function asChild(args: readonly string[], env: Readonly<Record<string, string>>) {
  const bitbucket = await startBitbucket()
  const job = newJob()
  const files = ['GITHUB_ENV', 'GITHUB_OUTPUT', 'GITHUB_STATE', 'GITHUB_STEP_SUMMARY']
  for (const name of files)
    writeFileSync(join(job.tree, name), name === 'GITHUB_STATE' ? 'their=state\n' : '')
  const finished = await run({
    bitbucket,
    tree: job.tree,
    cwd: job.workspace,
    places: {},
    args,
    env: {
      CI: 'true',
      GITHUB_ACTIONS: 'true',
      RUNNER_TEMP: job.temp,
      TMPDIR: job.temp,
      ...Object.fromEntries(files.map((name) => [name, join(job.tree, name)])),
      BITBUCKET_URL: bitbucket.url,
      BITBUCKET_API_URL: bitbucket.apiUrl,
      ...asVariables(inputsFor.consumer(bitbucket)),
      ...env,
    },
    ...(args[0] === 'print' && { showsSecret: true }),
  })
  const read = (name: string) => readFileSync(join(job.tree, name), 'utf8')
  // The state of the other action must never change.
  expect(read('GITHUB_STATE')).toBe('their=state\n')
  return { ...finished, exported: parseCommandFile(read('GITHUB_ENV')) }
}

describe.each([
  ['another action', otherAction],
  ['another action on Gitea', { ...otherAction, GITEA_ACTIONS: 'true' }],
  ['a docker:// step', dockerStep],
])('a child of %s', (_, env) => {
  test('without arguments is the command line, and exports as on GitHub', async () => {
    const { status, stdout, exported } = await asChild([], env)
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^::add-mask::/)])
    expect(Object.keys(exported)).toContain('BITBUCKET_ACCESS_TOKEN')
  })

  test('obeys its arguments', async () => {
    const printed = await asChild(['print'], env)
    expect([printed.status, printed.stdout, printed.exported]).toEqual([
      0,
      expect.stringMatching(/^\S+\n$/),
      {},
    ])
    const version = await asChild(['--version'], env)
    expect([version.status, version.stdout]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)])
    const cleaned = await asChild(['cleanup'], env)
    expect([cleaned.status, cleaned.stdout]).toEqual([
      0,
      expect.stringContaining('There was nothing to remove.'),
    ])
  })
})

test('a child of this action is the command line if it has arguments', async () => {
  const env = { ...inputVariables({}), STATE_bitbucket_token_main: 'started' }
  const { status, stdout } = await asChild(['print'], env)
  expect([status, stdout]).toEqual([0, expect.stringMatching(/^\S+\n$/)])
})

test('the state of another action does not turn main into post', async ({ bitbucket }) => {
  const main = await runAction({ bitbucket, env: { STATE_isPost: 'true', STATE_directory: '/nonexistent' } })
  expect([main.status, Object.keys(main.outputs)]).toEqual([0, expect.arrayContaining(['access-token'])])
})

test('post says what it did, even if there was nothing to do', async ({ bitbucket }) => {
  const main = await runAction({ bitbucket })
  const first = await runPost(main)
  const again = await runPost(main)
  expect([first.stdout, again.stdout]).toEqual([
    "The git-credentials file was removed.\ngit's configuration was removed.\n",
    'There is nothing to remove: the git-credentials file is already gone.\n',
  ])
  const without = {
    ...inputsFor.consumer(bitbucket),
    'git-credentials': 'false',
    'configure-git': 'false',
  }
  const none = await runPost(await runAction({ bitbucket, inputs: without }))
  expect(none.stdout).toBe('There is nothing to remove: this step wrote no git-credentials file.\n')
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
