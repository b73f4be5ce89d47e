import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { startBitbucket } from './support/bitbucket.ts'
import { assertNoSecret } from './support/canary.ts'
import { makeTree } from './support/run.ts'
import { formsOf } from './support/secrets.ts'

// Every other test relies on the canary; so here it must sing.

const secret = 'Z9+/kQ=w~7!x(4)*2 p&q%é'

async function clean() {
  const bitbucket = await startBitbucket()
  bitbucket.secrets.add(secret, 'api token')
  bitbucket.secrets.add('a-client-secret-0123456789', 'client secret')
  return {
    bitbucket,
    tree: makeTree(),
    signal: null,
    stdout: '',
    stderr: '',
    commandLines: ['node dist/index.js'],
    childEnvironments: ['PATH=/bin'],
  }
}

test('nothing shown is nothing found', async () => {
  assertNoSecret(await clean())
})

test.each(formsOf(secret))('a secret on stdout, as %s', async (form) => {
  const run = { ...(await clean()), stdout: `something ${form} more\n` }
  expect(() => assertNoSecret(run)).toThrow(/secrets shown/)
})

test.each(['', 'u', 'us', 'user:', 'user@example.com:'])('in base64, behind "%s"', async (before) => {
  const stderr = Buffer.from(`${before}${secret}, and more`).toString('base64')
  const run = { ...(await clean()), stderr }
  expect(() => assertNoSecret(run)).toThrow(/secrets shown/)
})

test('a part of a secret', async () => {
  const run = { ...(await clean()), stderr: 'error: "… a-client-secret-01…"' }
  expect(() => assertNoSecret(run)).toThrow(/client secret/)
})

test('a secret among the arguments', async () => {
  const run = { ...(await clean()), commandLines: [`curl -u user:${secret}`] }
  expect(() => assertNoSecret(run)).toThrow(/command lines/)
})

test('a secret in the environment of a child', async () => {
  const run = { ...(await clean()), childEnvironments: [`PATH=/bin\nTOKEN=${secret}`] }
  expect(() => assertNoSecret(run)).toThrow(/environment/)
})

test('a command that masks it may show it; the same text elsewhere may not', async () => {
  const run = await clean()
  assertNoSecret({ ...run, stdout: `::add-mask::${secret}\n` })
  expect(() => assertNoSecret({ ...run, stderr: `::add-mask::${secret}\n` })).toThrow(/stderr/)
})

test.each([
  ['work/.bitbucket-token/git-credentials', secret, true],
  ['work/.bitbucket-token/git-credentials', 'a-client-secret-0123456789', false],
  ['work/.bitbucket-token/env.sh', secret, true],
  ['commands/1/GITHUB_ENV', secret, true],
  ['commands/1/GITHUB_STATE', secret, false],
  ['commands/1/GITHUB_STEP_SUMMARY', secret, false],
  ['work/notes.txt', secret, false],
  [`work/${formsOf(secret)[1]}`, '', false],
])('a file %s with a secret in it', async (path, content, isRight) => {
  const run = await clean()
  const file = join(run.tree, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
  if (isRight) assertNoSecret(run)
  else expect(() => assertNoSecret(run)).toThrow(/secrets shown/)
})

test('after post only the runner’s own files may still hold one', async () => {
  const run = await clean()
  writeFileSync(join(run.tree, 'GITHUB_OUTPUT'), secret)
  assertNoSecret(run, 'post')
  writeFileSync(join(run.tree, 'git-credentials'), secret)
  expect(() => assertNoSecret(run, 'post')).toThrow(/git-credentials/)
})
