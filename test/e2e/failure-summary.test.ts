import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { errorsIn, summaryText } from '../support/summary-text.ts'
import { newJob, runAction, runRunStep } from './support/action.ts'
import { asVariables, inputsFor, startBitbucket, test } from './support/bitbucket.ts'
import { killSwitch } from './support/program.ts'

// failsEverywhere (support/everywhere.ts) compares the summary of every other failure with its message.

const badInput = { 'client-id': 'a-client-id', 'client-secret': '`a-secret-in-backquotes`' }

test('a wrong input is in the job summary, escaped', async ({ bitbucket }) => {
  const run = await runAction({ bitbucket, inputs: { ...inputsFor.consumer(bitbucket), ci: 'hudson' } })
  expect(run.status).toBe(2)
  expect(run.summary).toMatchInlineSnapshot(`
    "### bitbucket-token failed

    | | |
    | --- | --- |
    | What happened | ci has an unknown value. |
    | What to do | Use one of: auto, forgejo, gitea, github, pipelines, azure, gitlab, circleci, buildkite, codefresh, teamcity, harness, woodpecker, drone, jenkins, shell. |

    "
  `)
})

test('words of a server do not become Markdown or HTML', async ({ bitbucket }) => {
  const error_description = '<img src=x> | [a](https://example.com) `b` *c* ![d](e) &#124; # e'
  bitbucket.script({ status: 400, body: { error: 'invalid_request', error_description } })
  const run = await runAction({ bitbucket })
  expect(run.status).toBe(3)
  expect(
    run.summary
      .replace(/&#\d+;|<br>/g, '')
      .split('\n')
      .slice(4)
      .join('\n'),
  ).not.toMatch(/[<>[\]`*!&#\\]/)
  expect(summaryText(run.summary)).toContain(error_description)
})

test.each([
  ['false', ''],
  ['FALSE', ''],
  // A bad value is an error itself, so the default counts.
  ['maybe', 'summary is not a boolean.\nUse true or false.'],
])('with summary: %s, the summary of a failure shows %j', async (summary, shown) => {
  const bitbucket = await startBitbucket()
  const inputs = summary === 'maybe' ? inputsFor.consumer(bitbucket) : badInput
  const run = await runAction({ bitbucket, inputs: { ...inputs, summary } })
  expect([run.status, errorsIn(run.summary)]).toEqual([2, shown === '' ? [] : [shown]])
})

test('a setting of node that shows secrets is in the summary', async ({ bitbucket }) => {
  const env = { NODE_OPTIONS: '--tls-keylog=keys' }
  const run = await runAction({ bitbucket, env })
  expect([run.status, errorsIn(run.summary)]).toEqual([2, [expect.stringContaining('--tls-keylog')]])
})

test('state that cannot be saved is in the summary', async ({ bitbucket }) => {
  const env = { GITHUB_STATE: '/dev/null/state' }
  const run = await runAction({ bitbucket, env })
  expect([run.status, errorsIn(run.summary)]).toEqual([
    1,
    [expect.stringMatching(/^GITHUB_STATE could not be written: .*\nCheck the runner/)],
  ])
  expect(run.requests).toEqual([])
})

test('an unsaved refresh token is in the summary, after the credential', async ({ bitbucket }) => {
  const inputs = { ...inputsFor.refreshToken(bitbucket), 'save-refresh-token': 'command:exit 1' }
  const run = await runAction({ bitbucket, inputs })
  expect(run.status).toBe(4)
  expect(run.summary.match(/^### .*/gm)).toEqual(['### Bitbucket credential', '### bitbucket-token failed'])
  expect(errorsIn(run.summary)).toEqual([
    expect.stringMatching(/^The new refresh token could not be saved [\s\S]*\n/),
  ])
})

test('two errors are both in the summary', async ({ bitbucket }) => {
  const inputs = {
    ...inputsFor.refreshToken(bitbucket),
    'save-refresh-token': 'command:exit 1',
    scopes: 'webhook',
  }
  const run = await runAction({ bitbucket, inputs })
  expect([run.status, errorsIn(run.summary)]).toEqual([
    4,
    [
      expect.stringContaining('The new refresh token could not be saved'),
      expect.stringContaining('The credential lacks webhook.'),
    ],
  ])
})

test('a run that is stopped says so in the summary', async ({ bitbucket }) => {
  const { onStart, kill } = killSwitch()
  bitbucket.script(() => kill('SIGTERM'))
  const run = await runAction({ bitbucket, onStart })
  expect([run.status, errorsIn(run.summary)]).toEqual([
    143,
    ['A signal stopped the run before it finished.\nRun it again.'],
  ])
})

test('a summary that cannot be written is a warning, and the exit status stays', async ({ bitbucket }) => {
  const job = newJob()
  const env = { GITHUB_STEP_SUMMARY: join(job.tree, 'missing/summary') }
  const run = await runAction({ bitbucket, job, inputs: badInput, env })
  expect(run.status).toBe(2)
  expect(run.stdout.split('\n').filter((line) => /^::(?!add-mask)/.test(line))).toEqual([
    expect.stringContaining('client-secret has quotes around it.'),
    expect.stringMatching(
      /^::warning title=bitbucket-token::The job summary could not be written \(ENOENT: /,
    ),
  ])
})

test.each([
  [[], 2, 1],
  [['acquire'], 2, 1],
  // Their output is for the step itself. git-credential would add one for each command of git.
  [['print'], 2, 0],
  [['check'], 2, 0],
  [['git-credential', 'get'], 2, 0],
  [['--dry-run'], 2, 0],
])('in a `run:` step, %j exits with %i and writes %i summaries', async (args, status, count) => {
  const bitbucket = await startBitbucket()
  const run = await runRunStep({ bitbucket, args, env: asVariables(badInput) })
  expect([run.status, errorsIn(run.summary).length]).toEqual([status, count])
})

test('exec that cannot start its command writes a summary', async ({ bitbucket }) => {
  const env = asVariables({ 'client-id': 'a-client-id' })
  const run = await runRunStep({ bitbucket, args: ['exec', '--', 'true'], env })
  expect([run.status, errorsIn(run.summary)]).toEqual([2, [expect.stringContaining('Missing: ')]])
})

test('a CI without summaries gets no file', async ({ bitbucket }) => {
  const job = newJob()
  mkdirSync(join(job.tree, 'elsewhere'))
  const env = { GITHUB_ACTIONS: '', ...asVariables(badInput) }
  const run = await runRunStep({ bitbucket, job, env })
  expect([run.status, run.summary]).toEqual([2, ''])
})
