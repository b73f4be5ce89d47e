import { expect, test as plainTest } from 'vitest'
import { type GitLab, startGitLab } from './support/gitlab.ts'
import { errorOf, open, tokens, untilDone } from './support/open.ts'
import type { Reply } from './support/server.ts'

const test = plainTest.extend('gitlab', () => startGitLab())

const store = (gitlab: GitLab, text = 'gitlab-variable', given = {}) =>
  open(text, { env: gitlab.env, gitlabToken: gitlab.token, ...given })

const usual = { raw: false, protected: false, hidden: false, environment_scope: '*', masked: false }
const token = 'a+b/c=-_.~$HOME'.repeat(170)

test('creates a missing variable masked and raw', async ({ gitlab }) => {
  const variable = await store(gitlab)
  await variable.check()
  expect(await variable.load()).toBeUndefined()
  await variable.save(tokens(token), untilDone)
  expect(gitlab.variables).toEqual([
    { ...usual, key: 'BITBUCKET_REFRESH_TOKEN', value: token, masked: true, raw: true },
  ])
})

test('updates a variable in place and keeps its other settings', async ({ gitlab }) => {
  gitlab.variables.push(
    { ...usual, key: 'TOKEN_TAKEN', value: 'old', protected: true },
    { ...usual, key: 'OTHER', value: 'x' },
  )
  const variable = await store(gitlab, 'gitlab-variable:TOKEN_TAKEN')
  await variable.check()
  await variable.save(tokens('new-token'), untilDone)
  expect(gitlab.variables).toEqual([
    { ...usual, key: 'TOKEN_TAKEN', value: 'new-token', protected: true, masked: true, raw: true },
    { ...usual, key: 'OTHER', value: 'x' },
  ])
  expect(gitlab.log.map((line) => line.split(' ')[0])).toEqual(['GET', 'GET', 'PUT'])
})

test('reads the variable back, unless it is hidden or empty', async ({ gitlab }) => {
  const variable = await store(gitlab, 'gitlab-variable:TOKEN')
  gitlab.variables.push({ ...usual, key: 'TOKEN', value: 'the newest\n' })
  expect((await variable.load())?.refreshToken?.reveal()).toBe('the newest')
  gitlab.variables.splice(0, 1, { ...usual, key: 'TOKEN', value: 'the newest', hidden: true })
  expect(await variable.load()).toBeUndefined()
  gitlab.variables.splice(0, 1, { ...usual, key: 'TOKEN', value: '' })
  expect(await variable.load()).toBeUndefined()
})

test.each([
  [
    'no permission',
    { scope: 'none' as const },
    {},
    /status 403: "403 Forbidden"/,
    /role Maintainer and the scope api/,
  ],
  ['another project', {}, { CI_PROJECT_ID: '43' }, /404: "404 Project Not Found"/, /role Maintainer/],
])('reports %s before the refresh token is spent', async (_, options, env, message, nextStep) => {
  const gitlab = await startGitLab(options)
  const error = await errorOf((await store(gitlab, undefined, { env: { ...gitlab.env, ...env } })).check())
  expect(error.code).toBe('store-unwritable')
  expect(error.message).toMatch(message)
  expect(error.nextStep).toMatch(nextStep)
})

test('refuses a token with the scope read_api before the refresh token is spent', async () => {
  const gitlab = await startGitLab({ scope: 'read_api' })
  const error = await errorOf((await store(gitlab)).check())
  expect([error.code, error.message]).toEqual([
    'store-unwritable',
    'The gitlab-token has only the scope read_api, but writing needs api.',
  ])
  expect(error.nextStep).toMatch(/the scope api/)
})

test.each<[string, Reply]>([
  ['the token may not ask about itself', { status: 403, body: { message: '403 Forbidden' } }],
  ['an older GitLab does not have that endpoint', { status: 404, body: { error: '404 Not Found' } }],
  ['the answer has no scopes', { status: 200, body: { id: 1 } }],
])('uses a token whose scopes are unknown because %s', async (_, reply) => {
  const gitlab = await startGitLab()
  const variable = await store(gitlab)
  gitlab.script.push({ status: 404, body: { message: '404 Variable Not Found' } }, reply)
  await variable.check()
  await variable.save(tokens(token), untilDone)
  expect(gitlab.variables).toMatchObject([{ value: token }])
})

