import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { addedToEnvironment, type GitConfigEntry } from '../../src/git/config-environment.ts'
import { gitEnvironment } from '../support/git.ts'
import { decodeFile } from '../support/runner-files.ts'
import { describeContract, type HostUnderTest, type Job } from './contract.ts'

// The contract for GitHub and for the CIs that use its commands and files.

const runnerFile = ({ cwd }: Pick<Job, 'cwd'>, name: string) => join(cwd, name)

/** Returns the configuration that git reads with these variables, without the include itself. */
function readByGit(variables: Readonly<Record<string, string>>): GitConfigEntry[] {
  const { stdout } = spawnSync('git', ['config', '--list', '-z'], {
    cwd: '/',
    env: { ...gitEnvironment(), ...variables },
    encoding: 'utf8',
  })
  const entries = stdout.split('\0').filter(Boolean)
  return entries
    .map(
      (entry): GitConfigEntry => [entry.slice(0, entry.indexOf('\n')), entry.slice(entry.indexOf('\n') + 1)],
    )
    .filter(([key]) => key !== 'include.path')
}

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
      ...Object.fromEntries(addedToEnvironment(readByGit(Object.fromEntries(variables)), {})),
    }
  },
  carries: () => true,
  withoutFile: true,
  laterTags: ['git'],
})

describeContract(actions('github', {}))
describeContract(actions('gitea', { GITEA_ACTIONS: 'true' }))
describeContract(actions('forgejo', { GITEA_ACTIONS: 'true', FORGEJO_ACTIONS: 'true' }))
