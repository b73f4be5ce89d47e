import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { codefresh } from '../../src/hosts/codefresh.ts'
import { Secret } from '../../src/secret.ts'
import {
  canary,
  describeContract,
  type HostUnderTest,
  type Job,
  runToEnd,
  sampleResults,
  startJob,
} from './contract.ts'

/** Reads the exported variables: each argument names one in the environment (codefresh.io/docs, "cf_export syntax"). */
const exportedBy = ({ processes }: Job): Record<string, string> =>
  Object.assign(
    {},
    ...processes.flatMap(({ args, env }) =>
      args.filter((argument) => argument !== '--mask').map((name) => ({ [name]: env[name] })),
    ),
  )

const subject: HostUnderTest = {
  name: 'codefresh',
  environment: (cwd) => ({ CI: 'true', CF_BUILD_ID: '7', CF_VOLUME_PATH: cwd }),
  open: (world, run) => codefresh(world, undefined, false, run),
  hidden: () => [],
  later: exportedBy,
  carries: (name) => !name.startsWith('GIT_'),
}

describeContract(subject, {
  processes: [
    {
      command: 'cf_export --mask BITBUCKET_ACCESS_TOKEN BITBUCKET_AUTHORIZATION',
      env: { BITBUCKET_ACCESS_TOKEN: canary, BITBUCKET_AUTHORIZATION: `Bearer ${canary}` },
      stdin: '',
    },
    {
      command: 'cf_export BITBUCKET_GIT_USERNAME',
      env: { BITBUCKET_GIT_USERNAME: 'x-token-auth' },
      stdin: '',
    },
  ],
  stderr: `working
Later steps get the variables, hidden in their logs. For the git configuration, load the file, which they share. For this shell: . '<clone>/.bitbucket-token/env.sh'
`,
})

test.each(['', 'one\ntwo', 'one\r', '\n'])(
  'leaves %j in the file, because cf_export would cut it',
  async (value) => {
    const job = await startJob(subject)
    job.host.handOver(
      sampleResults({
        variables: new Map([
          ['GOOD', new Secret("it's $fine")],
          ['BAD', new Secret(value)],
        ]),
      }),
    )
    expect(exportedBy(job)).toEqual({ GOOD: "it's $fine" })
  },
)

describe('cf_export', () => {
  test('is called once if all variables are secret', async () => {
    const job = await startJob(subject)
    const variables = new Map([['TOKEN', new Secret('x')]])
    expect(job.host.handOver(sampleResults({ variables }))).toMatch(/^Later steps get the variables/)
    expect(job.processes.map(({ args }) => args)).toEqual([['--mask', 'TOKEN']])
  })

  test('is only on the PATH without a volume', async () => {
    const job = await startJob(subject, { without: ['CF_VOLUME_PATH'], isDone: () => false })
    runToEnd(job, sampleResults())
    expect(job.processes.map(({ command }) => command)).toEqual(['cf_export'])
  })

  test('is found on the volume too', async () => {
    const job = await startJob(subject, { isDone: (command) => command !== 'cf_export' })
    expect(runToEnd(job, sampleResults())).toMatch(/^Later steps get the variables/)
    expect(job.processes.map(({ command }) => command)).toEqual([
      'cf_export',
      join(job.cwd, 'cf_export'),
      'cf_export',
      join(job.cwd, 'cf_export'),
    ])
  })

  test('is left to the user as one command without values if it is missing', async () => {
    const job = await startJob(subject, { isDone: () => false })
    expect(runToEnd(job, sampleResults())).toContain(
      'load the file and run cf_export --mask BITBUCKET_ACCESS_TOKEN BITBUCKET_AUTHORIZATION. For this shell: . ',
    )
    expect(job.processes.filter(({ args }) => !args.includes('--mask'))).toEqual([])
  })
})
