import { expect, test } from 'vitest'
import { type GitHub, startGitHub } from './support/github.ts'
import { complaintOf, open, tokens, untilDone } from './support/open.ts'

const store = (github: GitHub, text: string, given = {}) =>
  open(text, { env: github.env, githubToken: github.token, ...given })

// `+`, `/` and `=`, and longer than one block of anything.
const token = `${'a+b/c='.repeat(430)}é`

test.each([
  ['github-secret', 'repos/acme/app/actions/secrets/BITBUCKET_REFRESH_TOKEN'],
  ['github-secret:TOKEN', 'repos/acme/app/actions/secrets/TOKEN'],
  ['github-secret:environment/production/TOKEN', 'repos/acme/app/environments/production/secrets/TOKEN'],
  ['github-secret:environment/a%2Fb/TOKEN', 'repos/acme/app/environments/a/b/secrets/TOKEN'],
  ['github-secret:organization/TOKEN', 'orgs/acme/actions/secrets/TOKEN'],
])('%s arrives and decrypts, first new, then in place', async (text, place) => {
  const github = await startGitHub()
  const secret = await store(github, text)
  await secret.check()
  expect(github.log.every((line) => line.startsWith('GET '))).toBe(true)
  expect(await secret.load()).toBeUndefined()
  for (const value of [token, 'the next one']) {
    await secret.save(tokens(value), untilDone)
    expect([...github.secrets].map(([at, { value }]) => [at, value])).toEqual([[place, value]])
  }
  expect(github.log.at(-1)).toMatch(/ -> 204$/)
  // The slash in the name of an environment is percent-encoded.
  expect(github.log.some((line) => line.includes('a/b'))).toBe(false)
})

test('the audience of an organisation’s secret stays what it was, over all pages', async () => {
  const selected = Array.from({ length: 250 }, (_, index) => index + 1)
  const github = await startGitHub({ selected })
  const path = 'orgs/acme/actions/secrets/TOKEN'
  github.secrets.set(path, { value: 'old', visibility: 'selected' })
  await (await store(github, 'github-secret:organization/TOKEN')).save(tokens('new'), untilDone)
  expect(github.secrets.get(path)).toEqual({ value: 'new', visibility: 'selected', repositories: selected })

  github.secrets.set(path, { value: 'old', visibility: 'all' })
  await (await store(github, 'github-secret:organization/TOKEN')).save(tokens('new'), untilDone)
  expect(github.secrets.get(path)).toEqual({ value: 'new', visibility: 'all', repositories: undefined })
})

test('422: the public key was changed after it was read', async () => {
  const github = await startGitHub()
  const secret = await store(github, 'github-secret')
  await secret.check()
  github.rotateKey()
  await secret.save(tokens('new'), untilDone)
  expect([...github.secrets.values()]).toMatchObject([{ value: 'new' }])
})

test('403 without the permission, before anything is spent', async () => {
  const github = await startGitHub({ permission: 'none' })
  const error = await complaintOf((await store(github, 'github-secret')).check())
  expect(error.code).toBe('store-unwritable')
  expect(error.message).toMatch(/answered with status 403: "Resource not accessible by integration"\.$/)
  expect(error.nextStep).toMatch(/"Secrets: write".*GITHUB_TOKEN of a job cannot have it/)
})

test('403 with a permission that only reads is seen when it is written', async () => {
  const github = await startGitHub({ permission: 'read' })
  const secret = await store(github, 'github-secret:organization')
  await secret.check()
  const error = await complaintOf(secret.save(tokens('new'), untilDone))
  expect(error.nextStep).toMatch(/organisation permission "Secrets: write"/)
})

test('404: no such environment', async () => {
  const github = await startGitHub()
  const error = await complaintOf((await store(github, 'github-secret:environment/nowhere')).check())
  expect(error.nextStep).toMatch(/The environment must exist/)
})

test('401: a dead token', async () => {
  const github = await startGitHub()
  const error = await complaintOf((await store(github, 'github-secret', { githubToken: 'dead' })).check())
  expect(error.message).toMatch(/401: "Bad credentials"/)
})

test.each([
  ['429', { status: 429, headers: { 'retry-after': '0' } }],
  ['403 with Retry-After', { status: 403, headers: { 'retry-after': '0' } }],
  ['403 with nothing remaining', { status: 403, headers: { 'x-ratelimit-remaining': '0' } }],
  ['503', { status: 503 }],
])('rate limit and trouble pass: %s', async (_, reply) => {
  const github = await startGitHub()
  github.script.push({ ...reply, body: { message: 'You have exceeded a secondary rate limit.' } })
  const secret = await store(github, 'github-secret')
  await secret.check()
  await secret.save(tokens('new'), untilDone)
  expect(github.secrets.size).toBe(1)
})

test('a lost answer to the write: written twice, the same', async () => {
  const github = await startGitHub()
  const secret = await store(github, 'github-secret')
  await secret.check()
  github.script.push('lost')
  await secret.save(tokens('new'), untilDone)
  expect([...github.secrets.values()]).toMatchObject([{ value: 'new' }])
  expect(github.log.at(-1)).toMatch(/ -> 204$/)
})

test('what GitHub repeats of the token is not in the message', async () => {
  const github = await startGitHub()
  const secret = await store(github, 'github-secret', { known: [token] })
  await secret.check()
  github.script.push({ status: 400, body: { message: `bad value ${token}` } })
  const error = await complaintOf(secret.save(tokens(token), untilDone))
  expect(error.message).toMatch(/: "bad value \*\*\*"\.$/)
})

test('what is missing is an input error', async () => {
  const github = await startGitHub()
  const wrong = (given: object) => complaintOf(store(github, 'github-secret', given))
  expect((await wrong({ githubToken: undefined })).message).toBe('Missing: github-token.')
  expect((await wrong({ env: {} })).message).toMatch(/GITHUB_REPOSITORY/)
  const unencrypted = { ...github.env, GITHUB_API_URL: 'http://github.example.com/api/v3' }
  expect((await wrong({ env: unencrypted })).message).toBe('GITHUB_API_URL is not an https address.')
  expect(github.log).toEqual([])
})