test('reports the missing scope api when it writes, too (403)', async () => {
  const gitlab = await startGitLab({ scope: 'read_api' })
  const error = await errorOf((await store(gitlab)).save(tokens(token), untilDone))
  expect(error.message).toMatch(/"The request requires higher privileges/)
})

test.each<[string | undefined, boolean]>([
  ['true', true],
  ['false', false],
  ['', false],
  [undefined, false],
])(
  'creates the variable protected if the job runs on a protected ref: CI_COMMIT_REF_PROTECTED=%s',
  async (given, expected) => {
    const gitlab = await startGitLab()
    const env = { ...gitlab.env, ...(given !== undefined && { CI_COMMIT_REF_PROTECTED: given }) }
    const variable = await store(gitlab, 'gitlab-variable:T', { env })
    await variable.save(tokens('new-token'), untilDone)
    expect(gitlab.variables).toMatchObject([{ key: 'T', protected: expected }])
  },
)

test('does not change whether an existing variable is protected, whatever ref the job runs on', async ({
  gitlab,
}) => {
  gitlab.variables.push({ ...usual, key: 'T', value: 'old' })
  const env = { ...gitlab.env, CI_COMMIT_REF_PROTECTED: 'true' }
  await (await store(gitlab, 'gitlab-variable:T', { env })).save(tokens('new-token'), untilDone)
  expect(gitlab.variables).toMatchObject([{ value: 'new-token', protected: false }])
})

test('its name shows the host if that is not gitlab.com', async () => {
  const env = { CI_PROJECT_ID: '42', CI_API_V4_URL: 'https://gitlab.example.com/api/v4' }
  const nameIn = async (env: Readonly<Record<string, string>>) =>
    (await open('gitlab-variable', { env, gitlabToken: 'a-token' })).name
  expect(await nameIn(env)).toMatch(/ 42 \(gitlab\.example\.com\)$/)
  expect(await nameIn({ ...env, CI_API_V4_URL: 'https://gitlab.com/api/v4' })).toMatch(/ 42$/)
})

test('reports two variables of the same name in different environments (409)', async ({ gitlab }) => {
  gitlab.variables.push(
    { ...usual, key: 'T', value: 'x' },
    { ...usual, key: 'T', value: 'y', environment_scope: 'p' },
  )
  const error = await errorOf((await store(gitlab, 'gitlab-variable:T')).check())
  expect(error.nextStep).toMatch(/several variables T/)
})

test('does not save a value unmasked if GitLab refuses to mask it (400)', async ({ gitlab }) => {
  const error = await errorOf((await store(gitlab)).save(tokens('short'), untilDone))
  expect(error.message).toMatch(/\{"value":\["is invalid"\]\}/)
  expect(gitlab.variables).toEqual([])
})

test('updates the variable if another run created it after the lookup', async ({ gitlab }) => {
  gitlab.variables.push({ ...usual, key: 'T', value: 'other' })
  gitlab.script.push({ status: 404, body: { message: '404 Variable Not Found' } })
  await (await store(gitlab, 'gitlab-variable:T')).save(tokens('new-token'), untilDone)
  expect(gitlab.variables).toMatchObject([{ key: 'T', value: 'new-token' }])
  expect(gitlab.log.map((line) => line.split(' ')[0])).toEqual(['PUT', 'POST', 'PUT'])
})

test.each([{ status: 429, headers: { 'retry-after': '0' } }, { status: 502 }, 'lost' as const])(
  'retries after a rate limit or a transient failure: %j',
  async (reply) => {
    const gitlab = await startGitLab()
    gitlab.variables.push({ ...usual, key: 'T', value: 'old' })
    gitlab.script.push(reply)
    await (await store(gitlab, 'gitlab-variable:T')).save(tokens('new-token'), untilDone)
    expect(gitlab.variables).toMatchObject([{ value: 'new-token' }])
  },
)

test('a missing token or variable is an input error', async ({ gitlab }) => {
  const wrong = (given: object) => errorOf(store(gitlab, undefined, given))
  expect((await wrong({ gitlabToken: undefined })).message).toBe('Missing: gitlab-token.')
  expect((await wrong({ env: { CI_PROJECT_ID: '42' } })).message).toMatch(/CI_API_V4_URL or CI_PROJECT_ID/)
  expect((await wrong({ env: { ...gitlab.env, CI_API_V4_URL: 'http://gitlab.test/api/v4' } })).message).toBe(
    'CI_API_V4_URL is not an https address.',
  )
})
