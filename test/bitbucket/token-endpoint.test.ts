import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { assumedLifetime, requestToken } from '../../src/bitbucket/token-endpoint.ts'
import { clientCredentialsGrant } from '../../src/credentials/client-credentials.ts'
import { connectAppGrant } from '../../src/credentials/connect-app-grant.ts'
import { obtain } from '../../src/credentials/index.ts'
import { refreshTokenGrant } from '../../src/credentials/refresh-token.ts'
import { type ErrorCode, TokenError } from '../../src/errors.ts'
import type { HttpResponse } from '../../src/http/exchange.ts'
import { Secret } from '../../src/secret.ts'
import { rejection } from '../support/failure.ts'
import { answer, endpointsAt, fakeHttp, givenFor, htmlPage, onTheWire } from '../support/fake-http.ts'

const bitbucket = new URL('https://bitbucket.org')
const client = { id: 'key', secret: new Secret('hunter-secret') }

const grants = { 'client-credentials': clientCredentialsGrant, 'refresh-token': refreshTokenGrant }
type GrantName = keyof typeof grants

const request = (response: HttpResponse, kind: GrantName = 'client-credentials', url = bitbucket) =>
  requestToken(fakeHttp(response).http, url, client, grants[kind], new Secret('grant_type=x'))

async function failure(
  response: HttpResponse,
  code: ErrorCode,
  kind: GrantName = 'client-credentials',
): Promise<TokenError> {
  const error = await rejection(request(response, kind))
  expect(error.code).toBe(code)
  return error
}

/** Bitbucket's answers before May 2026, and since then. */
const legacy = {
  access_token: 'hunter-token=',
  scopes: 'repository pullrequest',
  expires_in: 7200,
  refresh_token: 'hunter-refresh',
  token_type: 'bearer',
  state: 'client_credentials',
}
const of2026 = { access_token: 'hunter-token', scope: 'repository', expires_in: 7200, token_type: 'Bearer' }

describe('the token request', () => {
  test.each([
    ['https://bitbucket.org', 'https://bitbucket.org/site/oauth2/access_token'],
    ['http://127.0.0.1:7990/', 'http://127.0.0.1:7990/site/oauth2/access_token'],
    ['https://gate.example.com/bitbucket', 'https://gate.example.com/bitbucket/site/oauth2/access_token'],
  ])('sends a form with HTTP Basic to %s', async (base, url) => {
    const { http, requests } = fakeHttp(answer(200, of2026))
    await requestToken(http, new URL(base), client, clientCredentialsGrant, new Secret('grant_type=x'))
    expect(requests.map(onTheWire)).toEqual([
      {
        method: 'POST',
        url,
        headers: {
          authorization: `Basic ${Buffer.from('key:hunter-secret').toString('base64')}`,
          'content-type': 'application/x-www-form-urlencoded',
          accept: 'application/json',
        },
        body: 'grant_type=x',
      },
    ])
  })

  test('uses the client-credentials grant', async () => {
    const { http, requests } = fakeHttp(answer(200, of2026))
    await obtain(
      givenFor('client-credentials', { 'client-id': 'key', 'client-secret': client.secret }),
      endpointsAt(bitbucket, http),
    )
    expect(requests.map(({ body }) => body?.reveal())).toEqual(['grant_type=client_credentials'])
  })

  test('encodes any refresh token for the refresh grant', async () => {
    const { http, requests } = fakeHttp(answer(200, of2026))
    const refreshToken = new Secret('a+b/c=&d %ü')
    await obtain(
      givenFor('refresh-token', {
        'client-id': 'key',
        'client-secret': client.secret,
        'refresh-token': refreshToken,
      }),
      endpointsAt(bitbucket, http),
    )
    const form = new URLSearchParams(requests[0]?.body?.reveal())
    expect(Object.fromEntries(form)).toEqual({ grant_type: 'refresh_token', refresh_token: 'a+b/c=&d %ü' })
  })

  test.each(['api-token', 'access-token'] as const)(
    'is not sent for an %s, which needs no grant',
    async (kind) => {
      const { http, requests } = fakeHttp(answer(500, ''))
      const given =
        kind === 'api-token'
          ? givenFor(kind, { email: 'ann@example.com', 'api-token': new Secret('hunter') })
          : givenFor(kind, { 'access-token': new Secret('hunter') })
      const token = await obtain(given, endpointsAt(bitbucket, http))
      expect(requests).toEqual([])
      expect([token.authorization.reveal(), token.gitUsername, token.tokenType, token.expiresIn]).toEqual(
        kind === 'api-token'
          ? [
              `Basic ${Buffer.from('ann@example.com:hunter').toString('base64')}`,
              'x-bitbucket-api-token-auth',
              'basic',
              undefined,
            ]
          : ['Bearer hunter', 'x-token-auth', 'bearer', undefined],
      )
    },
  )
})

