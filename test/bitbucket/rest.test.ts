import { describe, expect, test } from 'vitest'
import type { CredentialKind } from '../../src/credentials/index.ts'
import { askBitbucket } from '../../src/credentials/verify.ts'
import type { ErrorCode, TokenError } from '../../src/errors.ts'
import type { HttpResponse } from '../../src/http/exchange.ts'
import { Secret } from '../../src/secret.ts'
import { rejection } from '../support/failure.ts'
import { answer, fakeHttp, htmlPage, onTheWire } from '../support/fake-http.ts'

const api = new URL('https://api.bitbucket.org')
const token = (kind: CredentialKind = 'access-token') => ({
  kind,
  secret: new Secret('hunter'),
  authorization: new Secret('Bearer hunter'),
})

const check = (response: HttpResponse, repository?: string, kind?: CredentialKind) =>
  askBitbucket(token(kind), repository, fakeHttp(response).http, api)

async function failure(
  response: HttpResponse,
  code: ErrorCode,
  { repository, kind }: { repository?: string; kind?: CredentialKind } = {},
): Promise<TokenError> {
  const error = await rejection(check(response, repository, kind))
  expect(error.code).toBe(code)
  return error
}

/** Returns an error in the format of Bitbucket's REST API. */
const error = (message: string, detail?: unknown) => ({ type: 'error', error: { message, detail } })
const lacking = 'Your credentials lack one or more required privilege scopes.'
const invalid = 'Token is invalid, expired, or not supported for this endpoint.'

describe('the check', () => {
  test.each([
    ['https://api.bitbucket.org', undefined, 'https://api.bitbucket.org/2.0/user'],
    [
      'https://api.bitbucket.org',
      'acme/web.site',
      'https://api.bitbucket.org/2.0/repositories/acme/web.site',
    ],
    [
      'https://api.bitbucket.org',
      '{1-2}/{3-4}',
      'https://api.bitbucket.org/2.0/repositories/%7B1-2%7D/%7B3-4%7D',
    ],
    ['http://127.0.0.1:7990/api', undefined, 'http://127.0.0.1:7990/api/2.0/user'],
  ])('at %s for %s requests %s', async (base, repository, url) => {
    const { http, requests } = fakeHttp(answer(200, {}))
    await askBitbucket(token(), repository, http, new URL(base))
    expect(requests.map(onTheWire)).toEqual([
      {
        method: 'GET',
        url,
        headers: { authorization: 'Bearer hunter', accept: 'application/json' },
        body: undefined,
      },
    ])
  })
})

describe('a 200 proves a valid credential', () => {
  test('and returns account, type and scopes', async () => {
    const headers = {
      'x-oauth-scopes': 'account, repository:write',
      'x-credential-type': 'repo_access_token',
    }
    expect(await check(answer(200, { display_name: 'Ann', username: 'ann' }, headers))).toEqual({
      account: 'Ann',
      scopes: ['account', 'repository:write'],
      credentialType: 'repo_access_token',
      missing: [],
      doubt: undefined,
    })
  })

  test.each<[object, string | undefined]>([
    [{ display_name: 'Ann', username: 'ann', nickname: 'a', type: 'user' }, 'Ann'],
    [{ username: 'ann', type: 'user' }, 'ann'],
    [{ nickname: 'a', type: 'user' }, 'a'],
    // Client credentials act as this since May 2026.
    [{ type: 'app_user', account_status: 'active', kind: 'repository_access_token' }, 'app_user'],
    [{ display_name: '', username: 7, type: null }, undefined],
    [{ display_name: 'Ann\n::error::x \u001b[31m' }, 'Ann ::error::x [31m'],
  ])('and %j returns the account %j', async (body, account) => {
    expect((await check(answer(200, body))).account).toBe(account)
  })

  test('and returns no account for a repository', async () => {
    const body = { type: 'repository', display_name: 'web site' }
    expect(await check(answer(200, body), 'acme/website')).toEqual({
      account: undefined,
      scopes: undefined,
      credentialType: undefined,
      missing: [],
      doubt: undefined,
    })
  })

  test('and returns no scopes if the header is empty, but undefined without the header', async () => {
    expect((await check(answer(200, {}, { 'x-oauth-scopes': '' }))).scopes).toEqual([])
  })

  test.each([
    ['an HTML page', htmlPage(200)],
    ['text', answer(200, 'ok')],
    ['a list', answer(200, [])],
    ['null', answer(200, 'null')],
    ['an empty body', answer(200, '')],
  ])('but not if the body is %s', async (_, response) => {
    for (const repository of [undefined, 'acme/website']) {
      const { message } = await failure(
        response,
        'answer-unusable',
        repository === undefined ? {} : { repository },
      )
      expect(message).toContain('api.bitbucket.org answered with status 200')
    }
  })
})

