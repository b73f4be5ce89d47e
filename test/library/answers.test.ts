import { request } from 'node:http'
import { Readable } from 'node:stream'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { getAccessTokenIn } from '../../src/library/get-access-token.ts'
import {
  forgetAccessTokens,
  getAccessToken,
  type SendRequest,
  type TokenOptions,
  type TokenResponse,
} from '../../src/library/index.ts'
import { rejection } from '../support/failure.ts'
import { loopback } from '../support/loopback.ts'
import { consumer, freshWorld } from './support/fakes.ts'

const token = { access_token: 'a-token', token_type: 'bearer', expires_in: 7200 }
const json = JSON.stringify(token)

/** Gets a token through a `sendRequest` that gives these answers, one after the other. */
async function ask(answers: readonly unknown[], options: TokenOptions = {}) {
  const world = freshWorld()
  const waits: number[] = []
  let calls = 0
  const sendRequest: SendRequest = () => {
    const answer = answers[calls]
    calls += 1
    if (answer instanceof Error) throw answer
    return answer as TokenResponse
  }
  const sleeping = {
    ...world,
    sleep: (milliseconds: number, signal: AbortSignal) => {
      waits.push(milliseconds)
      return world.sleep(milliseconds, signal)
    },
  }
  const result = getAccessTokenIn(sleeping, { ...consumer, sendRequest, timeout: 600_000, ...options })
  return { result, waits, calls: () => calls }
}

/** Headers that are not an instance of our `Headers`, like those of undici's own `fetch`. */
class ForeignHeaders {
  readonly #fields: readonly (readonly [string, string])[]
  constructor(fields: readonly (readonly [string, string])[]) {
    this.#fields = fields
  }
  [Symbol.iterator]() {
    return this.#fields[Symbol.iterator]()
  }
}

const fields = [['Retry-After', '77']] as const
const forms: [string, unknown][] = [
  ['Headers', new Headers({ 'retry-after': '77' })],
  ['Headers of another realm', new ForeignHeaders(fields)],
  ['a Map', new Map(fields)],
  ['a Map of another realm', runInNewContext(`new Map([['RETRY-AFTER', '77']])`)],
  ['an array of pairs', [['retry-after', '77']]],
  ['a plain object', { 'Retry-After': '77' }],
  ['an object without a prototype', Object.assign(Object.create(null), { 'Retry-After': 77 })],
  ['lists as values', { 'retry-after': ['77'] }],
  ["node's rawHeaders", ['Date', 'x', 'RETRY-AFTER', '77']],
  ['something with entries()', { entries: () => new Map(fields).entries() }],
  [
    'something with forEach()',
    { forEach: (hear: (value: string, name: string) => void) => hear('77', 'Retry-After') },
  ],
  [
    'something with get() alone',
    { get: (name: string) => (name.toLowerCase() === 'retry-after' ? '77' : null) },
  ],
]

describe('reads headers of every form', () => {
  test.each(forms)('%s', async (_, headers) => {
    const { result, waits } = await ask([
      { status: 429, headers },
      { status: 200, body: json },
    ])
    expect((await result).accessToken).toBe('a-token')
    // The whole Retry-After is waited for.
    expect(Math.max(...waits.filter((wait) => wait < 200_000))).toBeGreaterThanOrEqual(77_000)
  })

  test('tells a page from a refusal by its content type', async () => {
    const page = { status: 400, headers: new Map([['Content-Type', 'text/html']]), body: 'Log in' }
    expect((await rejection((await ask([page])).result)).code).toBe('answer-unusable')
  })

  test.each([null, undefined, ''])('treats %o as no headers', async (headers) => {
    expect((await (await ask([{ status: 200, headers, body: token }])).result).accessToken).toBe('a-token')
  })

  test.each([['text'], [5], [[['a']].flat(2).concat('b').map(Number)], [new Set([1])]])(
    'reports %o as an input error without a retry',
    async (headers) => {
      const { result, calls } = await ask([{ status: 503, headers }])
      expect(await rejection(result)).toMatchObject({
        code: 'input',
        message: 'sendRequest returned headers that cannot be read.',
      })
      expect(calls()).toBe(1)
    },
  )
})

const bytes = new TextEncoder().encode(json)
const answers: [string, () => unknown][] = [
  ['text', () => ({ status: 200, body: json })],
  ['an object', () => ({ status: 200, body: token })],
  ['bytes', () => ({ status: 200, body: bytes })],
  ['an ArrayBuffer', () => ({ status: 200, body: bytes.buffer })],
  ['a Blob', () => ({ status: 200, body: new Blob([json]) })],
  ['a web stream', () => ({ status: 200, body: new Blob([json]).stream() })],
  ['a Node stream', () => ({ status: 200, body: Readable.from([json.slice(0, 9), json.slice(9)]) })],
  ['a Response', () => new Response(json)],
  ['json() without text()', () => ({ status: 200, json: async () => token })],
  ['axios', () => ({ status: 200, statusText: 'OK', headers: {}, config: {}, request: {}, data: token })],
  ['axios with text', () => ({ status: 200, headers: {}, data: json })],
  [
    'got',
    () => Object.assign(Readable.from([]), { statusCode: 200, headers: {}, body: json, rawBody: bytes }),
  ],
  ['got with json', () => ({ statusCode: 200, headers: {}, body: token })],
  ['superagent', () => ({ status: 200, statusCode: 200, header: {}, text: json, body: token, ok: true })],
  ['undici request()', () => ({ statusCode: 200, headers: {}, body: { text: async () => json } })],
]

