import { describe, expect, test } from 'vitest'
import type { CredentialKind } from '../../src/bitbucket/credential.ts'
import { checkCredential } from '../../src/bitbucket/rest.ts'
import { type ErrorCode, TokenError } from '../../src/errors.ts'
import type { HttpResponse } from '../../src/http/exchange.ts'
import { Secret } from '../../src/secret.ts'
import { answer, fakeHttp, htmlPage, onTheWire } from '../support/fake-http.ts'

const api = new URL('https://api.bitbucket.org')
const token = (kind: CredentialKind = 'access-token') => ({
  kind,
  authorization: new Secret('Bearer hunter'),
})

const check = (response: HttpResponse, repository?: string, kind?: CredentialKind) =>
  checkCredential(fakeHttp(response).http, api, token(kind), repository)

async function failure(
  response: HttpResponse,
  code: ErrorCode,
  { repository, kind }: { repository?: string; kind?: CredentialKind } = {},
): Promise<TokenError> {
  const error = await check(response, repository, kind).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(TokenError)
  const { message, nextStep } = error as TokenError
  expect((error as TokenError).code).toBe(code)
  expect(message + nextStep).not.toContain('hunter')
  expect(nextStep).not.toBe('')
  return error as TokenError
}

/** Bitbucket's own words. */
const error = (message: string, detail?: unknown) => ({ type: 'error', error: { message, detail } })
const lacking = 'Your credentials lack one or more required privilege scopes.'
const invalid = 'Token is invalid, expired, or not supported for this endpoint.'

