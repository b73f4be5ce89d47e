import { inspect } from 'node:util'
import { describe, expect } from 'vitest'
import { type InputName, variableOf } from '../../src/inputs.ts'
import { getAccessTokenIn } from '../../src/library/get-access-token.ts'
import { forgetAccessTokens, getAccessToken, type TokenOptions } from '../../src/library/index.ts'
import { sources } from '../../src/library/settings.ts'
import { test } from '../sandbox/start.ts'
import { rejection } from '../support/failure.ts'
import { closedPort, loopback } from '../support/loopback.ts'
import { consumer, fakeBitbucket, freshWorld, worldWithClock } from './support/fakes.ts'

describe('returns', () => {
  test('a token with all that is known about it, under our names and those of RFC 6749', async () => {
    const { sendRequest } = fakeBitbucket()
    const token = await getAccessTokenIn(freshWorld(), { ...consumer, sendRequest })
    const { accessToken, authorization, access_token, expires_in, token_type, refresh_token } = token
    expect({ accessToken, authorization, access_token, expires_in, token_type, refresh_token }).toEqual({
      accessToken: 'access-1',
      authorization: 'Bearer access-1',
      access_token: 'access-1',
      expires_in: 7200,
      token_type: 'bearer',
      refresh_token: undefined,
    })
    expect(token).toMatchObject({
      kind: 'client-credentials',
      tokenType: 'bearer',
      gitUsername: 'x-token-auth',
      expiresAt: new Date('2026-11-21T12:00:00Z'),
      expiresIn: 7200,
      scopes: ['account'],
    })
  })

  test('an object that shows no secret when it is printed', async () => {
    const { sendRequest } = fakeBitbucket()
    const token = await getAccessTokenIn(freshWorld(), {
      ...consumer,
      refreshToken: 'refresh-0',
      sendRequest,
    })
    expect(token.refreshToken).toBe('refresh-1')
    const shown = [
      inspect(token, { showHidden: true, getters: false }),
      JSON.stringify(token),
      `${token}`,
      { ...token },
    ]
    expect(inspect(shown, { depth: 9 })).not.toMatch(/access-1|refresh-[01]/)
  })
})

