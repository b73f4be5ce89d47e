import { expect, test as plainTest } from 'vitest'
import { type GitHub, startGitHub } from './support/github.ts'
import { errorOf, open, tokens, untilDone } from './support/open.ts'

const test = plainTest.extend('github', () => startGitHub())

const store = (github: GitHub, text: string, given = {}) =>
  open(text, { env: github.env, githubToken: github.token, ...given })

// Contains `+`, `/` and `=`, and is longer than one cipher block.
const token = `${'a+b/c='.repeat(430)}é`

test.each([
  ['github-secret', 'repos/acme/app/actions/secrets/BITBUCKET_REFRESH_TOKEN'],
  ['github-secret:TOKEN', 'repos/acme/app/actions/secrets/TOKEN'],
  ['github-secret:environment/production/TOKEN', 'repos/acme/app/environments/production/secrets/TOKEN'],
  ['github-secret:environment/a%2Fb/TOKEN', 'repos/acme/app/environments/a/b/secrets/TOKEN'],
  ['github-secret:organization/TOKEN', 'orgs/acme/actions/secrets/TOKEN'],
])('%s can be decrypted after it was created and after it was updated', async (text, place) => {
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
  // The slash in the environment's name is percent-encoded.
  expect(github.log.some((line) => line.includes('a/b'))).toBe(false)
})

test('keeps the visibility and all selected repositories of an organisation’s secret', async () => {
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

test('fetches the public key again if GitHub changed it meanwhile (422)', async ({ github }) => {
  const secret = await store(github, 'github-secret')
  await secret.check()
  github.rotateKey()
  await secret.save(tokens('new'), untilDone)
  expect([...github.secrets.values()]).toMatchObject([{ value: 'new' }])
})

test('reports a missing permission before the refresh token is spent (403)', async () => {
  const github = await startGitHub({ permission: 'none' })
  const error = await errorOf((await store(github, 'github-secret')).check())
  expect(error.code).toBe('store-unwritable')
  expect(error.message).toMatch(/answered with status 403: "Resource not accessible by integration"\.$/)
  expect(error.nextStep).toMatch(/"Secrets: write".*GITHUB_TOKEN of a job cannot have it/)
})

test('reports a read-only permission when it writes (403)', async () => {
  const github = await startGitHub({ permission: 'read' })
  const secret = await store(github, 'github-secret:organization')
  await secret.check()
  const error = await errorOf(secret.save(tokens('new'), untilDone))
  expect(error.nextStep).toMatch(/organisation permission "Secrets: write"/)
})

test.each([
  ['429', { status: 429, headers: { 'retry-after': '0' } }],
  ['403 with Retry-After', { status: 403, headers: { 'retry-after': '0' } }],
  ['403 with nothing remaining', { status: 403, headers: { 'x-ratelimit-remaining': '0' } }],
  ['503', { status: 503 }],
])('retries after a rate limit or a transient failure: %s', async (_, reply) => {
  const github = await startGitHub()
  github.script.push({ ...reply, body: { message: 'You have exceeded a secondary rate limit.' } })
  const secret = await store(github, 'github-secret')
  await secret.check()
  await secret.save(tokens('new'), untilDone)
  expect(github.secrets.size).toBe(1)
})

test('writes the same secret again if the answer to the write is lost', async ({ github }) => {
  const secret = await store(github, 'github-secret')
  await secret.check()
  github.script.push('lost')
  await secret.save(tokens('new'), untilDone)
  expect([...github.secrets.values()]).toMatchObject([{ value: 'new' }])
  expect(github.log.at(-1)).toMatch(/ -> 204$/)
})

test('redacts the refresh token when GitHub repeats it in an error', async ({ github }) => {
  const secret = await store(github, 'github-secret', { known: [token] })
  await secret.check()
  github.script.push({ status: 400, body: { message: `bad value ${token}` } })
  const error = await errorOf(secret.save(tokens(token), untilDone))
  expect(error.message).toMatch(/: "bad value \*\*\*"\.$/)
})

test('a missing token or variable is an input error', async ({ github }) => {
  const wrong = (given: object) => errorOf(store(github, 'github-secret', given))
  expect((await wrong({ githubToken: undefined })).message).toBe('Missing: github-token.')
  expect((await wrong({ env: {} })).message).toMatch(/GITHUB_REPOSITORY/)
  const unencrypted = { ...github.env, GITHUB_API_URL: 'http://github.example.com/api/v3' }
  expect((await wrong({ env: unencrypted })).message).toBe('GITHUB_API_URL is not an https address.')
  expect(github.log).toEqual([])
})
