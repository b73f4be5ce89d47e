/** @module-tag git */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import {
  type ActionRun,
  assertNothingLeft,
  type Job,
  newJob,
  runAction,
  runPost,
  runRunStep,
} from './support/action.ts'
import { type Bitbucket, inputsFor, startBitbucket, test, variablesFor } from './support/bitbucket.ts'
import { git } from './support/shell.ts'

type Variables = Readonly<Record<string, string>>

/** Runs a step as one of several parallel steps: it does not see the variables that the others export. */
async function runParallel(
  job: Job,
  run: (job: Job) => Promise<ActionRun>,
  env: Variables = {},
): Promise<ActionRun> {
  const own = { ...job, env: { ...job.env, ...env } }
  const ended = await run(own)
  job.steps = own.steps
  return ended
}

/**
 * Merges the variables of parallel steps as the runner does: the last written value of each name wins (actions/runner,
 * "FlushDeferredEnvironment").
 */
const merged = (...exported: readonly Variables[]): Variables => Object.assign({}, ...exported)

const orders = <T>(items: readonly T[]): T[][] =>
  items.length === 0
    ? [[]]
    : items.flatMap((item, index) => orders(items.toSpliced(index, 1)).map((rest) => [item, ...rest]))

const listing = (bitbucket: Bitbucket, job: Job, env: Variables) =>
  git(job.workspace, env, 'ls-remote', `${bitbucket.url}/sandbox/hello.git`)

const otherProgram = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'user.name', GIT_CONFIG_VALUE_0: 'Somebody' }

describe('parallel steps of a GitHub job', () => {
  test.each([
    ['without a configuration before', {}],
    ['after another program', otherProgram],
  ])('git works for each Bitbucket in any order of merging: %s', async (_, before: Variables) => {
    const job = newJob()
    const bitbuckets = [await startBitbucket(), await startBitbucket(), await startBitbucket()]
    const runs: ActionRun[] = []
    // The runs are sequential, because only what a step sees of the job matters, not the time (shared-config.test.ts).
    for (const [index, bitbucket] of bitbuckets.entries()) {
      const inputs = index === 0 ? inputsFor.apiToken(bitbucket) : inputsFor.consumer(bitbucket)
      runs.push(await runParallel(job, (own) => runAction({ bitbucket, job: own, inputs }), before))
    }
    expect(runs.map(({ status }) => status)).toEqual([0, 0, 0])
    for (const order of orders(runs)) {
      const env = merged(before, ...order.map((run) => run.env))
      for (const bitbucket of bitbuckets)
        expect(await listing(bitbucket, job, env)).toContain('refs/heads/main')
      expect(await git(job.workspace, env, 'config', '--default', 'none', 'user.name')).toBe(
        before === otherProgram ? 'Somebody\n' : 'none\n',
      )
    }
    for (const run of runs) await runPost(run)
    expect(readdirSync(job.temp)).toEqual([])
  })

  test('git gets user name and token of the same credential, in any order of merging', async ({
    bitbucket,
  }) => {
    const job = newJob()
    const given = [inputsFor.apiToken(bitbucket), inputsFor.consumer(bitbucket)]
    const runs: ActionRun[] = []
    for (const inputs of given)
      runs.push(await runParallel(job, (own) => runAction({ bitbucket, job: own, inputs })))
    for (const order of orders(runs)) {
      expect(await listing(bitbucket, job, merged(...order.map((run) => run.env)))).toContain(
        'refs/heads/main',
      )
    }
  })
})

describe('entries of git’s configuration in the environment', () => {
  const given: [string, Variables][] = [
    ['one entry', { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'safe.directory', GIT_CONFIG_VALUE_0: '*' }],
    ['a count without entries', { GIT_CONFIG_COUNT: '2' }],
    ['a count that git rejects', { GIT_CONFIG_COUNT: 'two' }],
    [
      'a missing entry between two',
      {
        GIT_CONFIG_COUNT: '3',
        GIT_CONFIG_KEY_0: 'safe.directory',
        GIT_CONFIG_VALUE_0: '*',
        GIT_CONFIG_KEY_2: 'user.name',
        GIT_CONFIG_VALUE_2: 'Somebody',
      },
    ],
  ]

  test.each(given)('do not break git in the next step: %s', async (_, env) => {
    const bitbucket = await startBitbucket()
    const run = await runRunStep({
      bitbucket,
      env: { ...variablesFor(bitbucket), ...env },
    })
    expect(run.status).toBe(0)
    expect(await listing(bitbucket, run.job, run.env)).toContain('refs/heads/main')
    const again = await runAction({ bitbucket, job: run.job })
    expect(again.env['GIT_CONFIG_COUNT']).toBe(run.env['GIT_CONFIG_COUNT'])
    expect(await listing(bitbucket, run.job, run.job.env)).toContain('refs/heads/main')
  })
})

test('cleanup removes what every `run:` step of a GitHub job has made', async ({ bitbucket }) => {
  const first = await runRunStep({ bitbucket, env: variablesFor(bitbucket) })
  const env = variablesFor(bitbucket, inputsFor.apiToken(bitbucket))
  const second = await runRunStep({ bitbucket, job: first.job, env })
  const files = [first, second].map(({ env }) => env['BITBUCKET_GIT_CREDENTIALS_FILE'] ?? '')
  expect(files.map((file) => existsSync(file))).toEqual([true, true])
  const config = join(first.job.temp, 'bitbucket-token-git/config')
  expect(readFileSync(config, 'utf8')).toContain('[credential ')
  const cleanup = await runRunStep({ bitbucket, job: first.job, args: ['cleanup'] })
  expect(cleanup.status).toBe(0)
  for (const file of [...files, config]) expect(cleanup.stdout).toContain(`Removed ${file}`)
  expect(readdirSync(first.job.temp)).toEqual([])
  assertNothingLeft(cleanup)
  // git ignores an include of a missing file.
  expect(await git(first.job.workspace, first.job.env, 'config', '--default', 'none', 'user.name')).toBe(
    'none\n',
  )
})
