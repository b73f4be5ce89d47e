import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import {
  createAuthenticatedAPI,
  forgetAccessTokens,
  getAccessToken,
  type SendRequest,
  type TokenOptions,
} from '../../src/library/index.ts'
import { Secrets, secretsIn } from '../e2e/support/secrets.ts'
import { type Answer, loopback } from '../support/loopback.ts'

// Where a secret could show that the library has touched: its errors with all that hangs on them, and its log.

/** Random ones: a secret of everyday words has pieces in sentences of our own. */
const given = {
  'client secret': 'uTHbNYGSp5/ShOSz5+cJxF=AN3kqq',
  'refresh token': 'QdcojlY1ykaZuyf7yhjjkWLZ8NSMF',
  'api token': 'ATATT3xFfGF0Cd4cTt9SJdgPlrdcOJa9UOwqyVvT',
  'stored access token': 'r21GEAmWBk2zWkdyWbAfxTVAMLIIXg',
  'stored refresh token': 'tfQHZkTo1bV2aYUoBlydUA3PbKXZi5p',
  'issued access token': 'Zd3yhfRHOm0TYBs1O88oy4YqxW4Mz0',
  'issued refresh token': 'lY2WV6iLXQpXfdnPoG7ESn4RwTzCK5Y',
}

const credentials: Record<string, TokenOptions> = {
  consumer: { clientId: 'a-key', clientSecret: given['client secret'] },
  'refresh token': {
    clientId: 'a-key',
    clientSecret: given['client secret'],
    refreshToken: given['refresh token'],
  },
  stored: {
    clientId: 'a-key',
    clientSecret: given['client secret'],
    loadConfig: () => ({
      refreshToken: given['stored refresh token'],
      accessToken: given['stored access token'],
    }),
    saveConfig: () => {},
  },
}

/** A server that tells all that it has heard, in every form, and all that there is to tell besides. */
const echo =
  (status: number, type: string, text: (heard: string) => string, others: readonly string[]): Answer =>
  (response) => {
    const { authorization } = response.req.headers
    const basic = Buffer.from(authorization?.split(' ')[1] ?? '', 'base64').toString()
    response
      .writeHead(status, { 'content-type': type })
      .end(text([authorization, basic, ...others].join(' ')))
  }
const everything = Object.values(given)

const issued = JSON.stringify({
  access_token: given['issued access token'],
  refresh_token: given['issued refresh token'],
  token_type: 'bearer',
  expires_in: 7200,
})

const refusal = (heard: string) => JSON.stringify({ error: 'invalid_grant', error_description: heard })
const servers: Record<string, Answer> = {
  'a 401 that cites the request': echo(401, 'text/plain', (heard) => heard, everything),
  'an error that does': echo(500, 'text/plain', (heard) => heard, everything),
  'a page that does': echo(200, 'text/html', (heard) => `<html>${heard}</html>`, everything),
  'half a body': (response, socket) => {
    response.writeHead(200, { 'content-length': 10_000 })
    response.write(issued)
    setImmediate(() => socket.destroy())
  },
  'a token of an unknown type': (response) => response.end(issued.replace('bearer', 'mac')),
}

/** Calls, and gives everything that was said. */
async function everythingSaid(call: (logger: NonNullable<TokenOptions['logger']>) => Promise<unknown>) {
  forgetAccessTokens()
  const lines: string[] = []
  const error = await call((level, message) => lines.push(`${level} ${message}`)).then(
    (result) => ({ result }),
    (reason: unknown) => reason,
  )
  const fields = error instanceof Error ? { ...error, text: [error.message, error.stack] } : error
  const shown = inspect([error, fields], { depth: 20, showHidden: true, maxStringLength: null })
  return [shown, JSON.stringify(fields), String(error), ...lines].join('\n')
}

const secrets = new Secrets()
for (const [name, value] of Object.entries(given)) secrets.add(value, name)

describe.each(Object.entries(credentials))('with a credential of the kind: %s', (_, credential) => {
  test.each(Object.entries(servers))('%s', async (_, answer) => {
    const { url } = await loopback(answer)
    const said = await everythingSaid((logger) =>
      getAccessToken({ ...credential, env: {}, url: url.origin, retries: 0, logger }),
    )
    expect(said).toMatch(/credential-refused|unreachable|answer-unusable/)
    expect(secretsIn(said, secrets)).toEqual([])
  })

  test('a refusal that cites the request', async () => {
    const known = [
      given['client secret'],
      credential.refreshToken ?? '',
      credential.loadConfig ? given['stored refresh token'] : '',
    ]
    const { url } = await loopback(echo(400, 'application/json', refusal, known))
    const said = await everythingSaid((logger) =>
      getAccessToken({ ...credential, env: {}, url: url.origin, logger }),
    )
    expect(said).toContain('credential-refused')
    expect(secretsIn(said, secrets)).toEqual([])
  })

  test.each<[string, SendRequest]>([
    [
      'throws all it has, as HTTP clients do',
      (request) => {
        throw Object.assign(new Error(`failed: ${inspect(request)} ${issued}`), { request, cause: request })
      },
    ],
    ['gives nonsense', (request) => ({ status: 200, body: inspect(request) })],
    ['gives no status', (request) => ({ body: inspect(request) }) as never],
    ['gives nothing', () => undefined as never],
  ])('a sendRequest that %s', async (_, sendRequest) => {
    const said = await everythingSaid((logger) =>
      getAccessToken({ ...credential, env: {}, sendRequest, retries: 0, logger }),
    )
    expect(said).toMatch(/unreachable|answer-unusable|input/)
    expect(secretsIn(said, secrets)).toEqual([])
  })

  test('a storage that throws what it was to keep', async () => {
    const said = await everythingSaid((logger) =>
      getAccessToken({
        ...credential,
        env: {},
        logger,
        sendRequest: () => ({ status: 200, body: issued }),
        loadConfig: credential.loadConfig ?? (() => undefined),
        saveConfig: (config) => {
          throw Object.assign(new Error(`insert ${JSON.stringify(config)}`), { parameters: config })
        },
      }),
    )
    expect(said).toContain('store-unwritable')
    expect(secretsIn(said, secrets)).toEqual([])
  })

  test('a token that is handed out, and a REST API that cites it', async () => {
    const rest = await loopback(echo(401, 'text/plain', (heard) => heard, everything))
    const said = await everythingSaid(async (logger) => {
      const options = { ...credential, env: {}, logger, sendRequest: () => ({ status: 200, body: issued }) }
      const api = await createAuthenticatedAPI({ ...options, apiUrl: rest.url.origin })
      const { status } = await api.fetch('/user')
      return [await getAccessToken(options), status, api]
    })
    expect(said).toContain('401')
    expect(secretsIn(said, secrets)).toEqual([])
  })
})

test('an API token', async () => {
  const options = { email: 'a@example.com', apiToken: given['api token'], env: {} }
  const said = await everythingSaid((logger) => getAccessToken({ ...options, logger }))
  expect(said).toContain('api-token')
  expect(secretsIn(said, secrets)).toEqual([])
})