describe('the question', () => {
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
  ])('at %s for %s', async (base, repository, url) => {
    const { http, requests } = fakeHttp(answer(200, {}))
    await checkCredential(http, new URL(base), token(), repository)
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

describe('a 200 is a valid credential', () => {
  test('of an account, a kind and scopes', async () => {
    const headers = {
      'x-oauth-scopes': 'account, repository:write',
      'x-credential-type': 'repo_access_token',
    }
    expect(await check(answer(200, { display_name: 'Ann', username: 'ann' }, headers))).toEqual({
      account: 'Ann',
      scopes: ['account', 'repository:write'],
      credentialType: 'repo_access_token',
      missing: [],
    })
  })

  test.each<[object, string | undefined]>([
    [{ display_name: 'Ann', username: 'ann', nickname: 'a', type: 'user' }, 'Ann'],
    [{ username: 'ann', type: 'user' }, 'ann'],
    [{ nickname: 'a', type: 'user' }, 'a'],
    // What client credentials act as since May 2026.
    [{ type: 'app_user', account_status: 'active', kind: 'repository_access_token' }, 'app_user'],
    [{ display_name: '', username: 7, type: null }, undefined],
    [{ display_name: 'Ann\n::error::x \u001b[31m' }, 'Ann ::error::x [31m'],
  ])('of %j is the account %j', async (body, account) => {
    expect((await check(answer(200, body))).account).toBe(account)
  })

  test('for a repository tells no account, for it was not asked', async () => {
    const body = { type: 'repository', display_name: 'web site' }
    expect(await check(answer(200, body), 'acme/website')).toEqual({
      account: undefined,
      scopes: undefined,
      credentialType: undefined,
      missing: [],
    })
  })

  test('without scopes has none, which is not the same as not being told', async () => {
    expect((await check(answer(200, {}, { 'x-oauth-scopes': '' }))).scopes).toEqual([])
  })

  test.each([
    ['a page', htmlPage(200)],
    ['text', answer(200, 'ok')],
    ['a list', answer(200, [])],
    ['null', answer(200, 'null')],
    ['nothing', answer(200, '')],
  ])('but not with %s', async (_, response) => {
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

describe('a 403 is a valid credential with a scope missing', () => {
  const detail = { required: ['read:user:bitbucket'], granted: ['read:repository:bitbucket'] }

  test('which is no error for the account', async () => {
    const headers = { 'x-oauth-scopes': 'read:repository:bitbucket', 'x-credential-type': 'api_token' }
    expect(await check(answer(403, error(lacking, detail), headers))).toEqual({
      account: undefined,
      scopes: ['read:repository:bitbucket'],
      credentialType: 'api_token',
      missing: ['read:user:bitbucket'],
    })
  })

  test.each([
    ['a sentence', error('Forbidden', 'This resource needs more.')],
    ['nothing', error('Forbidden')],
    ['lists of other things', error('Forbidden', { required: [7, null], granted: 'x' })],
    ['a list', error('Forbidden', ['a'])],
  ])('also where the detail is %s', async (_, body) => {
    expect((await check(answer(403, body))).missing).toEqual([])
  })

  test('also with no word but its headers', async () => {
    expect((await check(answer(403, '', { 'x-oauth-scopes': 'account' }))).scopes).toEqual(['account'])
  })

  test('which for a repository is an error that shows what is needed and what is there', async () => {
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
    expect(nextStep).toContain('make a new token')
  })

  test('and takes what is there from the headers where the detail does not tell', async () => {
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

  test.each([
    ['a sentence', error('Forbidden', 'You need access.'), 'Forbidden You need access.'],
    ['nothing', error(''), undefined],
  ])('and where the detail is %s, the repository cannot be read', async (_, body, said) => {
    const { message } = await failure(answer(403, body), 'repository-unreadable', {
      repository: 'acme/website',
    })
    expect(message).toBe(
      `The credential is valid, but it cannot read acme/website (status 403${said === undefined ? '' : `: "${said}"`}).`,
    )
  })
})

describe('a 403 that is not Bitbucket’s proves nothing', () => {
  test.each([
    ['a page', htmlPage(403, 'Blocked by policy')],
    ['text', answer(403, 'Access denied')],
    ['nothing', answer(403, '')],
    ['JSON of another make', answer(403, { message: 'Forbidden' })],
    ['JSON with an error of another make', answer(403, { error: 'blocked by policy' })],
    ['JSON with an error that is null', answer(403, { error: null })],
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

describe('a 401 is a refusal', () => {
  test('of an API token, with every cause of the one sentence that Bitbucket says', async () => {
    const { message, nextStep } = await failure(answer(401, error(invalid)), 'credential-refused', {
      kind: 'api-token',
    })
    expect(message).toBe(`Bitbucket refused the api token (status 401: "${invalid}").`)
    expect(nextStep).toMatch(/email is the address.*not a user name/)
    expect(nextStep).toMatch(/"with scopes" for the app Bitbucket/)
    expect(nextStep).toMatch(/expired/)
    expect(nextStep).toMatch(/app passwords are gone since 2026-07-28/)
  })

  test('of an access token, which may be an API token in the wrong place', async () => {
    const { nextStep } = await failure(answer(401, error(invalid)), 'credential-refused')
    expect(nextStep).toMatch(/ATATT….*api-token/)
    expect(nextStep).toMatch(/two hours/)
    expect(nextStep).toMatch(/expired/)
  })

  test.each(['client-credentials', 'refresh-token'] as const)(
    'of a token just issued (%s), which is odd',
    async (kind) => {
      const { nextStep } = await failure(answer(401, error(invalid)), 'credential-refused', { kind })
      expect(nextStep).toMatch(/just issued.*status\.atlassian\.com/)
    },
  )

  test.each([
    ['an empty body', answer(401, '', { 'www-authenticate': 'BitbucketCustom realm=Bitbucket.org HTTP' })],
    ['a page', htmlPage(401)],
    ['JSON of another make', answer(401, { error: 'no' })],
  ])('also with %s', async (_, response) => {
    const { message } = await failure(response, 'credential-refused')
    expect(message).toBe('Bitbucket refused the access token (status 401).')
  })

  test('but not where it speaks of the workspace (renovate PR 14402)', async () => {
    const body = { error: { message: 'You do not have access to view this workspace.' } }
    const { exitStatus } = await failure(answer(401, body), 'repository-unreadable', {
      repository: 'acme/website',
    })
    expect(exitStatus).toBe(4)
    await failure(answer(401, body), 'credential-refused')
  })
})

describe('other answers', () => {
  test('a repository that Bitbucket does not find, with what to check', async () => {
    const body = error('Repository acme/website not found')
    const { message, nextStep } = await failure(answer(404, body), 'repository-unreadable', {
      repository: 'acme/website',
    })
    expect(message).toContain('cannot read acme/website (status 404: "Repository acme/website not found")')
    expect(nextStep).toMatch(/workspace and slug/)
  })

  test('a 404 page is a wrong api-url, not a missing repository', async () => {
    const { nextStep } = await failure(htmlPage(404), 'answer-unusable', { repository: 'acme/website' })
    expect(nextStep).toContain('api-url')
    await failure(answer(404, error('not found')), 'answer-unusable')
  })

  test.each([302, 400, 407, 410, 418])('%d is no answer to the question', async (status) => {
    const body = error('CHANGE-2770 - Functionality has been deprecated')
    expect((await failure(answer(status, body), 'answer-unusable')).message).toContain(`${status}`)
  })
})