describe('a 403 because of a missing scope', () => {
  const detail = { required: ['read:user:bitbucket'], granted: ['read:repository:bitbucket'] }

  test('is not an error for the account', async () => {
    const headers = { 'x-oauth-scopes': 'read:repository:bitbucket', 'x-credential-type': 'api_token' }
    expect(await check(answer(403, error(lacking, detail), headers))).toEqual({
      account: undefined,
      scopes: ['read:repository:bitbucket'],
      credentialType: 'api_token',
      missing: ['read:user:bitbucket'],
      doubt: undefined,
    })
  })

  test('is recognized by the headers alone', async () => {
    expect((await check(answer(403, '', { 'x-oauth-scopes': 'account' }))).scopes).toEqual(['account'])
  })

  test('is an error for a repository, which lists the required and the granted scopes', async () => {
    const { message, nextStep, exitStatus } = await failure(
      answer(403, error(lacking, detail)),
      'scope-missing',
      {
        repository: 'acme/website',
      },
    )
    expect(exitStatus).toBe(4)
    expect(message).toBe(
      'The credential is valid, but reading acme/website needs read:user:bitbucket; it has read:repository:bitbucket.',
    )
    expect(nextStep).toContain('create a new token')
  })

  test('lists the granted scopes from the headers if the detail does not', async () => {
    const body = error(lacking, { required: ['repository'] })
    const repository = 'acme/website'
    const told = await failure(answer(403, body, { 'x-oauth-scopes': 'account, wiki' }), 'scope-missing', {
      repository,
    })
    expect(told.message).toContain('it has account, wiki.')
    expect((await failure(answer(403, body), 'scope-missing', { repository })).message).toContain(
      'it has none.',
    )
  })

  test('is recognized by the words alone', async () => {
    const repository = 'acme/website'
    const { message } = await failure(answer(403, error(lacking)), 'scope-missing', { repository })
    expect(message).toContain(`lacks a scope for reading acme/website (status 403: "${lacking}")`)
  })
})

/** Bitbucket's sentences that deny access, and what to do about each. */
const denials: [string, string, RegExp][] = [
  [
    'To access this repository, an admin must whitelist your IP.',
    '',
    /^The workspace accepts only the IP addr/,
  ],
  ['Forbidden', 'Your IP address is not on the allowlist.', /^The workspace accepts only the IP addresses/],
  ['To access this repository, enable two-step verification.', '', /^The workspace requires two-step verif/],
  ['Two-factor authentication is required by an administrator.', '', /^The workspace requires two-step/],
  [
    "The account 'acme' has exceeded its user limit and this repository is restricted to read-only access.",
    '',
    /^The plan of the workspace has ended/,
  ],
  ['Access denied.', 'Your plan has expired.', /^The plan of the workspace has ended/],
  ['This account has been deactivated.', '', /^The account that owns the credential is disabled/],
  ['API tokens are blocked by your organization.', '', /^An administrator has blocked/],
  ['Access denied by admin', '', /^An administrator has blocked/],
  ['Forbidden', '', /does not say why.*allow list.*two-step verification.*plan.*disabled.*administrator/s],
]

