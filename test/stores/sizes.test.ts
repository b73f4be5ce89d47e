import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { start } from '../sandbox/start.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { startGitHub } from './support/github.ts'
import { startGitLab } from './support/gitlab.ts'
import { open, tokens, untilDone } from './support/open.ts'

/** A real token had this size (avivsinai/bitbucket-cli issue 298). */
const large = 'aB3-_=.~'.repeat(700).slice(0, 5_558)

/** Opens each store and returns how to read what it holds. */
const stores = {
  'bitbucket-variable': async () => {
    const sandbox = await start()
    const access = sandbox.issue('oauth-token', { actsAs: 'user', scopes: ['pipeline', 'pipeline:variable'] })
    const store = await open('bitbucket-variable', { apiUrl: sandbox.apiUrl, repository: sandbox.repository })
    return { store, access, held: () => sandbox.variables()[0]?.value }
  },
  'github-secret': async () => {
    const github = await startGitHub()
    const store = await open('github-secret', { env: github.env, githubToken: github.token })
    return { store, access: 'a-token', held: () => [...github.secrets.values()][0]?.value }
  },
  'gitlab-variable': async () => {
    const gitlab = await startGitLab()
    const store = await open('gitlab-variable', { env: gitlab.env, gitlabToken: gitlab.token })
    return { store, access: 'a-token', held: () => gitlab.variables[0]?.value }
  },
  file: async () => {
    const path = join(temporaryDirectory(), 'refresh-token')
    return { store: await open(`file:${path}`), access: 'a-token', held: () => readFileSync(path, 'utf8') }
  },
  command: async () => {
    const cwd = temporaryDirectory()
    const store = await open('command:cat > kept', { cwd, env: { PATH: process.env['PATH'] ?? '' } })
    return { store, access: 'a-token', held: () => readFileSync(join(cwd, 'kept'), 'utf8') }
  },
}

for (const [name, prepare] of Object.entries(stores)) {
  const tags = name === 'command' ? (['sh'] as const) : []
  test(`${name} stores a refresh token of 5,558 bytes whole`, { tags: [...tags] }, async () => {
    const { store, access, held } = await prepare()
    await store.check()
    await store.save(tokens(large, access), untilDone)
    expect(held()).toBe(large)
  })
}