describe('the JWT of a Connect app', () => {
  const signed = { jwt: new Secret('hunter-jwt') }
  const refused = (body: object, status = 400) => {
    const { http } = fakeHttp(answer(status, body))
    return rejection(requestToken(http, bitbucket, signed, connectAppGrant, new Secret('grant_type=x')))
  }

  test("is sent with Bitbucket's own scheme", async () => {
    const { http, requests } = fakeHttp(answer(200, of2026))
    await requestToken(http, bitbucket, signed, connectAppGrant, new Secret('grant_type=x'))
    expect(requests.map((one) => onTheWire(one).headers['authorization'])).toEqual(['JWT hunter-jwt'])
  })

  test('lists what to check if Bitbucket refuses it', async () => {
    const { message, nextStep, exitStatus } = await refused({ error: 'unauthorized_client' }, 401)
    expect(message).toBe('Bitbucket refused the JWT of the Connect app (status 401, unauthorized_client).')
    expect(nextStep).toMatch(/^Check in this order:/)
    expect(nextStep).toContain('connect-shared-secret')
    expect(nextStep).toContain('December 2026')
    expect(exitStatus).toBe(3)
  })

  test('recommends another kind of credential if Bitbucket no longer offers the grant', async () => {
    const { nextStep } = await refused({ error: 'unsupported_grant_type' })
    expect(nextStep).toMatch(/Only Connect apps.*OAuth client \(client-id, client-secret\)/)
  })

  test('exits 4 if Bitbucket refuses its scopes', async () => {
    const { message, nextStep, exitStatus } = await refused({ error: 'invalid_scope' })
    expect(message).toBe('Bitbucket refused the scopes (status 400, invalid_scope).')
    expect(nextStep).toContain("app's descriptor")
    expect(exitStatus).toBe(4)
  })
})

describe('an issued token', () => {
  test('is read in the format from before May 2026', async () => {
    const { token, refreshToken, ...rest } = await request(answer(200, legacy))
    expect([token.reveal(), refreshToken?.reveal()]).toEqual(['hunter-token=', 'hunter-refresh'])
    expect(rest).toEqual({ expiresIn: 7200, expiryIsAssumed: false, scopes: ['repository', 'pullrequest'] })
  })

  test('is read in the format since May 2026', async () => {
    const { token, refreshToken, ...rest } = await request(answer(200, of2026))
    expect([token.reveal(), refreshToken]).toEqual(['hunter-token', undefined])
    expect(rest).toEqual({ expiresIn: 7200, expiryIsAssumed: false, scopes: ['repository'] })
  })

  test('becomes a bearer credential for REST and git', async () => {
    const { http } = fakeHttp(answer(200, of2026))
    const given = givenFor('client-credentials', { 'client-id': 'key', 'client-secret': client.secret })
    const token = await obtain(given, endpointsAt(bitbucket, http))
    expect(token).toMatchObject({
      kind: 'client-credentials',
      tokenType: 'bearer',
      gitUsername: 'x-token-auth',
    })
    expect(token.authorization.reveal()).toBe('Bearer hunter-token')
  })

  test.each(['bearer', 'Bearer', 'BEARER'])('accepts the token type in any case: %s', async (type) => {
    expect((await request(answer(200, { ...of2026, token_type: type }))).token.reveal()).toBe('hunter-token')
  })

  test('may have several thousand characters, of any kind that a header allows', async () => {
    const token = "eyJ.-_~+/=%:@#?!$&'()*,;[]{}|^`".repeat(200)
    expect((await request(answer(200, { ...of2026, access_token: token }))).token.reveal()).toBe(token)
  })

  test.each<[unknown, number, boolean]>([
    [7200, 7200, false],
    ['7200', 7200, false],
    [' 7200 ', 7200, false],
    [3599.9, 3599, false],
    ['86400.92', 86_400, false],
    ['NaN', assumedLifetime, true],
    ['-7200', assumedLifetime, true],
    ['7200 s', assumedLifetime, true],
    [undefined, assumedLifetime, true],
    [null, assumedLifetime, true],
    [0, assumedLifetime, true],
    [-1, assumedLifetime, true],
    ['', assumedLifetime, true],
    ['soon', assumedLifetime, true],
    ['1e3', assumedLifetime, true],
    ['0x10', assumedLifetime, true],
    [true, assumedLifetime, true],
    [[7200], assumedLifetime, true],
    [{}, assumedLifetime, true],
    [1e300, assumedLifetime, true],
    ['9'.repeat(400), assumedLifetime, true],
  ])(
    'with expires_in %j is valid for %d seconds; assumed: %s',
    async (expires_in, expiresIn, expiryIsAssumed) => {
      expect(await request(answer(200, { ...of2026, expires_in }))).toMatchObject({
        expiresIn,
        expiryIsAssumed,
      })
    },
  )

  test('is valid for at least a second, whatever expires_in is', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.double(), fc.integer(), fc.string(), fc.jsonValue()),
        async (expires_in) => {
          const { expiresIn } = await request(answer(200, { ...of2026, expires_in }))
          expect(Number.isInteger(expiresIn)).toBe(true)
          expect(expiresIn).toBeGreaterThanOrEqual(1)
        },
      ),
      { numRuns: 300, examples: [[0.5], [Number.MIN_VALUE]] },
    )
  })

  test.each<[object, readonly string[] | undefined]>([
    [{ scope: 'account wiki' }, ['account', 'wiki']],
    [{ scopes: 'account' }, ['account']],
    [{ scope: 'account', scopes: 'wiki' }, ['account']],
    [{ scope: '' }, undefined],
    [{ scope: null, scopes: 'wiki' }, ['wiki']],
    [{ scope: ['account', 7, 'wiki'] }, ['account', 'wiki']],
    [{ scope: 7 }, undefined],
    [{}, undefined],
  ])('with %j has the scopes %j', async (given, scopes) => {
    const { scope: _, ...rest } = of2026
    expect((await request(answer(200, { ...rest, ...given }))).scopes).toEqual(scopes)
  })
})