describe('a 403 that does not mention scopes', () => {
  test.each(denials)('denies access to an API token: %s %s', async (message, detail, advice) => {
    const denied = await failure(answer(403, error(message, detail || undefined)), 'access-denied', {
      kind: 'api-token',
    })
    expect(denied.exitStatus).toBe(4)
    expect(denied.message).toContain(
      `denied access to the account of this API token (status 403: "${message}`,
    )
    expect(denied.message).toContain(detail)
    expect(denied.nextStep).toMatch(advice)
  })

  test.each(denials)('denies access to a repository: %s %s', async (message, detail, advice) => {
    const denied = await failure(answer(403, error(message, detail || undefined)), 'repository-unreadable', {
      repository: 'acme/website',
    })
    expect(denied.message).toContain(`denied access to acme/website (status 403: "${message}`)
    expect(denied.nextStep).toMatch(advice)
    expect(denied.nextStep).not.toContain('Check that workspace and slug')
  })

  test.each([
    [
      'if it names another reason',
      'read:repository:bitbucket',
      'To access this, an admin must whitelist your IP.',
    ],
    ['if the token may read its account', 'read:user:bitbucket', 'Forbidden'],
  ])('is not about a missing scope %s, whatever its header', async (_, scopes, message) => {
    const response = answer(403, error(message), { 'x-oauth-scopes': scopes })
    await failure(response, 'access-denied', { kind: 'api-token' })
  })

  test('is a doubt about an access token, which has no account', async () => {
    const message = 'This API is not accessible by this authentication mechanism'
    for (const status of [403, 401]) {
      expect((await check(answer(status, error(message)))).doubt).toBe(
        `Bitbucket did not confirm the access token (status ${status}: "${message}"). Set repository to check the credential with a repository that it must be able to read.`,
      )
    }
    const { doubt } = await check(answer(403, error('An admin must whitelist your IP.')))
    expect(doubt).toMatch(/whitelist your IP\."\)\. The workspace accepts only the IP addresses/)
  })
})

describe('a 403 that does not come from Bitbucket proves nothing', () => {
  test.each([
    ['an HTML page', htmlPage(403, 'Blocked by policy')],
    ['text', answer(403, 'Access denied')],
    ['an empty body', answer(403, '')],
    ['JSON in another format', answer(403, { message: 'Forbidden' })],
    ['JSON with an error in another format', answer(403, { error: 'blocked by policy' })],
    ['JSON with the error null', answer(403, { error: null })],
  ])('%s', async (_, response) => {
    for (const repository of [undefined, 'acme/website']) {
      const { nextStep } = await failure(
        response,
        'answer-unusable',
        repository === undefined ? {} : { repository },
      )
      expect(nextStep).toMatch(/proxy|firewall/)
    }
  })
})

describe('a 401 refuses the credential', () => {
  test('and lists every cause for an API token', async () => {
    const { message, nextStep } = await failure(answer(401, error(invalid)), 'credential-refused', {
      kind: 'api-token',
    })
    expect(message).toBe(`Bitbucket refused the API token (status 401: "${invalid}").`)
    expect(nextStep).toMatch(/email is the address.*not a user name/)
    expect(nextStep).toMatch(/"with scopes" for the app Bitbucket/)
    expect(nextStep).toMatch(/expired/)
    expect(nextStep).toMatch(/Bitbucket removed app passwords on 2026-07-28/)
  })

  test('and lists every cause for an access token, which may be an API token', async () => {
    const { nextStep } = await failure(answer(401, error(invalid)), 'credential-refused')
    expect(nextStep).toMatch(/ATATT….*api-token/)
    expect(nextStep).toMatch(/two hours/)
    expect(nextStep).toMatch(/expired/)
  })

  test.each(['client-credentials', 'refresh-token'] as const)(
    'although Bitbucket has just issued the token (%s)',
    async (kind) => {
      const { nextStep } = await failure(answer(401, error(invalid)), 'credential-refused', { kind })
      expect(nextStep).toMatch(/just issued.*status\.atlassian\.com/)
    },
  )

  test.each([
    ['an empty body', answer(401, '', { 'www-authenticate': 'BitbucketCustom realm=Bitbucket.org HTTP' })],
    ['an HTML page', htmlPage(401)],
    ['JSON in another format', answer(401, { problem: 'no' })],
  ])('even with %s', async (_, response) => {
    const { message } = await failure(response, 'credential-refused')
    expect(message).toBe('Bitbucket refused the access token (status 401).')
  })

  test('unless it is about the workspace (renovate PR 14402)', async () => {
    const body = { error: { message: 'You do not have access to view this workspace.' } }
    const { exitStatus } = await failure(answer(401, body), 'repository-unreadable', {
      repository: 'acme/website',
    })
    expect(exitStatus).toBe(4)
    await failure(answer(401, body), 'credential-refused')
  })
})

describe('other answers', () => {
  test('404 for a repository says what to check', async () => {
    const body = error('Repository acme/website not found')
    const { message, nextStep } = await failure(answer(404, body), 'repository-unreadable', {
      repository: 'acme/website',
    })
    expect(message).toContain('cannot read acme/website (status 404: "Repository acme/website not found")')
    expect(nextStep).toMatch(/workspace and slug/)
  })

  test('404 with an HTML page means a wrong api-url, not a missing repository', async () => {
    const { nextStep } = await failure(htmlPage(404), 'answer-unusable', { repository: 'acme/website' })
    expect(nextStep).toContain('api-url')
    await failure(answer(404, error('not found')), 'answer-unusable')
  })

  test.each([302, 407])('%d does not prove anything about the credential', async (status) => {
    const body = error('CHANGE-2770 - Functionality has been deprecated')
    expect((await failure(answer(status, body), 'answer-unusable')).message).toContain(`${status}`)
  })

  test.each([
    [402, 'access-denied', /plan of the workspace has ended/],
    [404, 'answer-unusable', /api-url/],
    [410, 'answer-unusable', /out of date/],
    [400, 'answer-unusable', /did not accept the request/],
    [418, 'answer-unusable', /did not accept the request/],
  ] as const)(
    'an error of Bitbucket with %d is quoted and does not blame the network',
    async (status, code, advice) => {
      const said = await failure(answer(status, error('Said.', 'In detail.')), code)
      expect(said.message).toBe(
        `api.bitbucket.org answered /2.0/user with an error (status ${status}: "Said. In detail.").`,
      )
      expect(said.nextStep).toMatch(advice)
      expect(said.nextStep).not.toMatch(/proxy|firewall/)
    },
  )

  test('400 about the Authorization header refuses the credential', async () => {
    const body = error('Bad request', 'Invalid Authorization header')
    const { message } = await failure(answer(400, body), 'credential-refused', { kind: 'api-token' })
    expect(message).toBe(
      'Bitbucket refused the API token (status 400: "Bad request: Invalid Authorization header").',
    )
  })

  test('400 without a body does not blame the network', async () => {
    const { message, nextStep } = await failure(answer(400, ''), 'answer-unusable')
    expect(message).toBe('api.bitbucket.org answered with status 400 and an empty body instead of JSON.')
    expect(nextStep).not.toMatch(/proxy|firewall/)
  })

  test('an error with status 200 is quoted', async () => {
    const { message } = await failure(answer(200, error('Said.')), 'answer-unusable')
    expect(message).toContain('(status 200: "Said.")')
  })

  test('skips a byte order mark before the JSON', async () => {
    const body = `\uFEFF${JSON.stringify({ display_name: 'Ann' })}`
    expect((await check(answer(200, body))).account).toBe('Ann')
  })
})

test('a refused token that looks like another kind is named as that', async () => {
  const { http } = fakeHttp(answer(401, error(invalid)))
  const secret = new Secret('ATATT3xFfGF0-hunter')
  const given = { kind: 'access-token', secret, authorization: secret }
  const { message, nextStep } = await rejection(askBitbucket(given, undefined, http, api))
  expect(message).toMatch(/The value of access-token is an API token \(ATATT…\)\./)
  expect(message + nextStep).not.toContain('hunter')
})
