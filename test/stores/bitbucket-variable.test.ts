import { expect } from 'vitest'
import type { Sandbox, VariableScope } from '../../src/sandbox/index.ts'
import { start, test } from '../sandbox/start.ts'
import { closedPort } from '../support/loopback.ts'
import { errorOf, open, tokens, untilDone } from './support/open.ts'
import { serve } from './support/server.ts'

const scopes = ['pipeline', 'pipeline:variable']
const store = (sandbox: Sandbox, text: string, given = {}) =>
  open(text, { apiUrl: sandbox.apiUrl, repository: sandbox.repository, ...given })
/** Returns the tokens that a refresh returns. */
const renewed = (sandbox: Sandbox, refreshToken: string, granted = scopes) =>
  tokens(refreshToken, sandbox.issue('oauth-token', { actsAs: 'user', scopes: granted }))
/** Lists method, path below /2.0 and status of each request. */
const traffic = (sandbox: Sandbox) =>
  sandbox.requests.map(({ method, path, status }) => `${method} ${path.replace('/2.0/', '')} -> ${status}`)

test.each<[string, VariableScope, string]>([
  ['bitbucket-variable', 'repository', 'BITBUCKET_REFRESH_TOKEN'],
  ['bitbucket-variable:repository/TOKEN', 'repository', 'TOKEN'],
  ['bitbucket-variable:workspace/TOKEN', 'workspace', 'TOKEN'],
  ['bitbucket-variable:deployment/Production/TOKEN', 'deployment/Production', 'TOKEN'],
  ['bitbucket-variable:deployment/production/TOKEN', 'deployment/Production', 'TOKEN'],
])('creates %s secured, then updates it in place', async (text, scope, key) => {
  const sandbox = await start()
  sandbox.variables(scope)
  const variable = await store(sandbox, text)
  await variable.check()
  expect(await variable.load()).toBeUndefined()
  await variable.save(renewed(sandbox, 'first+/='), untilDone)
  const uuid = sandbox.variables(scope)[0]?.uuid
  expect(sandbox.variables(scope)).toEqual([{ uuid, key, value: 'first+/=', secured: true }])
  await variable.save(renewed(sandbox, 'second'), untilDone)
  expect(sandbox.variables(scope)).toEqual([{ uuid, key, value: 'second', secured: true }])
})

test('cannot keep the token of another job that runs at the same time, because a variable cannot be read', async ({
  sandbox,
}) => {
  const [one, other] = [
    await store(sandbox, 'bitbucket-variable'),
    await store(sandbox, 'bitbucket-variable'),
  ]
  // This save works, but its job hears of an error. The other job then spends that token, and saves the next one.
  const first = renewed(sandbox, 'first')
  await one.save(first, untilDone)
  await other.save(renewed(sandbox, 'second'), untilDone)
  await one.save(first, untilDone)
  expect(sandbox.variables('repository')).toMatchObject([{ value: 'first' }])
})

test('accepts an environment by its uuid, with or without braces', async ({ sandbox }) => {
  sandbox.variables('deployment/Production')
  const { access } = renewed(sandbox, '')
  const environments = await fetch(`${sandbox.apiUrl}/2.0/repositories/sandbox/hello/environments`, {
    headers: { authorization: `Bearer ${access.token.reveal()}` },
  })
  const { values } = (await environments.json()) as { values: { uuid: string }[] }
  const uuid = values[0]?.uuid ?? ''
  for (const form of [uuid, uuid.slice(1, -1)]) {
    const variable = await store(sandbox, `bitbucket-variable:deployment/${form}`)
    await variable.save(renewed(sandbox, form), untilDone)
  }
  expect(sandbox.variables('deployment/Production')).toMatchObject([{ value: uuid.slice(1, -1) }])
})

/** Creates variables the way another client would. */
async function fill(sandbox: Sandbox, count: number): Promise<void> {
  const { access } = renewed(sandbox, '')
  for (let number = 1; number <= count; number++) {
    await fetch(`${sandbox.apiUrl}/2.0/repositories/sandbox/hello/pipelines_config/variables`, {
      method: 'POST',
      headers: { authorization: `Bearer ${access.token.reveal()}`, 'content-type': 'application/json' },
      body: JSON.stringify({ key: `V${number}`, value: 'x', secured: number % 2 === 0 }),
    })
  }
  sandbox.requests.length = 0
}

