import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { addedToEnvironment } from '../../src/git/config-environment.ts'
import { configurationIn } from '../support/git.ts'
import { decodeFile } from '../support/runner-files.ts'
import { describeContract, type HostUnderTest, type Job } from './contract.ts'

// The contract for GitHub and for the CIs that use its commands and files.

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
    const variables = existsSync(file) ? decodeFile(readFileSync(file, 'utf8')) : []
    return {
      ...Object.fromEntries(variables.filter(([name]) => !name.startsWith('GIT_CONFIG_'))),
      ...Object.fromEntries(addedToEnvironment(configurationIn(Object.fromEntries(variables)), {})),
    }
  },
  carries: () => true,
  withoutFile: true,
  laterTags: ['git'],
})

describeContract(actions('github', {}))
describeContract(actions('gitea', { GITEA_ACTIONS: 'true' }))
describeContract(actions('forgejo', { GITEA_ACTIONS: 'true', FORGEJO_ACTIONS: 'true' }))
