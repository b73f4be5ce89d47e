import { Readable } from 'node:stream'
import { describe, expect } from 'vitest'
import {
  type ApiOptions,
  createAuthenticatedAPI,
  forgetAccessTokens,
  type GivenToken,
  getAccessToken,
} from '../../src/library/index.ts'
import { start, test } from '../sandbox/start.ts'
import { type Answer, loopback } from '../support/loopback.ts'
import { consumer, fakeBitbucket } from './support/fakes.ts'

const repository = '/repositories/sandbox/hello'
const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(code, headers).end()

/** Creates an API client for a REST server that gives these answers; its tokens are numbered. */
async function apiWith(answers: readonly Answer[], options: ApiOptions = {}) {
  forgetAccessTokens()
  const rest = await loopback(...answers)
  const { sendRequest, requests } = fakeBitbucket()
  const api = await createAuthenticatedAPI({
    ...consumer,
    env: {},
    apiUrl: rest.url.origin,
    sendRequest,
    ...options,
  })
  return { api, rest, requests, authorizations: () => rest.heard.map(({ headers }) => headers.authorization) }
}

describe('against the sandbox', () => {
  test.each(['OAuth', 'API token', 'access token'])('works with %s', async (kind) => {
    const sandbox = await start()
    const { clientId, clientSecret, email, apiToken, accessToken } = sandbox.credentials
    const given = {
      OAuth: { clientId, clientSecret },
      'API token': { email, apiToken },
      'access token': { accessToken },
    }
    const api = await createAuthenticatedAPI({
      ...given[kind as keyof typeof given],
      env: {},
      url: sandbox.url,
      apiUrl: sandbox.apiUrl,
    })
    expect(api.baseUrl).toBe(`${sandbox.apiUrl}/2.0`)
    for (const path of [
      repository,
      repository.slice(1),
      `/2.0${repository}`,
      `${sandbox.apiUrl}/2.0${repository}`,
    ])
      expect((await api.fetch(path)).status).toBe(200)
    expect((await api.fetch(new URL(`${api.baseUrl}${repository}`))).status).toBe(200)
  })

  test('renews a revoked token once for all requests that get a 401', async ({ sandbox }) => {
    forgetAccessTokens()
    const { clientId, clientSecret } = sandbox.credentials
    const options = { clientId, clientSecret, env: {}, url: sandbox.url, apiUrl: sandbox.apiUrl }
    const api = await createAuthenticatedAPI({ ...options, getAccessToken })
    sandbox.revoke((await getAccessToken(options)).accessToken)
    const answers = await Promise.all(Array.from({ length: 16 }, () => api.fetch(repository)))
    expect(answers.map((answer) => answer.status)).toEqual(Array(16).fill(200))
    expect(sandbox.requests.filter(({ path }) => path === '/site/oauth2/access_token')).toHaveLength(2)
  })

  test('reports a refused credential at once', async ({ sandbox }) => {
    const { clientId } = sandbox.credentials
    const options = {
      clientId,
      clientSecret: 'not the secret',
      env: {},
      url: sandbox.url,
      apiUrl: sandbox.apiUrl,
    }
    await expect(createAuthenticatedAPI(options)).rejects.toMatchObject({ code: 'credential-refused' })
  })
})

describe('a 401', () => {
  test('is followed by exactly one renewal and one more request, whatever their result', async () => {
    const { api, authorizations, requests } = await apiWith([status(401)])
    expect((await api.fetch('user')).status).toBe(401)
    expect(authorizations()).toEqual(['Bearer access-1', 'Bearer access-2'])
    expect(requests).toHaveLength(2)
  })

  test.each<[string, () => NonNullable<RequestInit['body']>]>([
    ['text', () => 'a=1'],
    ['a form', () => new URLSearchParams('a=1')],
    ['bytes', () => new TextEncoder().encode('a=1')],
    ['a blob', () => new Blob(['a=1'])],
  ])('repeats the same request: %s', async (_, body) => {
    const { api, rest } = await apiWith([status(401), status(201)])
    const init = { method: 'POST', body: body(), headers: { 'x-mine': 'yes', authorization: 'Basic bm8=' } }
    expect((await api.fetch('/snippets?role=owner', init)).status).toBe(201)
    const seen = rest.heard.map(({ method, path, body, headers }) => [method, path, body, headers['x-mine']])
    expect(seen).toEqual(Array(2).fill(['POST', '/2.0/snippets?role=owner', 'a=1', 'yes']))
  })

  test.each<[string, () => object]>([
    ['a web stream', () => new Blob(['a=1']).stream()],
    ['a Node stream', () => Readable.from(['a=1'])],
  ])('does not repeat the request with %s; the next request has a new token', async (_, body) => {
    const lines: string[] = []
    const logger = (level: string, message: string) => lines.push(`${level} ${message}`)
    const { api, authorizations, rest } = await apiWith([status(401), status(200)], { logger })
    const init = { method: 'PUT', body: body(), duplex: 'half' } as RequestInit
    expect((await api.fetch('/src', init)).status).toBe(401)
    expect(rest.heard.map((heard) => heard.body)).toEqual(['a=1'])
    expect(lines).toContain(
      'warn Bitbucket answered 401. The request was not sent again because its body is a stream. Send it again yourself: the next request has a new token.',
    )
    await api.fetch('/user')
    expect(authorizations()).toEqual(['Bearer access-1', 'Bearer access-2'])
  })

  test('is returned if the token cannot be renewed', async () => {
    const { api, rest, requests } = await apiWith([status(401)], {
      clientId: '',
      clientSecret: '',
      accessToken: 'mine',
    })
    expect((await api.fetch('user')).status).toBe(401)
    expect(rest.heard).toHaveLength(1)
    expect(requests).toHaveLength(0)
  })

  test('renews nothing if another origin gives it after a redirect', async () => {
    const other = await loopback(status(401))
    const { api, rest } = await apiWith([status(302, { location: other.url.href })])
    expect((await api.fetch('/downloads/a.zip')).status).toBe(401)
    expect([rest.heard.length, other.heard.length]).toEqual([1, 1])
  })
})

