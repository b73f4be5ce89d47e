import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect } from 'vitest'
import { startBitbucket, test } from './support/bitbucket.ts'
import { assertNoSecret } from './support/canary.ts'
import { makeTree } from './support/run.ts'
import { formsOf } from './support/secrets.ts'

// Every other test relies on the canary (support/canary.ts), so these tests show that it finds secrets.

const secret = 'Z9+/kQ=w~7!x(4)*2 p&q%é'

async function runWithoutLeak() {
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

test('finds nothing if no secret shows', async () => {
  assertNoSecret(await runWithoutLeak())
})

test.each(formsOf(secret))('finds a secret on stdout, as %s', async (form) => {
  const run = { ...(await runWithoutLeak()), stdout: `something ${form} more\n` }
  expect(() => assertNoSecret(run)).toThrow(/secrets shown/)
})

test.each(['', 'u', 'us', 'user:', 'user@example.com:'])(
  'finds a secret in Base64 after "%s"',
  async (before) => {
    const stderr = Buffer.from(`${before}${secret}, and more`).toString('base64')
    const run = { ...(await runWithoutLeak()), stderr }
    expect(() => assertNoSecret(run)).toThrow(/secrets shown/)
  },
)

test('finds a part of a secret', async () => {
  const run = { ...(await runWithoutLeak()), stderr: 'error: "… a-client-secret-01…"' }
  expect(() => assertNoSecret(run)).toThrow(/client secret/)
})

test('finds a secret in arguments', async () => {
  const run = { ...(await runWithoutLeak()), commandLines: [`curl -u user:${secret}`] }
  expect(() => assertNoSecret(run)).toThrow(/command lines/)
})

test('finds a secret in the environment of a child', async () => {
  const run = { ...(await runWithoutLeak()), childEnvironments: [`PATH=/bin\nTOKEN=${secret}`] }
  expect(() => assertNoSecret(run)).toThrow(/environment/)
})

test('allows a secret in a command that masks it, and nowhere else', async () => {
  const run = await runWithoutLeak()
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
])('checks the file %s with the content "%s": allowed is %s', async (path, content, isAllowed) => {
  const run = await runWithoutLeak()
  const file = join(run.tree, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
  if (isAllowed) assertNoSecret(run)
  else expect(() => assertNoSecret(run)).toThrow(/secrets shown/)
})

test('finds a secret in the job summary behind escapes of Markdown', async ({ bitbucket }) => {
  bitbucket.secrets.add('a_secret_with_underscores_0123', 'api token')
  const run = { ...(await runWithoutLeak()), bitbucket }
  writeFileSync(join(run.tree, 'GITHUB_STEP_SUMMARY'), 'a&#95;secret&#95;with&#95;underscores&#95;0123')
  expect(() => assertNoSecret(run)).toThrow(/GITHUB_STEP_SUMMARY/)
})

test('allows a secret after post only in the runner’s own files', async () => {
  const run = await runWithoutLeak()
  writeFileSync(join(run.tree, 'GITHUB_OUTPUT'), secret)
  assertNoSecret(run, 'post')
  writeFileSync(join(run.tree, 'git-credentials'), secret)
  expect(() => assertNoSecret(run, 'post')).toThrow(/git-credentials/)
})