describe('the credential', () => {
  test('of every kind works against the sandbox', async ({ sandbox }) => {
    const { clientId, clientSecret, refreshToken, email, apiToken, accessToken } = sandbox.credentials
    const { appKey, clientKey, sharedSecret } = sandbox.credentials.connectApp
    const given: TokenOptions[] = [
      { clientId, clientSecret },
      { clientId, clientSecret, refreshToken },
      { email, apiToken },
      { accessToken },
      { connectAppKey: appKey, connectClientKey: clientKey, connectSharedSecret: sharedSecret },
    ]
    const kinds = []
    for (const options of given) {
      const { kind, authorization } = await getAccessToken({ ...options, env: {}, url: sandbox.url })
      const { status } = await fetch(`${sandbox.apiUrl}/2.0/repositories/sandbox/hello`, {
        headers: { authorization },
      })
      kinds.push([kind, status])
    }
    expect(kinds).toEqual([
      ['client-credentials', 200],
      ['refresh-token', 200],
      ['api-token', 200],
      ['access-token', 200],
      ['jwt', 200],
    ])
  })

  test.each([
    ['our variables', { BITBUCKET_CLIENT_ID: 'k', BITBUCKET_CLIENT_SECRET: 's' }, {}],
    ['the variables of bitbucket-auth', { bitbucketKey: 'k', bitbucketSecret: 's' }, {}],
    ['the options of bitbucket-auth', {}, { consumerKey: 'k', consumerSecret: 's' }],
    ['options before variables', { BITBUCKET_CLIENT_ID: 'x', bitbucketSecret: 's' }, { clientId: 'k' }],
    ['a provider', {}, { credentialsProvider: async () => ({ username: 'k', password: 's' }) }],
  ])('takes key and secret from %s', async (_, env, options) => {
    const { sendRequest, requests } = fakeBitbucket()
    await getAccessTokenIn(freshWorld(env), { ...options, sendRequest })
    expect(requests[0]?.headers['authorization']).toBe(`Basic ${btoa('k:s')}`)
  })

  test('comes from the same variables as in the action', () => {
    for (const [name, { variables }] of Object.entries(sources))
      expect(variables[0]).toBe(variableOf(name as InputName))
  })

  test('variables complete what the options begin, and add no other credential', async () => {
    const env = {
      BITBUCKET_CLIENT_ID: 'a-key',
      BITBUCKET_CLIENT_SECRET: 'a-secret',
      BITBUCKET_REFRESH_TOKEN: 'refresh-0',
      BITBUCKET_EMAIL: 'a@example.com',
      BITBUCKET_API_TOKEN: 'an-api-token',
      BITBUCKET_ACCESS_TOKEN: 'an-access-token',
    }
    const kindOf = async (options: TokenOptions) =>
      (await getAccessTokenIn(freshWorld(env), { ...options, ...fakeBitbucket() })).kind
    expect(await kindOf({ accessToken: 'another' })).toBe('access-token')
    expect(await kindOf({ apiToken: 'another' })).toBe('api-token')
    expect(await kindOf({ clientId: 'another' })).toBe('refresh-token')
    expect(await kindOf({ grant: 'api-token' })).toBe('api-token')
    expect((await rejection(kindOf({}))).message).toContain('More than one kind of credential was given')
    expect((await rejection(kindOf({ clientId: 'k', apiToken: 't' }))).code).toBe('input')
    // What code passes is never a leftover of an earlier run.
    const both = { clientId: 'k', clientSecret: 'a-secret', accessToken: 'a-token' }
    expect((await rejection(kindOf(both))).message).toContain('More than one kind of credential was given')
  })

  test('an access token that an earlier run of the action exported does not win over the consumer', async () => {
    const env = { BITBUCKET_CLIENT_ID: 'k', BITBUCKET_CLIENT_SECRET: 's', BITBUCKET_ACCESS_TOKEN: 'old' }
    const token = await getAccessTokenIn(freshWorld(env), fakeBitbucket())
    expect(token.kind).toBe('client-credentials')
  })

  test.each<[string, TokenOptions, RegExp]>([
    ['a missing credential', {}, /^No credential was given/],
    ['half a credential', { clientId: 'k' }, /^Missing: clientSecret \(BITBUCKET_CLIENT_SECRET\)/],
    ['an app password', { email: 'a@example.com', apiToken: 'ATBBxyz' }, /^apiToken is an app password/],
    ['a placeholder', { accessToken: '$TOKEN' }, /^accessToken contains a placeholder/],
    ['a value that is not text', { accessToken: 7 as unknown as string }, /^accessToken is not a string/],
    ['an unencrypted address', { ...consumer, url: 'http://example.com' }, /^url is not encrypted/],
    [
      'an appName that is a path',
      { ...consumer, appName: '../etc' },
      /^appName contains a character that is not allowed/,
    ],
    ['a timeout of zero', { ...consumer, timeout: 0 }, /^timeout is out of range or not a whole number/],
    ['an unknown grant', { ...consumer, grant: 'password' as 'auto' }, /^grant has an unknown value/],
    [
      'a credentialsProvider that fails',
      { credentialsProvider: () => Promise.reject(new Error('s3cr3t')) },
      /^credentialsProvider failed\.$/,
    ],
  ])('%s is an input error, and no request is sent', async (_, options, message) => {
    const { sendRequest, requests } = fakeBitbucket()
    const error = await rejection(getAccessTokenIn(freshWorld(), { sendRequest, ...options }))
    expect(error.code).toBe('input')
    expect(error.message).toMatch(message)
    expect(requests).toEqual([])
  })
})