describe('sends the credential nowhere else', () => {
  test.each([
    'https://example.com/2.0/user',
    'http://api.bitbucket.org/2.0/user',
    'https://api.bitbucket.org.example.com/',
    'https://user:password@api.bitbucket.org/2.0/user',
    'https://user@api.bitbucket.org/2.0/user',
    'file:///etc/passwd',
    'javascript:0',
  ])('refuses %s', async (address) => {
    const sent: unknown[] = []
    const api = await createAuthenticatedAPI({
      ...consumer,
      env: {},
      ...fakeBitbucket(),
      fetch: async (...request) => {
        sent.push(request)
        return new Response()
      },
    })
    const error = await api.fetch(address).catch((reason: unknown) => reason)
    expect(error).toMatchObject({
      code: 'input',
      message:
        'The request is not for https://api.bitbucket.org. The credential is sent to that origin only.',
    })
    expect(sent).toEqual([])
  })

  test.each([
    ['//example.com/x', '/2.0/example.com/x'],
    ['\\\\example.com/x', '/2.0//example.com/x'],
    ['/../../x', '/x'],
    ['@example.com/x', '/2.0/@example.com/x'],
  ])("keeps a path on the API's origin: %s", async (path, expected) => {
    const { api, rest } = await apiWith([status(200)])
    await api.fetch(path)
    expect(rest.heard.map((heard) => heard.path.replace('/2.0///', '/2.0//'))).toEqual([expected])
  })

  test('a redirect to another origin does not carry the credential', async () => {
    const other = await loopback(status(200))
    const { api, authorizations } = await apiWith([status(302, { location: `${other.url}media` })])
    expect((await api.fetch('/downloads/a.zip')).status).toBe(200)
    expect(authorizations()).toEqual(['Bearer access-1'])
    expect(other.heard[0]?.headers.authorization).toBeUndefined()
  })

  test('a redirect on the same origin carries it', async () => {
    const { api, authorizations } = await apiWith([status(302, { location: '/2.0/other' }), status(200)])
    await api.fetch('/one')
    expect(authorizations()).toEqual(['Bearer access-1', 'Bearer access-1'])
  })
})

describe('a custom getAccessToken', () => {
  test.each<[string, Awaited<ReturnType<NonNullable<ApiOptions['getAccessToken']>>>]>([
    ['text', 'a-token'],
    ['an object that this library returned', { accessToken: 'a-token', authorization: 'Bearer a-token' }],
    ['an object with accessToken', { accessToken: 'a-token' }],
    ['an object with the names of RFC 6749', { access_token: 'a-token' }],
  ])('may return %s', async (_, token) => {
    const { api, authorizations } = await apiWith([status(200)], { getAccessToken: async () => token })
    await api.fetch('user')
    expect(authorizations()).toEqual(['Bearer a-token'])
  })

  test('gets the options, and after a 401 the refused token', async () => {
    const calls: unknown[] = []
    const { api, authorizations } = await apiWith([status(401), status(200)], {
      appName: 'my-app',
      getAccessToken: ({ appName, refused }) => {
        calls.push([appName, refused])
        return refused === undefined ? 'old-token' : 'new-token'
      },
    })
    await api.fetch('user')
    expect(authorizations()).toEqual(['Bearer old-token', 'Bearer new-token'])
    expect(calls).toEqual([
      ['my-app', undefined],
      ['my-app', undefined],
      ['my-app', 'old-token'],
    ])
  })

  test.each([['two\nlines'], [''], [{}]])(
    'that returns %j is an error that does not show it',
    async (token) => {
      const call = createAuthenticatedAPI({ getAccessToken: () => token as string })
      await expect(call).rejects.toMatchObject({
        code: 'answer-unusable',
        message: 'Your getAccessToken did not return a token.',
      })
    },
  )
})

