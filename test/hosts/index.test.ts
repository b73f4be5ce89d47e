import { describe, expect, test } from 'vitest'
import { detectHost, hostNames, openHost } from '../../src/hosts/index.ts'
import { fakeWorld } from '../support/fake-world.ts'

describe('the host is', () => {
  test.each<[string, Record<string, string>]>([
    ['shell', {}],
    ['shell', { CI: 'true', GITHUB_ACTIONS: '' }],
    ['github', { CI: 'true', GITHUB_ACTIONS: 'true' }],
    // Both also set GitHub's variables.
    ['gitea', { GITHUB_ACTIONS: 'true', GITEA_ACTIONS: 'true' }],
    ['forgejo', { GITHUB_ACTIONS: 'true', FORGEJO_ACTIONS: 'true' }],
    ['pipelines', { CI: 'true', BITBUCKET_PIPELINE_UUID: '{1}' }],
    ['pipelines', { BITBUCKET_BUILD_NUMBER: '7' }],
    // A user's own variables must not affect the detection.
    ['shell', { BITBUCKET_CLIENT_ID: 'key', BITBUCKET_WORKSPACE: 'acme' }],
    ['github', { GITHUB_ACTIONS: 'true', BITBUCKET_BUILD_NUMBER: '7' }],
  ])('%s with %o', (name, env) => {
    expect(detectHost(env)).toBe(name)
  })
})

test.each(hostNames)('%s can be opened, and says why secrets may be empty', async (name) => {
  const host = await openHost(name, fakeWorld(), { outputDir: undefined, debug: false })
  expect(host.emptySecretHint).toMatch(/^(In|On) .*\.$/)
})
