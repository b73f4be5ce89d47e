import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/secret.ts'
import {
  describeContract,
  type HostUnderTest,
  type Job,
  plainVariables,
  runToEnd,
  sampleResults,
  startJob,
  variablesAfter,
} from './contract.ts'
import { anyValue } from './values.ts'

const bashEnvOf = ({ cwd }: Pick<Job, 'cwd'>) => join(cwd, '.bash_env')

/**
 * Returns the variables of a later `run` step. A non-interactive bash first reads the file BASH_ENV (bash(1),
 * INVOCATION).
 */
const later = (job: Job, names: readonly string[], script = ':') =>
  variablesAfter(['bash', '-eo', 'pipefail'], script, names, { BASH_ENV: bashEnvOf(job) })

const subject: HostUnderTest = {
  name: 'circleci',
  environment: (cwd) => ({ CI: 'true', CIRCLECI: 'true', BASH_ENV: bashEnvOf({ cwd }) }),
  hidden: () => [],
  later: (job) => later(job, Object.keys(plainVariables(sampleResults()))),
  laterTags: ['bash'],
  carries: () => true,
}

describeContract(subject, {
  files: {
    '.bash_env 600': `
if [ -r '<clone>/.bitbucket-token/env.sh' ]; then bitbucket_token_options=$-; . '<clone>/.bitbucket-token/env.sh'; case $bitbucket_token_options in *v*) set -v ;; esac; case $bitbucket_token_options in *x*) unset bitbucket_token_options; set -x ;; *) unset bitbucket_token_options ;; esac; fi
`,
  },
  stderr: `working
CircleCI cannot hide this token in the log, so never print it; later steps get the variables. For this shell: . '<clone>/.bitbucket-token/env.sh'
`,
})

test('a later step gets every value unchanged', { tags: ['bash'] }, async () => {
  const job = await startJob(subject)
  fc.assert(
    fc.property(fc.array(anyValue, { minLength: 1, maxLength: 20 }), (values) => {
      rmSync(bashEnvOf(job), { force: true })
      const variables = new Map(values.map((value, index) => [`BITBUCKET_TEST_${index}`, new Secret(value)]))
      job.host.handOver(sampleResults({ variables, gitConfig: [] }))
      expect(later(job, [...variables.keys()])).toEqual(
        Object.fromEntries([...variables].map(([name, value]) => [name, value.reveal()])),
      )
    }),
    { numRuns: 20 },
  )
})

describe('a nested bash', { tags: ['bash'] }, () => {
  /** Runs a script in a later step and returns its output. */
  const run = (job: Job, options: readonly string[], script: string) =>
    spawnSync('bash', [...options, '-c', script], {
      // Otherwise bash may mistake a test's socket for a remote shell and read this user's .bashrc.
      env: { PATH: process.env['PATH'], SHLVL: '1', BASH_ENV: bashEnvOf(job) },
      encoding: 'utf8',
    })

  test('has the git configuration once, even after two runs and after loading the file by hand', async () => {
    const job = await startJob(subject)
    runToEnd(job, sampleResults())
    runToEnd(job, sampleResults())
    const file = join(job.cwd, '.bitbucket-token/env.sh')
    const script = `. '${file.replaceAll("'", "'\\''")}'; echo $GIT_CONFIG_COUNT; (bash -c 'bash -c "bash -euc \\"echo \\\\\\$GIT_CONFIG_COUNT\\""')`
    expect(run(job, ['-eu'], script)).toMatchObject({ stdout: '1\n1\n', stderr: '' })
  })

  test('keeps tracing if it traced before, and prints no token', async () => {
    const job = await startJob(subject)
    runToEnd(job, sampleResults())
    const { stderr } = run(
      job,
      ['-x'],
      'true one; bash -xvc "true two"; bash -c "true three"; set -o | grep -q xtrace; true four',
    )
    expect(stderr.match(/true (?:one|two|four)$/gm)).toEqual(
      expect.arrayContaining(['true one', 'true two', 'true four']),
    )
    expect(stderr).not.toMatch(/^\+ true three/m)
    expect(stderr).not.toContain('canary')
    expect(run(job, ['-u'], 'set | grep ^bitbucket_token_').stdout).toBe('')
  })
})

describe('BASH_ENV', () => {
  test('keeps its content, even a last line without a newline', { tags: ['bash'] }, async () => {
    const job = await startJob(subject)
    writeFileSync(bashEnvOf(job), 'export OTHER=1')
    runToEnd(job, sampleResults())
    expect(later(job, ['OTHER', 'BITBUCKET_GIT_USERNAME'])).toEqual({
      OTHER: '1',
      BITBUCKET_GIT_USERNAME: 'x-token-auth',
    })
  })

  test('does not break later steps if the file has been removed', { tags: ['bash'] }, async () => {
    const job = await startJob(subject)
    runToEnd(job, sampleResults())
    job.host.discard()
    expect(later(job, ['BITBUCKET_ACCESS_TOKEN'])).toEqual({})
  })

  test.each([
    ['not passed on', ['CIRCLECI', 'BASH_ENV']],
    ['not mounted', ['CIRCLECI']],
  ])('is reported and not created if it is %s to docker run', async (_, without) => {
    const job = await startJob(subject, { without })
    expect(runToEnd(job, sampleResults())).toMatch(
      /BASH_ENV is not available here, so load the file in each step/,
    )
    expect(existsSync(bashEnvOf(job))).toBe(false)
  })

  test('is reported if it is empty', async () => {
    const environment = (cwd: string) => ({ ...subject.environment(cwd), BASH_ENV: '' })
    const job = await startJob({ ...subject, environment })
    expect(runToEnd(job, sampleResults())).toContain('BASH_ENV is not available here')
  })

  test('is used if it is mounted into docker run', { tags: ['bash'] }, async () => {
    const job = await startJob(subject, { without: ['CIRCLECI'] })
    writeFileSync(bashEnvOf(job), '')
    expect(runToEnd(job, sampleResults())).toContain('later steps get the variables')
    expect(subject.later(job)).toEqual(plainVariables(sampleResults()))
  })

  test('fails the run if it cannot be written, and leaves no file', async () => {
    const job = await startJob(subject)
    mkdirSync(bashEnvOf(job))
    expect(() => runToEnd(job, sampleResults())).toThrow(/\.bash_env could not be written: EISDIR/)
    job.host.discard()
    expect(existsSync(join(job.cwd, '.bitbucket-token'))).toBe(false)
  })
})
