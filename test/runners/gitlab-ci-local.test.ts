/** @module-tag gitlab-ci-local @module-tag rsync @module-tag bash @module-tag git @module-tag openssl */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeTree, nameSecrets } from '../e2e/support/run.ts'
import { exampleIn, expectDone, type HowToRun, runJob, startJob } from './job.ts'

const slow = { timeout: 120_000 }
const example = exampleIn('docs/ci.md#gitlab-ci')
const clone = 'git clone --quiet https://bitbucket.org/acme/website.git'

/** Runs the jobs of a `.gitlab-ci.yml` with the shell executor. The secrets are masked variables in the home file. */
async function pipeline(text: string, secrets: Readonly<Record<string, string>> = {}, how?: HowToRun) {
  const job = await startJob({ '.gitlab-ci.yml': text })
  const all = { ...job.secrets, ...secrets }
  nameSecrets(all, job.bitbucket)
  const variables = join(makeTree(), 'variables.yml')
  writeFileSync(
    variables,
    Object.entries(all)
      .map(([name, value]) => `${name}: '${value}'\n`)
      .join(''),
  )
  const args = [`--variables-file=${variables}`, '--no-color', '--no-json-schema-validation']
  const ended = await runJob(job, 'gitlab-ci-local', args, how)
  return { ...ended, left: existsSync(join(job.repository, '.bitbucket-token')), bitbucket: job.bitbucket }
}

test('runs the example of docs/ci.md', slow, async () => {
  const { left, bitbucket, ...ended } = await pipeline(example)
  expectDone(ended)
  expect(left).toBe(false)
  expect(ended.log).toContain('GitLab cannot hide this token in the log, so never print it')
  expect(bitbucket.requests.some(({ path, status }) => path.includes('.git/') && status === 200)).toBe(true)
})

test('works as `npx` instead of `docker run`', slow, async () => {
  const { left, ...ended } = await pipeline(
    [
      'build:',
      '  script:',
      '    - npx --yes bitbucket-token@1',
      '    - . .bitbucket-token/env.sh',
      `    - ${clone}`,
      '  after_script:',
      '    - npx --yes bitbucket-token@1 cleanup',
      '',
    ].join('\n'),
  )
  expectDone(ended)
  expect(left).toBe(false)
})

test('does not mask a secret that the job prints, as the docs say', slow, async () => {
  const printed = example.replace(`- ${clone.replace(' --quiet', '')}`, '- printenv BITBUCKET_AUTHORIZATION')
  const ended = await pipeline(printed, {}, { showsSecret: true })
  expectDone(ended)
  expect(ended.log).toMatch(/Bearer (?!\*)\S{20}/)
})

test('fails the job if the credential is refused, and cleans up', slow, async () => {
  const { status, log, left } = await pipeline(example, { BITBUCKET_CLIENT_SECRET: 'q8Zr3vXk5Yt7Wm2Lb9' })
  expect([status, left], log).toEqual([1, false])
  expect(log).toContain('Bitbucket refused the client credentials')
})