test('finds the variable by name over all pages, and leaves others as they are', async ({ sandbox }) => {
  await fill(sandbox, 205)
  await (await store(sandbox, 'bitbucket-variable:V204')).save(renewed(sandbox, 'new'), untilDone)
  expect(traffic(sandbox)).toEqual([
    'GET repositories/sandbox/hello/pipelines_config/variables?pagelen=100 -> 200',
    'GET repositories/sandbox/hello/pipelines_config/variables?pagelen=100&page=2 -> 200',
    'GET repositories/sandbox/hello/pipelines_config/variables?pagelen=100&page=3 -> 200',
    expect.stringMatching(/^PUT .*variables\/%7B[0-9a-f-]{36}%7D -> 200$/),
  ])
  expect(sandbox.variables().filter(({ value }) => value !== 'x')).toMatchObject([
    { key: 'V204', value: 'new', secured: true },
  ])
  expect(sandbox.variables()).toHaveLength(205)
})

/** Serves pages of a list as the sandbox does, with some fields changed by `change`. */
async function serveVariables(change: (page: Readonly<Record<string, unknown>>, number: number) => object) {
  const keys = Array.from({ length: 205 }, (_, index) => `V${index + 1}`)
  const written: string[] = []
  const asked: string[] = []
  const server = await serve(({ method, path, query, body }) => {
    if (method !== 'GET') {
      if (method === 'POST' && keys.includes(String(body['key'])))
        return { status: 409, body: { type: 'error', error: { message: 'already exists' } } }
      written.push(`${method} ${body['key']} ${path.split('/').at(-1)}`)
      return { status: method === 'PUT' ? 200 : 201, body: {} }
    }
    const number = Number(query.get('page') ?? 1)
    asked.push(query.toString())
    const values = keys.slice((number - 1) * 100, number * 100).map((key) => ({ key, uuid: `{${key}}` }))
    return { status: 200, body: change({ page: number, pagelen: 100, size: keys.length, values }, number) }
  })
  return {
    written,
    asked,
    variable: () => open('bitbucket-variable:V204', { apiUrl: server.url, repository: 'a/b' }),
  }
}

test.each<[string, (page: Readonly<Record<string, unknown>>, number: number) => object]>([
  ['next is missing', (page) => page],
  ['next is null', (page) => ({ ...page, next: null })],
  ['next is empty', (page) => ({ ...page, next: '' })],
  ['next and size are missing', ({ size: _, ...page }) => page],
  ['next, size and pagelen are missing', ({ values }) => ({ values })],
  ['next points to itself', (page, number) => ({ ...page, next: `/2.0/x?pagelen=100&page=${number}` })],
  ['next points to the first page', (page) => ({ ...page, next: '/2.0/x?pagelen=100' })],
  [
    'next is on another host',
    (page, number) => ({ ...page, next: `https://x.test/?page=${number + 1}&pagelen=100` }),
  ],
  ['next is a query', (page, number) => ({ ...page, next: `?pagelen=100&page=${number + 1}` })],
  ['next is not a valid URL', (page) => ({ ...page, next: 'http://[' })],
  ['size is text', (page) => ({ ...page, size: '205' })],
])('finds a variable on the third page although %s', async (_, change) => {
  const { written, asked, variable } = await serveVariables(change)
  await (await variable()).save(tokens('new'), untilDone)
  expect(written).toEqual(['PUT V204 {V204}'])
  expect(asked).toHaveLength(3)
})

test('reads at most a hundred pages per attempt if the list never shows the variable', async () => {
  const { asked, variable } = await serveVariables((page) => ({ ...page, values: [{ key: 'X' }], size: 1e9 }))
  expect((await errorOf((await variable()).save(tokens('new'), untilDone))).message).toMatch(/409/)
  expect(asked).toHaveLength(300)
})

