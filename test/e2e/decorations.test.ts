import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { type ActionRun, newJob, runAction, runPost } from './support/action.ts'
import { inputsFor, startBitbucket, test } from './support/bitbucket.ts'
import { runPipe, runShell } from './support/shell.ts'

// Summary and log are decoration: if one cannot be written, the job still gets its credential.

function expectHandedOver({ status, outputs, env }: ActionRun): void {
  expect([status, Object.keys(env)]).toEqual([0, expect.arrayContaining(['BITBUCKET_ACCESS_TOKEN'])])
  expect(existsSync(outputs['git-credentials-file'] ?? '')).toBe(true)
}

describe('warns if the job summary cannot be written', () => {
  const places: Record<string, (tree: string) => string> = {
    'a missing directory': (tree) => join(tree, 'missing/summary'),
    'a file instead of its directory': (tree) => {
      writeFileSync(join(tree, 'file'), '')
      return join(tree, 'file/summary')
    },
    'a directory instead of the file': (tree) => tree,
    'a full disk': () => '/dev/full',
    'a pipe without a reader': (tree) => {
      spawnSync('mkfifo', [join(tree, 'pipe')])
      return join(tree, 'pipe')
    },
    'a link to itself': (tree) => {
      symlinkSync('loop', join(tree, 'loop'))
      return join(tree, 'loop')
    },
    'a name that is too long': (tree) => join(tree, 'x'.repeat(300)),
  }
  test.each(Object.entries(places))('%s', async (_, placeIn) => {
    const bitbucket = await startBitbucket()
    const job = newJob()
    mkdirSync(join(job.tree, 'summaries'))
    const env = { GITHUB_STEP_SUMMARY: placeIn(join(job.tree, 'summaries')) }
    const run = await runAction({ bitbucket, job, env })
    expectHandedOver(run)
    const warnings = run.stdout.split('\n').filter((line) => line.startsWith('::warning'))
    expect(warnings).toEqual([
      expect.stringMatching(
        /^::warning title=bitbucket-token::The job summary could not be written \((?:E\w+: .*|.* is a named pipe)\)\. The credential was handed over all the same\.$/,
      ),
    ])
    expect((await runPost(run)).stdout).toContain('The git-credentials file was removed.\n')
  })
})

describe.each(['EPIPE', 'ENOSPC', 'EIO', 'EBADF'])('if the log fails with %s after the hand-over', (code) => {
  const preload = new URL('./support/deaf-after-hand-over.mjs', import.meta.url).href
  const env = { STREAM_FAILS_WITH: code }

  test('keeps the credential on GitHub', async ({ bitbucket }) => {
    expectHandedOver(await runAction({ bitbucket, env, preload }))
  })

  test.each([
    ['in a shell', runShell, {}],
    ['in a pipe', runPipe, {}],
    ['on Azure Pipelines', runShell, { TF_BUILD: 'True' }],
    ['on TeamCity', runShell, { TEAMCITY_VERSION: '2026.1' }],
  ])('keeps the credential %s', async (_, runThere, ci) => {
    const bitbucket = await startBitbucket()
    const inputs = inputsFor.consumer(bitbucket)
    const run = await runThere({ bitbucket, inputs, env: { ...env, ...ci }, preload, showsSecret: true })
    expect([run.status, existsSync(join(run.cwd, '.bitbucket-token/env.sh'))]).toEqual([0, true])
  })

  test('still exits 4 if a refresh token cannot be saved', async ({ bitbucket }) => {
    const inputs = { ...inputsFor.refreshToken(bitbucket), 'save-refresh-token': 'command:exit 1' }
    const run = await runAction({ bitbucket, inputs, env, preload })
    expect([run.status, existsSync(run.outputs['git-credentials-file'] ?? '')]).toEqual([4, true])
  })
})
