import fc from 'fast-check'
import { expect } from 'vitest'
import { missingScopes, splitScopes, withImplied } from '../../src/bitbucket/scopes.ts'
import { requestToken } from '../../src/bitbucket/token-endpoint.ts'
import { clientCredentialsGrant } from '../../src/credentials/client-credentials.ts'
import { askBitbucket } from '../../src/credentials/verify.ts'
import { TokenError } from '../../src/errors.ts'
import { NoAnswer } from '../../src/http/exchange.ts'
import { delayBefore, readRetryAfter } from '../../src/http/retry.ts'
import { send } from '../../src/http/transport.ts'
import { basicCredentials, Secret } from '../../src/secret.ts'
import { fakeHttp } from '../support/fake-http.ts'
import { closedPort } from '../support/loopback.ts'
import { anyJson, anySecret, anyText, expectHarmless, outcomeOf, property, shown } from './property.ts'

// Answers from the network, which may repeat what was sent.

const echo = fc.tuple(anyText, fc.constantFrom('raw', 'encoded', 'basic', 'none'), anyText)
type Echo = readonly [string, string, string]
const echoed = ([before, form, after]: Echo, secret: string): string => {
  const forms: Record<string, string> = {
    raw: secret,
    encoded: new URLSearchParams({ v: secret }).toString().slice(2),
    basic: basicCredentials('a-client', new Secret(secret)).reveal(),
  }
  return `${before} ${forms[form] ?? ''} ${after}`
}
const status = fc.oneof(
  fc.constantFrom(200, 200, 301, 400, 401, 403, 404, 407),
  fc.integer({ min: 100, max: 999 }),
)
const headers = fc.dictionary(
  fc.constantFrom('location', 'x-oauth-scopes', 'x-credential-type', 'content-type'),
  fc.oneof(anyText, fc.constantFrom('https://example.com/x?y', 'text/html', '//evil', 'repository, account')),
)
const number = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.constantFrom('7200', ' 7 ', '9'.repeat(400), '', null, {}),
)

const tokenAnswer = fc.record({
  secret: anySecret,
  status,
  headers,
  echo,
  body: anyJson({
    access_token: fc.oneof(anyText, fc.constantFrom('good-token_1', '', 7, {}, 'two\nlines')),
    token_type: fc.constantFrom('bearer', 'Bearer', 'mac', '', 1),
    expires_in: number,
    scope: fc.oneof(anyText, fc.constant(['repository'])),
    scopes: anyText,
    refresh_token: fc.oneof(anyText, fc.constant(0)),
    error: fc.oneof(anyText, fc.constant('ECHO')),
    error_description: fc.oneof(anyText, fc.constant('ECHO')),
  }),
})

const base = new URL('https://bitbucket.org')
const withEcho = (body: string, what: Echo, secret: string): string =>
  body.replaceAll('"ECHO"', () => JSON.stringify(echoed(what, secret)))

property('token answer', tokenAnswer, async ({ secret, echo: what, body, ...response }) => {
  const { http } = fakeHttp({ ...response, body: withEcho(body, what, secret) })
  const client = { id: 'a-client', secret: new Secret(secret) }
  const issued = await outcomeOf(() =>
    requestToken(http, base, client, clientCredentialsGrant, new Secret('grant_type=client_credentials')),
  )
  if (issued instanceof TokenError) expectHarmless(shown(issued, secret, ['a-client']), secret)
  else {
    expect(issued.token.reveal()).toMatch(/^[\x21-\x7e]+$/)
    expect(issued.expiresIn).toBeGreaterThanOrEqual(1)
    expect(issued.expiresIn).toBeLessThan(1e9)
    expect(() => new Date(Date.now() + issued.expiresIn * 1_000).toISOString()).not.toThrow()
    // The token is written into line-based files, such as GITHUB_OUTPUT, and into the log's masks.
    expect(issued.refreshToken?.reveal() ?? '').toMatch(/^[\x21-\x7e]*$/)
  }
})

