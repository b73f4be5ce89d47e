import { expect, test } from 'vitest'
import type { Sandbox, VariableScope } from '../../src/sandbox/index.ts'
import { start } from '../sandbox/start.ts'
import { closedPort } from '../support/loopback.ts'
import { complaintOf, open, tokens, untilDone } from './support/open.ts'
import { serve } from './support/server.ts'

const scopes = ['pipeline', 'pipeline:variable']
const store = (sandbox: Sandbox, text: string, given = {}) =>
  open(text, { apiUrl: sandbox.apiUrl, repository: sandbox.repository, ...given })
/** What a refresh brings. */
const renewed = (sandbox: Sandbox, refreshToken: string, granted = scopes) =>
  tokens(refreshToken, sandbox.issue('oauth-token', { actsAs: 'user', scopes: granted }))
/** Method, path below /2.0 and status of each request. */
const traffic = (sandbox: Sandbox) =>
  sandbox.requests.map(({ method, path, status }) => `${method} ${path.replace('/2.0/', '')} -> ${status}`)

test.each<[string, VariableScope, string]>([
  ['bitbucket-variable', 'repository', 'BITBUCKET_REFRESH_TOKEN'],
  ['bitbucket-variable:repository/TOKEN', 'repository', 'TOKEN'],
  ['bitbucket-variable:workspace/TOKEN', 'workspace', 'TOKEN'],
  ['bitbucket-variable:deployment/Production/TOKEN', 'deployment/Production', 'TOKEN'],
  ['bitbucket-variable:deployment/production/TOKEN', 'deployment/Production', 'TOKEN'],
])('%s is created secured, then updated in place', async (text, scope, key) => {
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

test('an environment by its uuid, with or without braces', async () => {
  const sandbox = await start()
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

/** Puts variables there as somebody else would. */
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

test('found by name over all pages; others stay as they are', async () => {
  const sandbox = await start()
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

test('a link to the next page on another host: the token does not go there', async () => {
  const sandbox = await start()
  const other = await start()
  await fill(sandbox, 1)
  sandbox.script({
    path: '/2.0/repositories',
    status: 200,
    body: { values: [], next: `${other.apiUrl}/2.0/x?page=2` },
  })
  await (await store(sandbox, 'bitbucket-variable:V1')).save(renewed(sandbox, 'new'), untilDone)
  expect(other.requests).toEqual([])
})

test('an endless list ends', async () => {
  const sandbox = await start()
  const next = 'https://api.bitbucket.org/2.0/x?page=2'
  const page = { path: '/2.0/repositories', status: 200, body: { values: [{ key: 'X' }], size: 1e9, next } }
  sandbox.script(...Array.from({ length: 100 }, () => page))
  await (await store(sandbox, 'bitbucket-variable')).save(renewed(sandbox, 'new'), untilDone)
  expect(sandbox.variables()).toHaveLength(1)
})

/** Pages of a list, made of what the sandbox says, but for some fields. */
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
  ['next is text that is no address', (page) => ({ ...page, next: 'http://[' })],
  ['size is text', (page) => ({ ...page, size: '205' })],
])('on the third page, although %s', async (_, change) => {
  const { written, asked, variable } = await serveVariables(change)
  await (await variable()).save(tokens('new'), untilDone)
  expect(written).toEqual(['PUT V204 {V204}'])
  expect(asked).toHaveLength(3)
})

test('a list that never shows the variable is read a hundred pages far at most, each time', async () => {
  const { asked, variable } = await serveVariables((page) => ({ ...page, values: [{ key: 'X' }], size: 1e9 }))
  expect((await complaintOf((await variable()).save(tokens('new'), untilDone))).message).toMatch(/409/)
  expect(asked).toHaveLength(300)
})

test('an empty page is the last one, whatever size says', async () => {
  const { asked, variable } = await serveVariables((page) => ({ ...page, values: [], size: 500 }))
  await complaintOf((await variable()).save(tokens('new'), untilDone))
  // One look for each of the three rounds that a 409 is worth.
  expect(asked).toHaveLength(3)
})

test.each(['acme', '../acme', 'acme/..', 'acme/app/x', 'acme/ app', '/'])(
  'BITBUCKET_REPO_FULL_NAME=%s is an input error',
  async (name) => {
    const error = await complaintOf(open('bitbucket-variable', { env: { BITBUCKET_REPO_FULL_NAME: name } }))
    expect([error.code, error.message]).toEqual(['input', 'BITBUCKET_REPO_FULL_NAME is not workspace/slug.'])
  },
)

test('409: created by another run between the look and the write', async () => {
  const sandbox = await start()
  await fill(sandbox, 1)
  sandbox.script({ path: '/2.0/repositories', status: 200, body: { values: [] } })
  await (await store(sandbox, 'bitbucket-variable:V1')).save(renewed(sandbox, 'new'), untilDone)
  const told = sandbox.requests.map(({ method, status }) => `${method} ${status}`)
  expect(told).toEqual(['GET 200', 'POST 409', 'GET 200', 'PUT 200'])
  expect(sandbox.variables()).toMatchObject([{ key: 'V1', value: 'new' }])
})

test('404: deleted by another run between the look and the write', async () => {
  const sandbox = await start()
  const gone = { key: 'T', uuid: '{5a0d8a10-0000-4000-8000-00000000dead}' }
  sandbox.script({ path: '/2.0/repositories', status: 200, body: { values: [gone] } })
  await (await store(sandbox, 'bitbucket-variable:T')).save(renewed(sandbox, 'new'), untilDone)
  expect(sandbox.variables()).toMatchObject([{ key: 'T', value: 'new' }])
})

test.each([
  [['repository'], /needs|lack/, /scopes pipeline\)/],
  [['pipeline'], /lack/, /scopes pipeline:variable\)/],
])('403 with the scopes %j: says which is missing', async (granted, message, nextStep) => {
  const sandbox = await start()
  const variable = await store(sandbox, 'bitbucket-variable')
  const error = await complaintOf(variable.save(renewed(sandbox, 'new', granted), untilDone))
  expect(error.code).toBe('store-unwritable')
  expect(error.message).toMatch(message)
  expect(error.nextStep).toMatch(nextStep)
})

test('404: no such repository, no such environment', async () => {
  const sandbox = await start()
  const elsewhere = await store(sandbox, 'bitbucket-variable', { repository: 'sandbox/nothing' })
  const error = await complaintOf(elsewhere.save(renewed(sandbox, 'new'), untilDone))
  expect(error.message).toMatch(/status 404/)
  const nowhere = await store(sandbox, 'bitbucket-variable:deployment/Nowhere')
  expect((await complaintOf(nowhere.save(renewed(sandbox, 'new'), untilDone))).message).toMatch(
    /no deployment environment/,
  )
})

test.each([
  { status: 429, body: 'Rate limit for this resource has been exceeded' },
  { status: 503 },
  { lost: true as const },
])('rate limit and trouble pass: %j', async (answer) => {
  const sandbox = await start()
  sandbox.script({ ...answer, path: '/2.0/repositories' })
  await (await store(sandbox, 'bitbucket-variable')).save(renewed(sandbox, 'new'), untilDone)
  expect(sandbox.variables()).toMatchObject([{ value: 'new' }])
})

test('the answer to the creation is lost: it is found by the next try, not made twice', async () => {
  const sandbox = await start()
  sandbox.script(
    { status: 200, body: { values: [] }, path: '/2.0/repositories' },
    { lost: true, path: '/2.0/repositories' },
  )
  await (await store(sandbox, 'bitbucket-variable')).save(renewed(sandbox, 'new'), untilDone)
  expect(sandbox.variables()).toMatchObject([{ value: 'new' }])
})

test('an API that cannot be reached is seen before anything is spent', async () => {
  const sandbox = await start()
  const apiUrl = `http://127.0.0.1:${await closedPort()}`
  const variable = await store(sandbox, 'bitbucket-variable', { apiUrl })
  expect((await complaintOf(variable.check())).code).toBe('unreachable')
})

test('in Pipelines it is the job’s own repository, whatever else the job reads', async () => {
  const env = { BITBUCKET_REPO_FULL_NAME: 'acme/app' }
  const variable = await open('bitbucket-variable', { env, repository: 'acme/library' })
  expect(variable.name).toBe('the repository variable BITBUCKET_REFRESH_TOKEN of acme/app')
  expect((await complaintOf(open('bitbucket-variable'))).message).toMatch(/its repository is unknown/)
})
