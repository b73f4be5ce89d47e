import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { connectApp } from '../../src/credentials/connect-app.ts'
import type { GrantContext } from '../../src/credentials/kind.ts'
import type { TokenError } from '../../src/errors.ts'
import type { Http } from '../../src/http/exchange.ts'
import { Secret } from '../../src/secret.ts'
import { answer, onTheWire } from '../support/fake-http.ts'

const given = {
  'connect-app-key': 'com.example.app',
  'connect-client-key': 'the-installation',
  'connect-shared-secret': new Secret('hunter-shared-PUBLIC-ü'),
} as const

const token = answer(200, {
  access_token: 'hunter-token',
  scope: 'repository',
  expires_in: 7200,
  token_type: 'bearer',
})
const refusal = answer(400, { error: 'unauthorized_client' })

/** Runs the grant and records its steps in order. `answers` are functions so that one can move the clock first. */
async function granted(
  { time = 1_000_500, ...options }: { time?: number } & Partial<GrantContext>,
  ...answers: ((clock: { time: number }) => typeof token)[]
) {
  const clock = { time }
  const steps: string[] = []
  const forms: string[] = []
  const jwts: string[] = []
  const http: Http = async (request) => {
    const { headers, body } = onTheWire(request)
    jwts.push(headers['authorization']?.replace('JWT ', '') ?? '')
    forms.push(body ?? '')
    steps.push('asked')
    const next = answers.shift()
    if (next === undefined) throw new Error('unexpected request')
    return next(clock)
  }
  const outcome = await connectApp
    .obtain(given, {
      http,
      url: new URL('https://bitbucket.org'),
      scopes: [],
      now: () => clock.time,
      hide: (secret) => steps.push(`hid ${secret.reveal()}`),
      warn: (text) => steps.push(`warned: ${text}`),
      ...options,
    })
    .then(
      (issued) => ({ issued, error: undefined }),
      (error: unknown) => ({ issued: undefined, error }),
    )
  return { ...outcome, steps, forms, jwts }
}

const partsOf = (jwt = '') => {
  const [head = '', claims = '', signature] = jwt.split('.')
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())
  const expected = createHmac('sha256', 'hunter-shared-PUBLIC-ü')
    .update(`${head}.${claims}`)
    .digest('base64url')
  return { head: read(head), claims: read(claims), isSigned: signature === expected }
}

test('the JWT names the app and the installation, is valid for three minutes, and is signed with the shared secret', async () => {
  const { jwts } = await granted({}, () => token)
  expect(partsOf(jwts[0])).toEqual({
    head: { alg: 'HS256', typ: 'JWT' },
    claims: { iss: 'com.example.app', sub: 'the-installation', iat: 1000, exp: 1180 },
    isSigned: true,
  })
})

test('warns once that Connect ends, and masks the JWT before it is sent', async () => {
  const { steps, jwts } = await granted({}, () => token)
  expect(steps).toEqual([expect.stringMatching(/^warned: .*December 2026/), `hid ${jwts[0]}`, 'asked'])
})

test('requests all scopes of the app, or only some', async () => {
  expect((await granted({}, () => token)).forms).toEqual(['grant_type=urn%3Abitbucket%3Aoauth2%3Ajwt'])
  const { forms } = await granted({ scopes: ['repository:write', 'account'] }, () => token)
  expect(Object.fromEntries(new URLSearchParams(forms[0]))).toEqual({
    grant_type: 'urn:bitbucket:oauth2:jwt',
    scope: 'repository:write account',
  })
})

test('the token is a bearer token without a refresh token', async () => {
  const { issued } = await granted({}, () => token)
  expect(issued).toMatchObject({
    kind: 'jwt',
    tokenType: 'bearer',
    gitUsername: 'x-token-auth',
    expiresIn: 7200,
  })
  expect(issued?.refreshToken).toBeUndefined()
})

test('does not retry after a refusal', async () => {
  const { error, jwts } = await granted({}, () => refusal)
  expect(error).toMatchObject({ code: 'credential-refused', exitStatus: 3 })
  expect(jwts).toHaveLength(1)
})

