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

// A secret could show up in the library's errors, with all their fields and causes, and in its log.

/** Random values, because a secret of everyday words shares pieces with our own sentences. */
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

/** Answers with everything that the request contained, in every form, and with `others`. */
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
  'a 401 that repeats the request': echo(401, 'text/plain', (heard) => heard, everything),
  'an error that repeats the request': echo(500, 'text/plain', (heard) => heard, everything),
  'a page that repeats the request': echo(200, 'text/html', (heard) => `<html>${heard}</html>`, everything),
  'half a body': (response, socket) => {
    response.writeHead(200, { 'content-length': 10_000 })
    response.write(issued)
    setImmediate(() => socket.destroy())
  },
  'a token of an unknown type': (response) => response.end(issued.replace('bearer', 'mac')),
}

/** Calls the library and returns everything that it printed, logged or threw. */
async function outputOf(call: (logger: NonNullable<TokenOptions['logger']>) => Promise<unknown>) {
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

describe.each(Object.entries(credentials))(
  'shows no secret with a credential of the kind %s',
  (_, credential) => {
    test.each(Object.entries(servers))('%s', async (_, answer) => {
      const { url } = await loopback(answer)
      const output = await outputOf((logger) =>
        getAccessToken({ ...credential, env: {}, url: url.origin, retries: 0, logger }),
      )
      expect(output).toMatch(/credential-refused|unreachable|answer-unusable/)
      expect(secretsIn(output, secrets)).toEqual([])
    })

    test('a refusal that repeats the request', async () => {
      const known = [
        given['client secret'],
        credential.refreshToken ?? '',
        credential.loadConfig ? given['stored refresh token'] : '',
      ]
      const { url } = await loopback(echo(400, 'application/json', refusal, known))
      const output = await outputOf((logger) =>
        getAccessToken({ ...credential, env: {}, url: url.origin, logger }),
      )
      expect(output).toContain('credential-refused')
      expect(secretsIn(output, secrets)).toEqual([])
    })

    test.each<[string, SendRequest]>([
      [
        'throws an error with the request in it, as HTTP clients do',
        (request) => {
          throw Object.assign(new Error(`failed: ${inspect(request)} ${issued}`), { request, cause: request })
        },
      ],
      ['returns nonsense', (request) => ({ status: 200, body: inspect(request) })],
      ['returns no status', (request) => ({ body: inspect(request) }) as never],
      ['returns nothing', () => undefined as never],
    ])('a sendRequest that %s', async (_, sendRequest) => {
      const output = await outputOf((logger) =>
        getAccessToken({ ...credential, env: {}, sendRequest, retries: 0, logger }),
      )
      expect(output).toMatch(/unreachable|answer-unusable|input/)
      expect(secretsIn(output, secrets)).toEqual([])
    })

    test('a storage that throws an error with the tokens in it', async () => {
      const output = await outputOf((logger) =>
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
      expect(output).toContain('store-unwritable')
      expect(secretsIn(output, secrets)).toEqual([])
    })

    test('a token that is returned, and a REST API that repeats it', async () => {
      const rest = await loopback(echo(401, 'text/plain', (heard) => heard, everything))
      const output = await outputOf(async (logger) => {
        const options = { ...credential, env: {}, logger, sendRequest: () => ({ status: 200, body: issued }) }
        const api = await createAuthenticatedAPI({ ...options, apiUrl: rest.url.origin })
        const { status } = await api.fetch('/user')
        return [await getAccessToken(options), status, api]
      })
      expect(output).toContain('401')
      expect(secretsIn(output, secrets)).toEqual([])
    })
  },
)

test('shows no secret with an API token', async () => {
  const options = { email: 'a@example.com', apiToken: given['api token'], env: {} }
  const output = await outputOf((logger) => getAccessToken({ ...options, logger }))
  expect(output).toContain('api-token')
  expect(secretsIn(output, secrets)).toEqual([])
})