describe('reuses a token', () => {
  test('for 256 callers at the same time, with one request', async ({ sandbox }) => {
    forgetAccessTokens()
    const { clientId, clientSecret, refreshToken } = sandbox.credentials
    const options = { clientId, clientSecret, refreshToken }
    const tokens = await Promise.all(
      Array.from({ length: 256 }, () => getAccessToken({ ...options, url: sandbox.url, env: {} })),
    )
    expect(sandbox.requests).toHaveLength(1)
    expect(new Set(tokens.map(({ accessToken }) => accessToken)).size).toBe(1)
  })

  test.each([
    [7200, 6899_999, 6900_000],
    [3000, 2699_999, 2700_000],
    [100, 89_999, 90_000],
  ])(
    'that is valid for %i s until five minutes, or a tenth of its lifetime, before it expires',
    async (life, before, after) => {
      const world = worldWithClock()
      const { sendRequest, requests } = fakeBitbucket(() => ({ expires_in: life }))
      const get = () => getAccessTokenIn(world, { ...consumer, sendRequest })
      await get()
      world.advance(before)
      expect(await get()).toMatchObject({ expiresIn: life - Math.ceil(before / 1000) })
      expect(requests).toHaveLength(1)
      world.advance(after - before)
      expect((await get()).accessToken).toBe('access-2')
    },
  )

  test('but not for another credential, URL or app, nor if credentials are forced', async () => {
    const world = freshWorld()
    const { sendRequest, requests } = fakeBitbucket()
    const get = (options: TokenOptions) => getAccessTokenIn(world, { ...consumer, sendRequest, ...options })
    await get({})
    await get({ clientId: 'another' })
    await get({ clientSecret: 'another' })
    await get({ url: 'https://bitbucket.example.com' })
    await get({ appName: 'another' })
    await get({ forceCredentials: true })
    await get({ forceCredentials: true })
    expect(requests).toHaveLength(7)
    await get({})
    expect(requests).toHaveLength(7)
  })

  test('never again after it was refused, and all callers that were refused share the new one', async () => {
    const world = freshWorld()
    const { sendRequest, requests } = fakeBitbucket()
    const get = (refused?: string) => getAccessTokenIn(world, { ...consumer, sendRequest, refused })
    const { accessToken } = await get()
    const renewed = await Promise.all(Array.from({ length: 20 }, () => get(accessToken)))
    expect(new Set(renewed.map((token) => token.accessToken))).toEqual(new Set(['access-2']))
    expect((await get()).accessToken).toBe('access-2')
    expect(requests).toHaveLength(2)
  })

  test('after a failure, the next call sends a new request', async () => {
    const world = freshWorld()
    const { sendRequest, requests } = fakeBitbucket((number) =>
      number === 1 ? { error: 'invalid_grant' } : {},
    )
    const get = () => getAccessTokenIn(world, { ...consumer, sendRequest })
    const failures = await Promise.all([rejection(get()), rejection(get())])
    expect(failures.map(({ code }) => code)).toEqual(['credential-refused', 'credential-refused'])
    expect((await get()).accessToken).toBe('access-2')
    expect(requests).toHaveLength(2)
  })

  test('uses the newest refresh token, whether the old or the new one is given', async () => {
    const world = worldWithClock()
    const { sendRequest, forms } = fakeBitbucket()
    const get = (refreshToken: string) => getAccessTokenIn(world, { ...consumer, refreshToken, sendRequest })
    expect((await get('refresh-0')).refreshToken).toBe('refresh-1')
    world.advance(7_200_000)
    await get('refresh-0')
    expect((await get('refresh-2')).accessToken).toBe('access-2')
    world.advance(7_200_000)
    await get('refresh-2')
    expect(forms().map((form) => form['refresh_token'])).toEqual(['refresh-0', 'refresh-1', 'refresh-2'])
  })
})

describe('a call can be aborted', () => {
  test('while others wait, and the others get their token', async () => {
    const world = freshWorld()
    let answer = () => {}
    const { sendRequest, requests } = fakeBitbucket()
    const slow: TokenOptions['sendRequest'] = async (request) => {
      await new Promise<void>((resolve) => {
        answer = resolve
      })
      return sendRequest(request)
    }
    const leaving = new AbortController()
    const first = getAccessToken({ ...consumer, env: {}, sendRequest: slow, signal: leaving.signal })
    const second = getAccessToken({ ...consumer, env: {}, sendRequest: slow })
    await new Promise(setImmediate)
    leaving.abort(new Error('enough'))
    await expect(first).rejects.toThrow('enough')
    answer()
    expect((await second).accessToken).toBe('access-1')
    expect(requests).toHaveLength(1)
    expect(world.err()).toBe('')
  })

  test('as the last one, and its request is aborted too', async () => {
    forgetAccessTokens()
    let aborted = false
    const leaving = new AbortController()
    const call = getAccessToken({
      ...consumer,
      env: {},
      signal: leaving.signal,
      sendRequest: ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            aborted = true
            reject(signal.reason)
          })
        }),
    })
    await new Promise(setImmediate)
    leaving.abort()
    await expect(call).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }))
    expect(aborted).toBe(true)
  })

  test('before it starts', async () => {
    const { sendRequest, requests } = fakeBitbucket()
    const options = { ...consumer, sendRequest, signal: AbortSignal.abort(new Error('enough')) }
    await expect(getAccessTokenIn(freshWorld(), options)).rejects.toThrow('enough')
    expect(requests).toEqual([])
  })

  test('by the timeout, whatever sendRequest does', async () => {
    const silent: TokenOptions = {
      ...consumer,
      sendRequest: () => new Promise(() => {}),
      timeout: 9_000,
      retries: 2,
    }
    const error = await rejection(getAccessTokenIn(freshWorld(), silent))
    expect(error.code).toBe('unreachable')
    expect(error.message).toContain('no answer within')
  })
})