const restAnswer = fc.record({
  secret: anySecret,
  status,
  headers,
  echo,
  repository: fc.constantFrom(undefined, 'acme/web'),
  body: anyJson({
    type: anyText,
    display_name: fc.oneof(anyText, fc.constant('ECHO'), fc.constant({})),
    username: anyText,
    error: fc.oneof(
      anyText,
      fc.record({
        message: fc.oneof(anyText, fc.constant('ECHO')),
        detail: fc.oneof(
          anyText,
          fc.constant('ECHO'),
          fc.record({ required: fc.array(fc.oneof(anyText, fc.integer())), granted: fc.anything() }),
        ),
      }),
    ),
  }),
})

property('REST answer', restAnswer, async ({ secret, echo: what, body, repository, ...response }) => {
  const { http } = fakeHttp({ ...response, body: withEcho(body, what, secret) })
  const token = {
    kind: 'access-token',
    secret: new Secret(secret),
    authorization: new Secret(`Bearer ${secret}`),
  } as const
  const checked = await outcomeOf(() => askBitbucket(token, repository, http, base))
  if (checked instanceof TokenError) expectHarmless(shown(checked, secret, ['a-client']), secret)
  else {
    const told = [checked.account, checked.accountType, checked.credentialType, ...checked.missing]
    expect(told.join(' ')).not.toMatch(/\p{Cc}|##\w*\[/u)
  }
})

const retryAfter = fc.oneof(
  anyText,
  fc.nat().map((digit) => String(digit).repeat(1 + (digit % 60))),
  fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
  fc.tuple(fc.constantFrom('Mon', 'Sunday, '), anyText).map((parts) => parts.join('')),
)

property(
  'Retry-After',
  retryAfter,
  (header) => {
    const wait = readRetryAfter(header, Date.parse('2026-11-21T10:00:00Z'))
    if (wait === undefined) return
    expect(wait).toBeGreaterThanOrEqual(0)
    expect(
      Number.isFinite(
        delayBefore(2, {
          retryAfter: wait,
          timeLeft: wait + 60_000,
          triesLeftAfter429: 3,
          random: () => 0.5,
        }),
      ),
    ).toBe(true)
  },
  { examples: [['9'.repeat(400)]] },
)

property('scopes', fc.tuple(anyText, anyText), ([granted, wanted]) => {
  const scopes = splitScopes(granted)
  expect(scopes.join(' ')).toMatch(/^[\w:. -]*$/)
  expect(withImplied(scopes).size).toBeGreaterThanOrEqual(scopes.length)
  expect(missingScopes(scopes, scopes)).toEqual([])
  expect(missingScopes(splitScopes(wanted), []).length).toBe(splitScopes(wanted).length)
})

const port = closedPort()
const proxy = fc.oneof(
  anyText,
  fc
    .tuple(
      fc.constantFrom('', 'http://', 'https://', 'socks5://', 'HTTP://', '//', 'http:'),
      fc.oneof(anyText, fc.constantFrom('user:p%zz', 'a:b', '%')),
      fc.constantFrom('@', ''),
      fc.constantFrom('', '/', ' ', '/path?x'),
    )
    .map(([scheme, user, sign, end]) => ({ scheme, user, sign, end })),
)

property(
  "a proxy's address",
  fc.tuple(proxy, anySecret),
  async ([address, secret]) => {
    const where = `127.0.0.1:${await port}`
    const text =
      typeof address === 'string'
        ? address
        : `${address.scheme}${address.user}${address.sign === '' ? '' : `:${encodeURIComponent(secret)}@`}${where}${address.end}`
    // Skips other hosts, because the test must not look up names.
    if (text.includes('\0') || (URL.canParse(text) && new URL(text).hostname !== '127.0.0.1')) return
    process.env['http_proxy'] = text
    try {
      const request = { method: 'GET', url: new URL(`http://${where}/`), headers: {} } as const
      const end = await send(request, AbortSignal.timeout(5_000)).catch((error: unknown) => error)
      expect(end).toBeInstanceOf(NoAnswer)
      const { message, nextStep } = end as NoAnswer
      expectHarmless(`${message}\n${nextStep}`, secret)
      expectHarmless(`${message}\n${nextStep}`, encodeURIComponent(secret))
    } finally {
      delete process.env['http_proxy']
    }
  },
  { cost: 20 },
)
