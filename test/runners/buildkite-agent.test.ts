/** @module-tag buildkite-agent @module-tag bash @module-tag git @module-tag openssl */
import { existsSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { nameSecrets } from '../e2e/support/run.ts'
import { loopback } from '../support/loopback.ts'
import { pathOfRunner } from './install.ts'
import { exampleIn, expectDone, runJob, startJob } from './job.ts'

const slow = { timeout: 120_000 }
const hook = exampleIn('docs/ci.md#buildkite')
const preExit = exampleIn('docs/ci.md#buildkite 2')
const clone = 'git clone --quiet https://bitbucket.org/acme/website.git'

/** Plays Buildkite's API, which the bootstrap asks whether the build's commit is known. It answers yes. */
const startBuildkite = () =>
  loopback((response) => response.setHeader('content-type', 'application/json').end('{"exists":true}'))

interface Scenario {
  readonly hooks?: Readonly<Record<string, string>>
  readonly secrets?: Readonly<Record<string, string>>
  readonly args?: readonly string[]
}

/** Runs one job as an agent does: checkout, hooks and command, with the job API. */
async function bootstrap(command: string, { hooks = {}, secrets = {}, args = [] }: Scenario = {}) {
  const all = { 'pre-command': hook, 'pre-exit': preExit, ...hooks }
  const job = await startJob(
    Object.fromEntries(Object.entries(all).map(([name, text]) => [`.buildkite/hooks/${name}`, text])),
  )
  // Replaces the fake agent that the examples use.
  rmSync(join(job.bin, 'buildkite-agent'))
  symlinkSync(pathOfRunner('buildkite-agent'), join(job.bin, 'buildkite-agent'))
  const env = { ...job.secrets, ...secrets }
  nameSecrets(env, job.bitbucket)
  const below = (name: string) => join(job.tree, name)
  const ended = await runJob(
    job,
    'buildkite-agent',
    [
      'bootstrap',
      `--command=${command}`,
      `--repository=${job.repository}`,
      '--commit=HEAD',
      '--branch=main',
      '--agent=agent',
      '--organization=acme',
      '--pipeline=website',
      '--pipeline-provider=git',
      `--build-path=${below('builds')}`,
      `--hooks-path=${below('hooks')}`,
      `--sockets-path=${below('s')}`,
      `--plugins-path=${below('plugins')}`,
      `--bin-path=${job.bin}`,
      '--shell=/bin/bash -e -c',
      '--command-eval',
      '--local-hooks-enabled',
      ...args,
    ],
    {
      env: {
        ...env,
        BUILDKITE: 'true',
        BUILDKITE_JOB_ID: '01890000-0000-4000-8000-000000000001',
        BUILDKITE_AGENT_ENDPOINT: (await startBuildkite()).url.origin,
        BUILDKITE_AGENT_ACCESS_TOKEN: 'of-the-agent',
        NO_PROXY: '127.0.0.1',
      },
    },
  )
  const left = existsSync(below('builds/agent/acme/website/.bitbucket-token'))
  return { ...ended, left, bitbucket: job.bitbucket }
}

test('runs the hook of the example, and the command gets the variables', slow, async () => {
  const { left, bitbucket, ...ended } = await bootstrap(`${clone} && test -f website/README.md`)
  expectDone(ended)
  expect(ended.log).toContain('Later phases of this job')
  expect(left).toBe(false)
  expect(bitbucket.requests.some(({ path, status }) => path.includes('.git/') && status === 200)).toBe(true)
})

test('redacts the secrets that the command prints', slow, async () => {
  const ended = await bootstrap('printenv BITBUCKET_AUTHORIZATION; cat .bitbucket-token/git-credentials')
  expectDone(ended)
  expect(ended.log).toMatch(/^Bearer \[REDACTED\]/m)
  expect(ended.log).toMatch(/^https:\/\/x-token-auth:\[REDACTED\]@bitbucket\.org/m)
})

test('fails the job before its command if the credential is refused', slow, async () => {
  const { status, log, left } = await bootstrap('echo the command', {
    secrets: { BITBUCKET_CLIENT_SECRET: 'q8Zr3vXk5Yt7Wm2Lb9' },
  })
  expect([status, left], log).toEqual([3, false])
  expect(log).toContain('Bitbucket refused the client credentials')
  expect(log).not.toMatch(/^the command/m)
})

test('reports that the job has no API, and the file still works', slow, async () => {
  const native = 'npx --yes bitbucket-token@1'
  const ended = await bootstrap(`. .bitbucket-token/env.sh && ${clone}`, {
    hooks: { 'pre-command': native },
    args: ['--no-job-api'],
  })
  expectDone(ended)
  expect(ended.log).toContain('Could not run buildkite-agent to hide the secrets')
})