test('retries only after a refusal, however late the answer is', async () => {
  const { error, jwts } = await granted({}, (clock) => {
    clock.time += 180_000
    return answer(200, 'no token')
  })
  expect(error).toMatchObject({ code: 'answer-unusable' })
  expect(jwts).toHaveLength(1)
})

describe('a machine whose clock is wrong', () => {
  const time = Date.parse('2026-11-21T12:00:00Z')
  const refusedAt = (date: string) => () => answer(400, { error: 'unauthorized_client' }, { date })

  test.each([
    ['Sat, 21 Nov 2026 12:07:00 GMT', 420, "This machine's clock is 7 min behind Bitbucket's"],
    ['Sat, 21 Nov 2026 12:02:00 GMT', 120, "This machine's clock is 2 min behind Bitbucket's"],
    ['Sat, 21 Nov 2026 11:58:45 GMT', -75, "This machine's clock is 75 s ahead of Bitbucket's"],
  ])('retries once with the time of the answer: %s', async (date, seconds, says) => {
    const { issued, jwts, steps } = await granted({ time }, refusedAt(date), () => token)
    expect(issued?.secret.reveal()).toBe('hunter-token')
    const [first, second] = jwts.map((jwt) => partsOf(jwt).claims)
    expect([second.iat - first.iat, second.exp - second.iat]).toEqual([seconds, 180])
    expect(steps.filter((step) => step.startsWith('warned')).join()).toContain(says)
    expect(steps.indexOf(`hid ${jwts[1]}`)).toBeLessThan(steps.lastIndexOf('asked'))
  })

  test('says what else to check if the second request is refused as well, and does not retry again', async () => {
    const late = refusedAt('Sat, 21 Nov 2026 12:07:00 GMT')
    const { error, jwts } = await granted({ time }, late, late)
    expect(jwts).toHaveLength(2)
    expect(error).toMatchObject({ code: 'credential-refused' })
    expect((error as TokenError).nextStep).toMatchInlineSnapshot(`
      "Check in this order:
      - connect-client-key and connect-shared-secret are clientKey and sharedSecret of the newest "installed" callback (each installation has its own, and installing the app again replaces them);
      - connect-app-key is the "key" in the app's descriptor;
      - the app is still installed: Workspace settings → Installed apps;
      - Bitbucket still accepts Connect apps: Atlassian ends their support in December 2026."
    `)
  })

  test.each(['Sat, 21 Nov 2026 11:59:30 GMT', 'Sat, 21 Nov 2026 12:00:30 GMT', 'yesterday', ''])(
    'is not suspected if the answer’s date is %j',
    async (date) => {
      const { error, jwts } = await granted({ time }, refusedAt(date))
      expect(error).toMatchObject({ code: 'credential-refused' })
      expect(jwts).toHaveLength(1)
    },
  )

  test('is not suspected if only the scopes were refused', async () => {
    const date = 'Sat, 21 Nov 2026 12:07:00 GMT'
    const { error, jwts } = await granted({ time }, () => answer(400, { error: 'invalid_scope' }, { date }))
    expect(error).toMatchObject({ code: 'scope-missing' })
    expect(jwts).toHaveLength(1)
  })
})

test.each([
  ['whose retries took longer than its JWT is valid', 180_000],
  ['during which the clock was set back', -7_200_000],
])('a request %s is made again with a new JWT, and each warning comes once', async (_, passed) => {
  const late = (clock: { time: number }) => {
    clock.time += passed
    return refusal
  }
  const { issued, steps, jwts } = await granted({ time: 10_000_000_000 }, late, () => token)
  expect(issued?.secret.reveal()).toBe('hunter-token')
  expect(jwts.map((jwt) => partsOf(jwt).claims.iat)).toEqual([10_000_000, 10_000_000 + passed / 1_000])
  expect(steps.filter((step) => step.startsWith('warned'))).toHaveLength(1)
})
