import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeFile } from '../support/runner-files.ts'
import { describeContract, type HostUnderTest, type Job } from './contract.ts'

// The hosts that have no file of their own that calls the contract.

const runnerFile = ({ cwd }: Pick<Job, 'cwd'>, name: string) => join(cwd, name)

const actions = (name: 'forgejo' | 'gitea' | 'github', more: Record<string, string>): HostUnderTest => ({
  name,
  environment: (cwd) => ({
    CI: 'true',
    GITHUB_ACTIONS: 'true',
    RUNNER_TEMP: cwd,
    GITHUB_ENV: runnerFile({ cwd }, 'env'),
    GITHUB_OUTPUT: runnerFile({ cwd }, 'output'),
    GITHUB_STATE: runnerFile({ cwd }, 'state'),
    ...more,
  }),
  hidden: ({ world }) =>
    world
      .out()
      .split('\n')
      .filter((line) => line.startsWith('::add-mask::'))
      .map((line) => line.slice('::add-mask::'.length)),
  later: (job) => {
    const file = runnerFile(job, 'env')
    return existsSync(file) ? Object.fromEntries(decodeFile(readFileSync(file, 'utf8'))) : {}
  },
  carries: () => true,
  withoutFile: true,
})

describeContract(actions('github', {}))
describeContract(actions('gitea', { GITEA_ACTIONS: 'true' }))
describeContract(actions('forgejo', { GITEA_ACTIONS: 'true', FORGEJO_ACTIONS: 'true' }))

const ground: Pick<HostUnderTest, 'hidden' | 'later' | 'carries'> = {
  hidden: () => [],
  later: () => ({}),
  carries: () => false,
}

describeContract({
  ...ground,
  name: 'pipelines',
  environment: (cwd) => ({ CI: 'true', BITBUCKET_BUILD_NUMBER: '7', BITBUCKET_CLONE_DIR: cwd }),
})

describeContract({ ...ground, name: 'shell', environment: () => ({ HOME: '/root' }) })