describe('a refresh token in the answer', () => {
  const given = givenFor('refresh-token', {
    'client-id': 'key',
    'client-secret': client.secret,
    'refresh-token': new Secret('hunter-old'),
  })
  const rotated = async (refresh_token: unknown) => {
    const { http } = fakeHttp(answer(200, { ...of2026, refresh_token }))
    return (await obtain(given, endpointsAt(bitbucket, http))).refreshToken?.reveal()
  }

  test('is returned if it is new', async () => {
    expect(await rotated('hunter-new')).toBe('hunter-new')
  })

  test.each(['hunter-old', undefined, '', null, 7])('is ignored if it is %j', async (refresh_token) => {
    expect(await rotated(refresh_token)).toBeUndefined()
  })
})

describe('a 200 without a usable token', () => {
  const bodies: [string, HttpResponse][] = [
    ['an HTML login page', htmlPage(200)],
    ['an empty body', answer(200, '')],
    ['text', answer(200, 'ok')],
    ['half a document', answer(200, '{"access_token":"hunter-token","token_type":"bea')],
    ['null', answer(200, 'null')],
    ['a string', answer(200, '"hunter-token"')],
    ['a number', answer(200, '42')],
    ['a list', answer(200, [of2026])],
  ]
  test.each(bodies)('reports %s', async (_, response) => {
    const { message } = await failure(response, 'answer-unusable')
    expect(message).toMatch(
      /^bitbucket\.org answered with status 200 and .* instead of a bearer token in JSON/,
    )
  })

  const flaws: [object | string, string][] = [
    [{}, 'access_token is missing'],
    [`{"__proto__":${JSON.stringify(of2026)}}`, 'access_token is missing'],
    [{ ...of2026, access_token: null }, 'access_token is missing'],
    [{ ...of2026, access_token: '' }, 'access_token is empty'],
    [{ ...of2026, access_token: { a: 1 } }, 'access_token is an object, not a string'],
    [{ ...of2026, access_token: ['hunter'] }, 'access_token is a list, not a string'],
    [{ ...of2026, access_token: 7 }, 'access_token is a number, not a string'],
    [{ ...of2026, access_token: 'hunter\nhunter' }, 'access_token contains a line break'],
    [{ ...of2026, access_token: 'hunter hunter' }, 'access_token contains a space'],
    [
      { ...of2026, access_token: 'hünter-hunter' },
      'access_token contains a character that is not printable ASCII',
    ],
    [{ ...of2026, access_token: 'hunter'.repeat(11_000) }, 'access_token is longer than 65536 characters'],
    [{ ...of2026, token_type: undefined }, 'token_type is missing'],
    [{ ...of2026, token_type: null }, 'token_type is missing'],
    [{ ...of2026, token_type: '' }, 'token_type is missing'],
    [{ ...of2026, token_type: 'mac' }, 'token_type is "mac", not "bearer"'],
    [{ ...of2026, token_type: 7 }, 'token_type is a number, not "bearer"'],
    [
      { ...of2026, token_type: 'hunter-token-in-the-wrong-field' },
      'token_type is something else, not "bearer"',
    ],
    [{ ...of2026, refresh_token: 'hunter hunter' }, 'refresh_token contains a space'],
  ]
  test.each(flaws)('says what is wrong with %j', async (body, flaw) => {
    const { message } = await failure(answer(200, body), 'answer-unusable')
    expect(message).toBe(`bitbucket.org answered with status 200, but issued no usable token: ${flaw}.`)
  })

  test('says that it is an HTML page, and where it may come from', async () => {
    const { message, nextStep } = await failure(htmlPage(200, 'hunter'), 'answer-unusable')
    expect(message).toContain('an HTML page instead of a bearer token in JSON')
    expect(nextStep).toMatch(/proxy.*firewall.*login page/)
    expect(nextStep).toContain('https://bitbucket.org')
  })

  test('reports any other JSON', async () => {
    await fc.assert(
      fc.asyncProperty(fc.json(), async (body) => {
        const error = await request(answer(200, body)).catch((reason: unknown) => reason)
        expect(error).toBeInstanceOf(TokenError)
      }),
      { numRuns: 300 },
    )
  })
})

