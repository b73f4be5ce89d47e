import { join } from 'node:path'
import { expect } from 'vitest'
import { hostNames } from '../../src/hosts/index.ts'
import { inputsFor, startBitbucket, test } from './support/bitbucket.ts'
import { modesIn, runShell } from './support/shell.ts'

/** These do more than write env.sh, or have a full transcript, in other tests. */
const otherwise = ['forgejo', 'gitea', 'github', 'pipelines', 'azure', 'buildkite', 'shell']

test.each(hostNames.filter((name) => !otherwise.includes(name)))(
  '%s, chosen with ci, writes the private files and shows no secret',
  async (ci) => {
    const bitbucket = await startBitbucket()
    const inputs = { ...inputsFor.consumer(bitbucket), ci }
    const { status, stdout, stderr, cwd } = await runShell({ bitbucket, inputs })
    expect(status).toBe(0)
    expect(`${stdout}${stderr}`).toMatch(/^\S.+ For this shell: \. '.*\/\.bitbucket-token\/env\.sh'\n$/m)
    expect(modesIn(join(cwd, '.bitbucket-token'))).toEqual({
      '.': '0700',
      '.gitignore': '0600',
      'env.sh': '0600',
      'git-credentials': '0600',
    })
  },
)

test('accepts the name of a CI in any case', async ({ bitbucket }) => {
  const { status, stdout } = await runShell({ bitbucket, inputs: { ci: 'TeamCity' } })
  expect(status).toBe(2)
  expect(stdout).toMatch(/^##teamcity\[message text='/)
})