test('takes an empty page for the last one, whatever size says', async () => {
  const { asked, variable } = await serveVariables((page) => ({ ...page, values: [], size: 500 }))
  await errorOf((await variable()).save(tokens('new'), untilDone))
  // A 409 is tried three times, and each attempt reads the list once.
  expect(asked).toHaveLength(3)
})

test.each(['acme', '../acme', 'acme/..', 'acme/app/x', 'acme/ app', '/'])(
  'BITBUCKET_REPO_FULL_NAME=%s is an input error',
  async (name) => {
    const error = await errorOf(open('bitbucket-variable', { env: { BITBUCKET_REPO_FULL_NAME: name } }))
    expect([error.code, error.message]).toEqual(['input', 'BITBUCKET_REPO_FULL_NAME is not workspace/slug.'])
  },
)

test('updates the variable if another run created it after the list was read (409)', async ({ sandbox }) => {
  await fill(sandbox, 1)
  sandbox.script({ path: '/2.0/repositories', status: 200, body: { values: [] } })
  await (await store(sandbox, 'bitbucket-variable:V1')).save(renewed(sandbox, 'new'), untilDone)
  const told = sandbox.requests.map(({ method, status }) => `${method} ${status}`)
  expect(told).toEqual(['GET 200', 'POST 409', 'GET 200', 'PUT 200'])
  expect(sandbox.variables()).toMatchObject([{ key: 'V1', value: 'new' }])
})

test('creates the variable if another run deleted it after the list was read (404)', async ({ sandbox }) => {
  const gone = { key: 'T', uuid: '{5a0d8a10-0000-4000-8000-00000000dead}' }
  sandbox.script({ path: '/2.0/repositories', status: 200, body: { values: [gone] } })
  await (await store(sandbox, 'bitbucket-variable:T')).save(renewed(sandbox, 'new'), untilDone)
  expect(sandbox.variables()).toMatchObject([{ key: 'T', value: 'new' }])
})

test.each([
  [['repository'], /needs|lack/, /scopes pipeline\)/],
  [['pipeline'], /lack/, /scopes pipeline:variable\)/],
])('names the missing scope on a 403 with the scopes %j', async (granted, message, nextStep) => {
  const sandbox = await start()
  const variable = await store(sandbox, 'bitbucket-variable')
  const error = await errorOf(variable.save(renewed(sandbox, 'new', granted), untilDone))
  expect(error.code).toBe('store-unwritable')
  expect(error.message).toMatch(message)
  expect(error.nextStep).toMatch(nextStep)
})

test.each([
  { status: 429, body: 'Rate limit for this resource has been exceeded' },
  { status: 503 },
  { lost: true as const },
])('retries after a rate limit or a transient failure: %j', async (answer) => {
  const sandbox = await start()
  sandbox.script({ ...answer, path: '/2.0/repositories' })
  await (await store(sandbox, 'bitbucket-variable')).save(renewed(sandbox, 'new'), untilDone)
  expect(sandbox.variables()).toMatchObject([{ value: 'new' }])
})

test('does not create the variable twice if the first answer is lost', async ({ sandbox }) => {
  sandbox.script(
    { status: 200, body: { values: [] }, path: '/2.0/repositories' },
    { lost: true, path: '/2.0/repositories' },
  )
  await (await store(sandbox, 'bitbucket-variable')).save(renewed(sandbox, 'new'), untilDone)
  expect(sandbox.variables()).toMatchObject([{ value: 'new' }])
})

test('finds out that the API is unreachable before it spends the refresh token', async ({ sandbox }) => {
  const apiUrl = `http://127.0.0.1:${await closedPort()}`
  const variable = await store(sandbox, 'bitbucket-variable', { apiUrl })
  expect((await errorOf(variable.check())).code).toBe('unreachable')
})

test('uses the job’s own repository in Pipelines, whatever `repository` says', async () => {
  const env = { BITBUCKET_REPO_FULL_NAME: 'acme/app' }
  const variable = await open('bitbucket-variable', { env, repository: 'acme/library' })
  expect(variable.name).toBe('the repository variable BITBUCKET_REFRESH_TOKEN of acme/app')
  expect((await errorOf(open('bitbucket-variable'))).message).toMatch(/its repository is unknown/)
})