describe('a refusal by the token endpoint', () => {
  /** Bitbucket's status, error and description, the kind of credential, and what the next step must say. */
  const table: [number, string, string, GrantName, RegExp][] = [
    [
      400,
      'invalid_grant',
      'Cannot use client_credentials with a consumer marked as "public". Calls for auto generated consumers should use urn:bitbucket:oauth2:jwt instead.',
      'client-credentials',
      /tick it.*private consumer/,
    ],
    [
      400,
      'invalid_request',
      'No callback uri defined for the OAuth client.',
      'client-credentials',
      /callback URL/,
    ],
    [
      400,
      'unauthorized_client',
      'Invalid OAuth client credentials',
      'client-credentials',
      /ID \(key\) or the secret/,
    ],
    [
      400,
      'unauthorized_client',
      'Requests must be authenticated using OAuth client credentials',
      'client-credentials',
      /ID \(key\) or the secret/,
    ],
    [
      400,
      'invalid_request',
      'Invalid refresh_token',
      'refresh-token',
      /refresh token is no longer valid.*ten minutes/,
    ],
    [
      400,
      'invalid_grant',
      'The refresh token was revoked',
      'refresh-token',
      /refresh token is no longer valid/,
    ],
    [400, 'invalid_grant', '', 'refresh-token', /refresh token is no longer valid/],
    [
      400,
      'invalid_grant',
      'Unsupported grant type: None',
      'client-credentials',
      /did not receive the request/,
    ],
    [
      400,
      'invalid_request',
      'Invalid resource owner username/password',
      'client-credentials',
      /Enable the grant "Client credentials" for this client/,
    ],
    [401, 'invalid_client', '', 'client-credentials', /ID \(key\) or the secret/],
    [401, 'invalid_client', 'Client authentication failed', 'refresh-token', /ID \(key\) or the secret/],
    [403, 'access_denied', 'Forbidden', 'client-credentials', /ID \(key\) or the secret/],
    [400, 'invalid_scope', '', 'client-credentials', /tab Scopes/],
    ...(
      [
        ['client-credentials', 'Client credentials'],
        ['refresh-token', 'Authorization code'],
      ] as const
    ).flatMap(([kind, grant]): [number, string, string, GrantName, RegExp][] => [
      [400, 'unsupported_grant_type', '', kind, new RegExp(`Enable the grant "${grant}" for this client`)],
      [
        400,
        'unauthorized_client',
        'The client is not authorized to use the grant type client_credentials',
        kind,
        new RegExp(`Enable the grant "${grant}" for this client`),
      ],
    ]),
    [
      400,
      'invalid_request',
      'Something else',
      'client-credentials',
      /did not accept the request.*or the secret/,
    ],
  ]
  test.each(table)('%d %s "%s" for %s', async (status, error, description, kind, hint) => {
    const body = { error_description: description, error }
    const { message, nextStep } = await failure(answer(status, body), 'credential-refused', kind)
    expect(nextStep.replaceAll('\n', ' ')).toMatch(hint)
    expect(message).toContain(`status ${status}, ${error}`)
    if (description !== '') expect(message).toContain(`"${description}"`)
    expect(message).toMatch(
      kind === 'refresh-token' ? /refused the refresh token/ : /refused the client credentials/,
    )
  })

  test('of a wrong ID or secret warns of the usual mistake, a user name and password', async () => {
    const { nextStep } = await failure(answer(400, { error: 'unauthorized_client' }), 'credential-refused')
    expect(nextStep).toMatch(/User names, passwords/)
    expect(nextStep).toMatch(/app password/)
  })

  test.each([
    ['a 401 without a body', answer(401, '')],
    ['JSON that is not an object', answer(400, '[]')],
    ['an error without words', answer(400, { error: {}, error_description: 7 })],
    ['a 400 without a body', answer(400, '')],
  ])('is recognized from %s', async (_, response) => {
    const { message } = await failure(response, 'credential-refused')
    expect(message).toBe(`Bitbucket refused the client credentials (status ${response.status}).`)
  })

  test.each([
    ['an error in the format of REST', { type: 'error', error: { message: 'Forbidden', detail: 'Ask us.' } }],
    ['an error in the format of a gateway', { code: 403, message: 'Forbidden', detail: 'Ask us.' }],
    ['an error in a list of errors', { errors: [{ title: 'Forbidden', detail: 'Ask us.' }] }],
    ['an error in a list', [{ error: { message: 'Forbidden', detail: 'Ask us.' } }]],
  ])('%s is quoted, with likely reasons', async (_, body) => {
    const { message, nextStep } = await failure(answer(403, body), 'credential-refused')
    expect(message).toBe('Bitbucket refused the client credentials (status 403, "Forbidden: Ask us.").')
    expect(nextStep).toMatch(/allow list.*two-step verification.*plan.*disabled.*administrator/s)
  })

  test('names only the IP allow list if the words mention it', async () => {
    const message = 'To access this repository, an admin must whitelist your IP.'
    const { nextStep } = await failure(answer(403, { error: { message } }), 'credential-refused')
    expect(nextStep).toMatch(/^The workspace accepts only the IP addresses on its allow list/)
    expect(nextStep).not.toContain('two-step')
  })

  test.each([
    ['ATATT3xFfGF0-hunter', 'x', 'The value of client-secret is an API token (ATATT…).'],
    ['x', 'ATCTT3xFfGF0-hunter', 'The value of refresh-token is an access token (ATCTT…).'],
  ])('says which value is in the wrong input: %s, %s', async (secret, refreshToken, says) => {
    const { http } = fakeHttp(answer(400, { error: 'invalid_client' }))
    const given = givenFor('refresh-token', {
      'client-id': 'key',
      'client-secret': new Secret(secret),
      'refresh-token': new Secret(refreshToken),
    })
    const refused = await obtain(given, endpointsAt(bitbucket, http)).catch((reason: unknown) => reason)
    const { message, nextStep } = refused as TokenError
    expect(message).toContain(says)
    expect(message + nextStep).not.toContain('hunter')
  })

  test.each([400, 403])(
    'with %d and plain text says that it is not JSON, and who may have sent it',
    async (status) => {
      const { message, nextStep } = await failure(answer(status, 'Access denied'), 'credential-refused')
      expect(message).toBe(`Bitbucket refused the client credentials (status ${status}, not JSON).`)
      expect(nextStep).toMatch(/proxy or firewall/)
    },
  )

  test('is read from JSON with an HTML content type', async () => {
    const headers = { 'content-type': 'text/html' }
    const { message } = await failure(answer(400, { error: 'invalid_client' }, headers), 'credential-refused')
    expect(message).toContain('status 400, invalid_client')
  })

  test.each([
    ['alone', { error: 'invalid_grant', error_description: 'The code is spent.' }],
    ['with a token', { ...of2026, error: 'invalid_grant', error_description: 'The code is spent.' }],
  ])('is recognized with status 200, %s', async (_, body) => {
    const { message } = await failure(answer(200, body), 'credential-refused')
    expect(message).toBe(
      'Bitbucket refused the client credentials (status 200, invalid_grant, "The code is spent.").',
    )
  })

  test.each([null, '', false, [], {}])('is not reported for a token with the error %j', async (error) => {
    expect((await request(answer(200, { ...of2026, error }))).token.reveal()).toBe('hunter-token')
  })

  test('is reported for a 401 with an HTML page, because a 401 is always about the credential', async () => {
    const { message } = await failure(htmlPage(401), 'credential-refused')
    expect(message).toBe('Bitbucket refused the client credentials (status 401, not JSON).')
  })

  test('is quoted without characters that are harmful in a log', async () => {
    const error_description = `bad\n::add-mask::x\n##[error]y \u001b[31m`
    const { message } = await failure(answer(400, { error: 'a\nb', error_description }), 'credential-refused')
    expect(message).not.toMatch(/[\n\u001b]|##\[/)
    expect(message).toContain('"bad ::add-mask::x # #[error]y [31m"')
  })
})

describe('an error of Bitbucket that is not a refusal', () => {
  const body = { type: 'error', error: { message: 'Gone for good.', detail: 'See the changelog.' } }

  test.each([402, 404, 410, 418])('%d is quoted and does not blame the network', async (status) => {
    const code = status === 402 ? 'access-denied' : 'answer-unusable'
    const { message, nextStep } = await failure(answer(status, body), code)
    expect(message).toBe(
      `bitbucket.org answered /site/oauth2/access_token with an error (status ${status}: "Gone for good. See the changelog.").`,
    )
    expect(nextStep).not.toMatch(/proxy|firewall/)
  })

  test('410 says that this program is out of date, even without words', async () => {
    expect((await failure(answer(410, body), 'answer-unusable')).nextStep).toContain('out of date')
    expect((await failure(answer(410, ''), 'answer-unusable')).nextStep).toContain('out of date')
  })

  test.each(['temporarily_unavailable', 'server_error'])('%s is retried', async (error) => {
    const { http, requests } = fakeHttp(answer(200, of2026))
    await requestToken(http, bitbucket, client, clientCredentialsGrant, new Secret('grant_type=x'))
    expect(requests[0]?.retryLaterCode?.(answer(400, { error }))).toBe(error)
    expect(requests[0]?.retryLaterCode?.(answer(400, { error: 'invalid_grant' }))).toBeUndefined()
  })
})

test('skips a byte order mark before the JSON', async () => {
  const issued = await request(answer(200, `\uFEFF${JSON.stringify(of2026)}`))
  expect(issued.token.reveal()).toBe('hunter-token')
  const { message } = await failure(answer(400, '\uFEFF{"error":"invalid_client"}'), 'credential-refused')
  expect(message).toContain('invalid_client')
})

describe('an answer that does not come from Bitbucket', () => {
  test.each([400, 403])('is an HTML page with %d', async (status) => {
    const { message } = await failure(htmlPage(status), 'answer-unusable')
    expect(message).toContain(`status ${status} and an HTML page`)
  })

  test.each([301, 302, 307])('is a redirect with %d, of which only the origin is shown', async (status) => {
    const location = 'https://login.example.com/sso?secret=hunter'
    const { message, nextStep } = await failure(answer(status, '', { location }), 'answer-unusable')
    expect(message).toContain('a redirect to https://login.example.com instead of a token')
    expect(nextStep).toMatch(/not followed.*url and api-url/)
  })

  test('is a redirect without a valid location', async () => {
    expect((await failure(answer(302, ''), 'answer-unusable')).message).toContain('a redirect instead of')
    expect((await failure(answer(302, '', { location: 'http://' }), 'answer-unusable')).message).toContain(
      'a redirect instead of',
    )
    const { message } = await failure(answer(302, '', { location: '/login' }), 'answer-unusable')
    expect(message).toContain('a redirect to https://bitbucket.org instead of')
  })

  test('is a proxy that requires a password', async () => {
    const { message, nextStep } = await failure(htmlPage(407), 'answer-unusable')
    expect(message).toContain('a proxy requires a user name and password')
    expect(nextStep).toContain('HTTPS_PROXY=http://user:password@proxy:port')
  })

  test.each([404, 405])('is a wrong url with %d', async (status) => {
    const { message, nextStep } = await failure(htmlPage(status), 'answer-unusable')
    expect(message).toBe(
      `bitbucket.org answered with status ${status}: /site/oauth2/access_token was not found.`,
    )
    expect(nextStep).toContain('Check url and api-url')
  })

  test.each([204, 410, 418, 451])('is an empty body with %d', async (status) => {
    expect((await failure(answer(status, ''), 'answer-unusable')).message).toContain(
      `status ${status} and an empty body`,
    )
  })
})
