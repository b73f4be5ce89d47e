import { expect, test } from 'vitest'
import { detectHost } from '../../src/hosts/index.ts'
import { otherCi } from '../../src/hosts/other-ci.ts'
import { shell } from '../../src/hosts/shell.ts'
import { fakeWorld } from '../support/fake-world.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const results = { variables: new Map([['A', '1']]), outputs: new Map(), gitConfig: [] }

/** The documented variables of each CI, and a word of its hint. */
const jobs: readonly (readonly [name: string, hint: string, env: Readonly<Record<string, string>>])[] = [
  ['AppVeyor', 'secure variables', { APPVEYOR: 'True', CI: 'True', APPVEYOR_BUILD_NUMBER: '7' }],
  [
    'AWS CodeBuild',
    'secrets-manager',
    { CODEBUILD_BUILD_ARN: 'arn:aws:codebuild:eu-west-1:1:build/x', CODEBUILD_CI: 'true' },
  ],
  ['Bamboo', 'bamboo_NAME', { bamboo_planKey: 'WEB-MAIN', bamboo_buildNumber: '7' }],
  ['Bitrise', 'pull request', { BITRISE_IO: 'true', CI: 'true' }],
  ['Buddy', 'secret with this name', { BUDDY_WORKSPACE_ID: '7', BUDDY: 'true' }],
  ['Cirrus CI', 'write access', { CIRRUS_CI: 'true', CI: 'true' }],
  ['Codeship', 'secret with this name', { CI: 'true', CI_NAME: 'codeship' }],
  ['GoCD', 'environment defines it', { GO_PIPELINE_LABEL: '7', GO_JOB_NAME: 'build' }],
  ['Google Cloud Build', 'secretEnv', { BUILDER_OUTPUT: '/builder/outputs' }],
  ['Heroku', 'secret with this name', { NODE: '/app/.heroku/node/bin/node' }],
  ['Kubernetes', 'secretKeyRef', { KUBERNETES_SERVICE_HOST: '10.0.0.1', HOSTNAME: 'pod' }],
  ['Semaphore', 'secrets', { SEMAPHORE: 'true', CI: 'true', KUBERNETES_SERVICE_HOST: '10.0.0.1' }],
  ['TaskCluster', 'secret with this name', { TASK_ID: 'Zx', RUN_ID: '0' }],
  ['Travis CI', 'fork', { TRAVIS: 'true', CI: 'true' }],
  ['Vercel', 'secret with this name', { VERCEL: '1' }],
]

test.each(jobs)(
  '%s is recognised, its hint says why a secret is empty, and it works as a shell',
  (name, hint, env) => {
    const world = fakeWorld({ env, cwd: temporaryDirectory() })
    expect(detectHost(env)).toBe('shell')
    expect(otherCi(env)?.name).toBe(name)
    expect(otherCi(env)?.emptySecretHint).toContain(hint)
    const host = shell(world, undefined, false)
    expect(host.emptySecretHint).toContain(hint)
    const note = `This program cannot hide the token in the log of ${name}, so never print it. For this shell: `
    expect(host.handOver(results)?.startsWith(note)).toBe(true)
  },
)

test.each([
  ['a terminal', { HOME: '/home/ada' }],
  ['an unlisted CI', { CI: 'true' }],
  ['empty variables', { TRAVIS: '', KUBERNETES_SERVICE_HOST: '' }],
  ['half of the variables of TaskCluster', { TASK_ID: 'Zx' }],
  ['an unrelated variable NODE', { NODE: '/usr/bin/node' }],
])('%s is not a CI of the list', (_, env) => {
  expect(otherCi(env)).toBeUndefined()
  const host = shell(fakeWorld({ env, cwd: temporaryDirectory() }), undefined, false)
  expect(host.handOver(results)).toMatch(/^For this shell: /)
})