test('aborts a request with its own signal', async () => {
  const { api } = await apiWith([() => {}])
  const leaving = new AbortController()
  const call = api.fetch('user', { signal: leaving.signal })
  setImmediate(() => leaving.abort(new Error('enough')))
  await expect(call).rejects.toThrow('enough')
})

describe('the result of a custom getAccessToken', () => {
  const withToken = (given: unknown) =>
    createAuthenticatedAPI({
      getAccessToken: () => given as GivenToken,
      apiUrl: 'https://127.0.0.1:1',
      env: {},
    })

  test.each<[string, unknown]>([
    ['null', null],
    ['undefined', undefined],
    ['empty text', ''],
    ['blanks', ' '],
    ['a number', 5],
    ['empty fields', { accessToken: null, access_token: '' }],
    ['a number as token', { accessToken: 5 }],
    ['a line break in the header', { accessToken: 'a', authorization: 'Bearer a\nb' }],
  ])('is an error, and no request is sent: %s', async (_, given) => {
    await expect(withToken(given)).rejects.toMatchObject({
      code: 'answer-unusable',
      message: 'Your getAccessToken did not return a token.',
    })
  })

  test.each<[string, object]>([
    ['access_token beside a null accessToken', { accessToken: null, access_token: 'a-token' }],
    ['accessToken beside a null authorization', { accessToken: 'a-token', authorization: null }],
  ])('is accepted: %s', async (_, given) => {
    const seen: (string | null)[] = []
    const api = await createAuthenticatedAPI({
      getAccessToken: () => given as GivenToken,
      env: {},
      fetch: async (_url, init) => {
        seen.push(new Headers(init?.headers).get('authorization'))
        return new Response('{}')
      },
    })
    await api.fetch('/user', null as never)
    expect(seen).toEqual(['Bearer a-token'])
  })

  test('an invalid path is an input error', async () => {
    const api = await withToken('a-token')
    for (const path of [undefined, null, 5, {}])
      await expect(api.fetch(path as never)).rejects.toMatchObject({ code: 'input' })
  })

  test('after a 401, discards the answer of another fetch whose body is a Node stream', async () => {
    forgetAccessTokens()
    const body = Readable.from(['a'])
    let calls = 0
    const api = await createAuthenticatedAPI({
      ...consumer,
      env: {},
      sendRequest: fakeBitbucket().sendRequest,
      fetch: async () => {
        calls += 1
        return (calls === 1 ? { status: 401, body } : { status: 200, body: null }) as unknown as Response
      },
    })
    expect((await api.fetch('/user')).status).toBe(200)
    expect(body.destroyed).toBe(true)
  })
})

describe('warns about a server that is not Bitbucket’s', () => {
  const warnings = async (work: () => Promise<unknown>) => {
    const heard: string[] = []
    const hear = ({ name, message }: Error) => void heard.push(`${name}: ${message}`)
    process.on('warning', hear)
    await work().catch(() => {})
    // Node emits warnings in the next tick.
    await new Promise(setImmediate)
    process.off('warning', hear)
    return heard
  }
  const env = (port: number) => ({
    BITBUCKET_URL: `https://127.0.0.1:${port}`,
    BITBUCKET_API_URL: `https://127.0.0.1:${port + 1}`,
  })
  const given = { ...consumer, sendRequest: fakeBitbucket().sendRequest }

  test('that a variable names: as a process warning, once, if there is no logger', async () => {
    const create = () => createAuthenticatedAPI({ ...given, env: env(11) })
    expect(await warnings(create)).toEqual([
      'BitbucketTokenWarning: Using BITBUCKET_API_URL https://127.0.0.1:12 instead of https://api.bitbucket.org. Your secrets will be sent there.',
      'BitbucketTokenWarning: Using BITBUCKET_URL https://127.0.0.1:11 instead of https://bitbucket.org. Your secrets will be sent there.',
    ])
    expect(await warnings(create)).toEqual([])
    expect(
      await warnings(() => createAuthenticatedAPI({ ...given, env: env(21), logging: false })),
    ).toHaveLength(2)
  })

  test('that a variable names: in the log, if there is a logger', async () => {
    const said: string[] = []
    const logger = (level: string, message: string) => void said.push(`${level}: ${message}`)
    expect(await warnings(() => createAuthenticatedAPI({ ...given, env: env(31), logger }))).toEqual([])
    expect(said).toContain(
      'warn: Using BITBUCKET_URL https://127.0.0.1:31 instead of https://bitbucket.org. Your secrets will be sent there.',
    )
  })

  test('but not about one that the program itself names, nor about an empty variable', async () => {
    const options = { url: 'https://127.0.0.1:41', apiUrl: 'https://127.0.0.1:42' }
    expect(await warnings(() => createAuthenticatedAPI({ ...given, env: env(51), ...options }))).toEqual([])
    const empty = { BITBUCKET_URL: '', BITBUCKET_API_URL: '' }
    expect(await warnings(() => createAuthenticatedAPI({ ...given, env: empty }))).toEqual([])
  })
})
