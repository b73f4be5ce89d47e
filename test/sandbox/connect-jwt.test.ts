import { createHmac } from 'node:crypto'
import { describe, expect } from 'vitest'
import type { ConnectAppCredentials, Sandbox } from '../../src/sandbox/index.ts'
import { ask, askRest, clock, start, test } from './start.ts'

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

interface Signing {
  readonly header?: object
  readonly claims?: object
  readonly key?: string
  readonly at?: number
}

/** Signs a JWT as the app would, with any changes that the test gives. */
function signed(app: ConnectAppCredentials, { header, claims, key, at = Date.now() }: Signing = {}): string {
  const iat = Math.floor(at / 1000)
  const usual = { iss: app.appKey, sub: app.clientKey, iat, exp: iat + 180 }
  const text = `${part({ alg: 'HS256', typ: 'JWT', ...header })}.${part({ ...usual, ...claims })}`
  return `${text}.${createHmac('sha256', key ?? app.sharedSecret)
    .update(text)
    .digest('base64url')}`
}

const exchange = (sandbox: Sandbox, authorization: string, form: Record<string, string> = {}) =>
  ask(`${sandbox.url}/site/oauth2/access_token`, {
    method: 'POST',
    headers: { authorization },
    body: new URLSearchParams({ grant_type: 'urn:bitbucket:oauth2:jwt', ...form }),
  })

test('exchanges a JWT for a token with all scopes of the app, without a refresh token', async () => {
  const sandbox = await start({ scopes: ['account', 'repository'] })
  const { status, text } = await exchange(sandbox, `JWT ${signed(sandbox.credentials.connectApp)}`)
  const { access_token: token, ...rest } = JSON.parse(text)
  expect(status).toBe(200)
  expect(rest).toEqual({ scope: 'account repository', expires_in: 7200, token_type: 'bearer' })
  expect((await askRest(sandbox, '/2.0/user', `Bearer ${token}`)).status).toBe(200)
})

test('grants fewer scopes if scope asks for them, including scopes that those of the app imply', async ({
  sandbox,
}) => {
  const app = sandbox.issue('connect-app', { scopes: ['pullrequest:write'] })
  const jwt = `JWT ${signed(app)}`
  const scopeOf = async (scope: string) => JSON.parse((await exchange(sandbox, jwt, { scope })).text)
  expect(await scopeOf('repository:write')).toMatchObject({ scope: 'repository:write' })
  expect(await scopeOf('repository:write account')).toMatchObject({ error: 'invalid_scope' })
})

describe('refuses a JWT', () => {
  const table: [string, (sandbox: Sandbox, app: ConnectAppCredentials) => string][] = [
    ['signed with another secret', (_, app) => `JWT ${signed(app, { key: 'another' })}`],
    ['of another app', (_, app) => `JWT ${signed(app, { claims: { iss: 'com.example.other' } })}`],
    ['of an unknown installation', (_, app) => `JWT ${signed(app, { claims: { sub: 'nobody' } })}`],
    ['that has expired', (_, app) => `JWT ${signed(app, { at: Date.now() - 181_000 })}`],
    ['from the future', (_, app) => `JWT ${signed(app, { at: Date.now() + 60_000 })}`],
    ['without an expiry', (_, app) => `JWT ${signed(app, { claims: { exp: undefined } })}`],
    ['with another algorithm', (_, app) => `JWT ${signed(app, { header: { alg: 'none' } })}`],
    ['with one part too many', (_, app) => `JWT ${signed(app)}.x`],
    ['that is not a JWT', () => 'JWT abc'],
    ['in another scheme', (_, app) => `jwt ${signed(app)}`],
    [
      'of an app whose client key was revoked',
      (sandbox, app) => {
        sandbox.revoke(app.clientKey)
        return `JWT ${signed(app)}`
      },
    ],
    [
      'of an app whose shared secret was revoked',
      (sandbox, app) => {
        sandbox.revoke(app.sharedSecret)
        return `JWT ${signed(app)}`
      },
    ],
  ]
  test.each(table)('%s', async (_, authorization) => {
    const sandbox = await start()
    const { status, text } = await exchange(sandbox, authorization(sandbox, sandbox.credentials.connectApp))
    expect(status).toBe(400)
    expect(JSON.parse(text).error).toBe('unauthorized_client')
  })
})

test('refuses other grants to an app', async ({ sandbox }) => {
  const jwt = `JWT ${signed(sandbox.credentials.connectApp)}`
  const { text } = await exchange(sandbox, jwt, { grant_type: 'client_credentials' })
  expect(JSON.parse(text)).toMatchObject({ error: 'invalid_grant' })
})

test("uses the sandbox's clock", async () => {
  const time = clock()
  const sandbox = await start({ now: time.now })
  const jwt = `JWT ${signed(sandbox.credentials.connectApp, { at: time.now() })}`
  expect((await exchange(sandbox, jwt)).status).toBe(200)
  time.advance(180)
  expect((await exchange(sandbox, jwt)).status).toBe(400)
})