describe('requests', () => {
  test('are sent as the action sends them', async () => {
    const server = await loopback(
      (response) => response.writeHead(503).end(),
      (response) => {
        response.writeHead(200, { 'content-type': 'application/json' })
        response.end('{"access_token":"a-token","token_type":"bearer","expires_in":7200}')
      },
    )
    const world = freshWorld()
    const lines: string[] = []
    const logger = (level: string, message: string) =>
      lines.push(`${level} ${message.replace(/\d+ ms/, 'n ms')}`)
    await getAccessToken({
      ...consumer,
      env: {},
      url: server.url.origin,
      logger,
      timeout: 60_000,
      retries: 1,
    })
    expect(server.heard.map(({ method, path, body }) => `${method} ${path} ${body}`)).toEqual([
      'POST /site/oauth2/access_token grant_type=client_credentials',
      'POST /site/oauth2/access_token grant_type=client_credentials',
    ])
    expect(lines.map((line) => line.replace(/:\d+/g, ':port').replace(/[\d.]+ s/, 'n s'))).toEqual([
      'warn Using url http://127.0.0.1:port instead of https://bitbucket.org. Your secrets will be sent there.',
      'debug POST http://127.0.0.1:port/site/oauth2/access_token: status 503 after n ms',
      'info 127.0.0.1:port answered with status 503. Retrying in n s (try 2 of 2).',
      'debug POST http://127.0.0.1:port/site/oauth2/access_token: status 200 after n ms',
      'info Bitbucket issued a token (client-credentials).',
    ])
    expect(world.err()).toBe('')
  })

  test('a redirect is not followed by the fetch that we use', async () => {
    const elsewhere = await loopback()
    const server = await loopback((response) =>
      response.writeHead(307, { location: `${elsewhere.url}site/oauth2/access_token` }).end(),
    )
    const error = await rejection(
      getAccessToken({
        ...consumer,
        env: {},
        url: server.url.origin,
        sendRequest: ({ url, ...init }) => fetch(url, init as RequestInit),
      }),
    )
    expect(error.code).toBe('answer-unusable')
    expect(elsewhere.heard).toEqual([])
  })

  test('isSuccess and isUnauthorized override the status', async () => {
    const ask = (status: number, hooks: TokenOptions) =>
      getAccessTokenIn(freshWorld(), { ...consumer, sendRequest: () => ({ status, body: token }), ...hooks })
    expect((await ask(201, { isSuccess: ({ status }) => status < 300 })).accessToken).toBe('a-token')
    expect((await rejection(ask(200, { isSuccess: () => false }))).code).toBe('answer-unusable')
    const refused = await rejection(ask(418, { isUnauthorized: ({ status }) => status === 418 }))
    expect(refused.code).toBe('credential-refused')
  })

  test('an unreachable server is reported', async () => {
    const url = `http://127.0.0.1:${await closedPort()}`
    forgetAccessTokens()
    const error = await rejection(getAccessToken({ ...consumer, env: {}, url, retries: 0 }))
    expect(error).toMatchObject({ code: 'unreachable', message: expect.stringContaining('ECONNREFUSED') })
  })
})

const token = '{"access_token":"a-token","token_type":"bearer","expires_in":7200}'

describe('hooks', () => {
  test('handleSuccess is called once for each new token', async () => {
    const world = freshWorld()
    const heard: unknown[] = []
    const options: TokenOptions = {
      ...consumer,
      ...fakeBitbucket(),
      appName: 'my-app',
      handleSuccess: ({ token: { accessToken }, appName }) => void heard.push([accessToken, appName]),
    }
    await Promise.all([getAccessTokenIn(world, options), getAccessTokenIn(world, options)])
    await getAccessTokenIn(world, options)
    expect(heard).toEqual([['access-1', 'my-app']])
  })

  test('a handleSuccess that fails loses no token, and is reported', async () => {
    const said: string[] = []
    const token = await getAccessTokenIn(freshWorld(), {
      ...consumer,
      ...fakeBitbucket(),
      logger: (level, message) => void said.push(`${level}: ${message}`),
      handleSuccess: async ({ token: { accessToken } }) => {
        throw new Error(`no place for ${accessToken}`)
      },
    })
    expect(token.accessToken).toBe('access-1')
    expect(said.at(-1)).toBe('error: handleSuccess failed: no place for ***')
  })

  test('handleError is called for each failure, and may throw another error', async () => {
    const { sendRequest } = fakeBitbucket(() => ({ error: 'invalid_grant' }))
    const heard: unknown[] = []
    const call = getAccessTokenIn(freshWorld(), {
      ...consumer,
      sendRequest,
      handleError: ({ error }) => {
        heard.push(error)
        throw new RangeError('mine')
      },
    })
    await expect(call).rejects.toThrow(RangeError)
    expect(heard).toEqual([expect.objectContaining({ code: 'credential-refused' })])
  })

  test('a logger that fails loses no token', async () => {
    const logger = () => {
      throw new Error('full')
    }
    const options = { ...consumer, ...fakeBitbucket(), logger }
    expect((await getAccessTokenIn(freshWorld(), options)).accessToken).toBe('access-1')
  })

  test.each([
    [{}, ''],
    [{ logging: true }, 'bitbucket-token: info: Bitbucket issued a token (client-credentials).\n'],
  ])('logging %o', async (logging, text) => {
    const world = freshWorld()
    await getAccessTokenIn(world, { ...consumer, ...fakeBitbucket(), ...logging })
    expect(world.err().replace(/^.*debug.*\n/gm, '')).toBe(text)
  })
})
