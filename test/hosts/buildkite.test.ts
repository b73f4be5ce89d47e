import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { buildkite } from '../../src/hosts/buildkite.ts'
import { Secret } from '../../src/secret.ts'
import {
  canary,
  describeContract,
  type HostUnderTest,
  type Job,
  plainVariables,
  runToEnd,
  sampleResults,
  secretConfiguration,
  startJob,
} from './contract.ts'
import { anyValue } from './values.ts'

/** Reads every value of the object, as buildkite/agent does (5c21980: clicommand/redactor_add.go, `ParseSecrets`). */
const redactedBy = ({ processes }: Job): string[] =>
  processes
    .filter(({ args }) => args.join(' ') === 'redactor add --format json')
    .flatMap(({ stdin }) => Object.values(JSON.parse(stdin) as Record<string, string>))

/** Reads lines of at most 64 KiB, each an object (buildkite/agent: clicommand/env_set.go). */
function setBy({ processes }: Job): Record<string, string> {
  const lines = processes
    .filter(({ args }) => args.join(' ') === 'env set --input-format json --output-format quiet -')
    .flatMap(({ stdin }) => stdin.split(/\r?\n/))
  return Object.assign({}, ...lines.map((line) => JSON.parse(line)))
}

const subject: HostUnderTest = {
  name: 'buildkite',
  environment: () => ({ BUILDKITE: 'true', BUILDKITE_AGENT_JOB_API_SOCKET: '/s', BUILDKITE_JOB_ID: '7' }),
  open: (world, run) => buildkite(world, undefined, false, run),
  hidden: redactedBy,
  later: setBy,
  carries: () => true,
}

describeContract(subject, {
  processes: [
    {
      command: 'buildkite-agent redactor add --format json',
      env: {},
      stdin: JSON.stringify({ secret: canary }),
    },
    {
      command: 'buildkite-agent env set --input-format json --output-format quiet -',
      env: {},
      stdin: JSON.stringify(plainVariables(sampleResults())),
    },
  ],
  stderr: `working
Later phases of this job (hooks, and the command if this is a hook) get the variables. For this shell: . '<clone>/.bitbucket-token/env.sh'
`,
})

test('the agent reads each value unchanged', async () => {
  await fc.assert(
    fc.asyncProperty(anyValue, async (value) => {
      const job = await startJob(subject)
      job.host.mask(new Secret(value))
      job.host.handOver(sampleResults({ variables: new Map([['NAME', new Secret(value)]]), gitConfig: [] }))
      expect(redactedBy(job)).toEqual([value])
      expect(setBy(job)).toEqual({ NAME: value })
    }),
    { numRuns: 200 },
  )
})

test("masks the secrets of another program's git configuration", async () => {
  const job = await startJob({ ...subject, environment: secretConfiguration })
  job.host.handOver(sampleResults())
  expect(redactedBy(job)).toEqual(['Authorization: Bearer theirs-12345', 'theirs-12345'])
  expect(job.host.canMask()).toBe(true)
})

describe('an unreachable agent', () => {
  test('is called once, with one warning that it masks nothing', async () => {
    const job = await startJob(subject, { isDone: () => false })
    job.host.mask(new Secret(canary))
    job.host.mask(new Secret('other'))
    const howToUse = runToEnd(job, sampleResults())
    expect(job.processes).toHaveLength(1)
    expect(job.host.canMask()).toBe(false)
    expect(job.world.err().match(/^warning: Could not run buildkite-agent/gm)).toHaveLength(1)
    expect(howToUse).toMatch(
      /^buildkite-agent could not set the variables, so load the file .* For this shell: \. /,
    )
    expect(job.world.out() + job.world.err()).not.toContain('canary')
  })

  test('leaves the variables in the file', async () => {
    const job = await startJob(subject, { isDone: (_, [verb]) => verb === 'redactor' })
    expect(runToEnd(job, sampleResults())).toMatch(/buildkite-agent could not set the variables/)
    expect(job.world.err()).not.toContain('warning')
  })
})

test("adds git's configuration to that of the job", async () => {
  const job = await startJob({
    ...subject,
    environment: () => ({ BUILDKITE: 'true', GIT_CONFIG_COUNT: '4' }),
  })
  runToEnd(job, sampleResults())
  expect(setBy(job)).toMatchObject({ GIT_CONFIG_COUNT: '5' })
  expect(Object.keys(setBy(job))).toHaveLength(Object.keys(plainVariables(sampleResults())).length)
})