describe('reads a body of every form', () => {
  /** Uses a real clock, because reading a stream takes time. */
  const get = (sendRequest: SendRequest) => {
    forgetAccessTokens()
    return getAccessToken({ ...consumer, env: {}, sendRequest, retries: 0 })
  }

  test.each(answers)('%s', async (_, answer) => {
    expect((await get(() => answer() as TokenResponse)).accessToken).toBe('a-token')
  })

  test("reads an answer of node's own http", async () => {
    const { url } = await loopback((response) => response.end(json))
    const sendRequest: SendRequest = ({ method, body }) =>
      new Promise((resolve, reject) => {
        request(url, { method }, resolve).once('error', reject).end(body)
      })
    expect((await get(sendRequest)).accessToken).toBe('a-token')
  })

  test.each(['axios', 'got'])(
    'takes a refusal that %s throws for an answer, and does not retry',
    async (client) => {
      const body = { error: 'invalid_client', error_description: 'Invalid OAuth client credentials' }
      const response = client === 'axios' ? { status: 400, data: body } : { statusCode: 400, body }
      const { result, calls } = await ask([Object.assign(new Error('Request failed'), { response })])
      expect((await rejection(result)).code).toBe('credential-refused')
      expect(calls()).toBe(1)
    },
  )

  test('retries after an error without an answer', async () => {
    const { result, calls } = await ask([new TypeError('fetch failed'), { status: 200, body: token }])
    expect((await result).accessToken).toBe('a-token')
    expect(calls()).toBe(2)
  })

  test('does not read an endless stream to its end', async () => {
    async function* endless() {
      for (;;) yield Buffer.alloc(65_536, 'a')
    }
    expect((await rejection(get(() => ({ status: 200, body: endless() })))).message).toMatch(/larger than/)
  })
})

describe('reports an invalid answer as an input error that names sendRequest, without a retry', () => {
  const used = async () => {
    const response = new Response(json)
    await response.text()
    return response
  }
  test.each<[string, () => unknown, string]>([
    ['nothing', () => undefined, 'sendRequest did not return a response.'],
    ['null', () => null, 'sendRequest did not return a response.'],
    ['text', () => json, 'sendRequest did not return a response.'],
    [
      'the token itself, as in bitbucket-auth',
      () => token,
      'sendRequest returned a response without a status.',
    ],
    [
      'an invalid status',
      () => ({ status: 0, body: json }),
      'sendRequest returned a response without a status.',
    ],
    ['a body that was read', used, 'sendRequest returned a response whose body was already read.'],
    [
      'a number as body',
      () => ({ status: 200, body: 5 }),
      'sendRequest returned a response whose body is neither text nor an object.',
    ],
  ])('%s', async (_, answer, message) => {
    const { result, calls } = await ask([await answer()])
    expect(await rejection(result)).toMatchObject({ code: 'input', message })
    expect(calls()).toBe(1)
  })

  test('fetch itself, which takes a URL first', async () => {
    const options = { ...consumer, sendRequest: fetch as unknown as SendRequest }
    expect(await rejection(getAccessTokenIn(freshWorld(), options))).toMatchObject({
      code: 'input',
      nextStep: 'Write ({ url, ...init }) => myFetch(url, init).',
    })
  })
})

describe('supports functions that were written for bitbucket-auth', () => {
  test('isSuccess: res => res.ok', async () => {
    const isSuccess: TokenOptions['isSuccess'] = (res) => res.ok
    const answer = { status: 200, body: token }
    expect((await (await ask([answer], { isSuccess })).result).accessToken).toBe('a-token')
  })

  test.each<[string, TokenOptions['isSuccess']]>([
    ['returns nothing', () => undefined as never],
    ['fails', (res) => (res as never as { header: { get(): boolean } }).header.get()],
  ])('reports an isSuccess that %s as an input error that names it', async (what, isSuccess) => {
    const { result, calls } = await ask([{ status: 200, body: token }], { isSuccess })
    const error = await rejection(result)
    expect([error.code, calls()]).toEqual(['input', 1])
    expect(error.message).toBe(
      what === 'fails' ? 'isSuccess failed.' : 'isSuccess returned neither true nor false.',
    )
    expect(error.nextStep).toContain('{ status, ok, headers, body }')
  })

  test('waits for an asynchronous isUnauthorized', async () => {
    const answer = { status: 200, body: token }
    const { result } = await ask([answer], { isUnauthorized: async () => false })
    expect((await result).accessToken).toBe('a-token')
  })

  test('handleError({ reject }) decides which error the call rejects with', async () => {
    const refused = { status: 400, body: { error: 'invalid_grant' } }
    const { result } = await ask([refused], {
      handleError: ({ error, reject }) => reject(new RangeError(error.name)),
    })
    await expect(result).rejects.toThrow(RangeError)
    const { result: other } = await ask([refused], { handleError: ({ reject }) => reject() })
    await expect(other).rejects.toMatchObject({ code: 'credential-refused' })
  })

  test('reports that handleSuccess({ resolve, body }) needs a change, and loses no token', async () => {
    const said: string[] = []
    const old = ({ resolve, body }: { resolve(value: unknown): void; body: unknown }) => resolve(body)
    const { result } = await ask([{ status: 200, body: token }], {
      handleSuccess: old as never,
      logger: (level, message) => void said.push(`${level}: ${message}`),
    })
    expect((await result).accessToken).toBe('a-token')
    expect(said.at(-1)).toBe(
      'error: handleSuccess failed: it gets { token, appName }, not resolve. The library returns and saves the token itself.',
    )
  })
})
