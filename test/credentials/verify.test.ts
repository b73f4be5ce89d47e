import { describe, expect, test } from 'vitest'
import type { Credential } from '../../src/bitbucket/credential.ts'
import { bearer } from '../../src/credentials/bearer.ts'
import type { CredentialKind } from '../../src/credentials/index.ts'
import { type Requirements, verify } from '../../src/credentials/verify.ts'
import type { HttpResponse } from '../../src/http/exchange.ts'
import { Secret } from '../../src/secret.ts'
import { rejection } from '../support/failure.ts'
import { answer, fakeHttp } from '../support/fake-http.ts'

const api = new URL('https://api.bitbucket.org')
const nothing: Requirements = { verify: 'auto', scopes: [], repository: undefined }
const allGood = answer(200, { display_name: 'Ann' }, { 'x-oauth-scopes': 'account, repository' })

const token = (kind: CredentialKind, scopes?: string[]): Credential => ({
  ...bearer(kind, new Secret('hunter')),
  scopes,
})

async function verified(
  subject: Credential,
  demands: Partial<Requirements>,
  response: HttpResponse = allGood,
) {
  const { http, requests } = fakeHttp(response)
  const check = await verify(subject, { ...nothing, ...demands }, http, api)
  return { check, scopes: subject.scopes ?? check?.scopes, asked: requests.map(({ url }) => url.pathname) }
}

const refusal = (...given: Parameters<typeof verified>) => rejection(verified(...given))

const issued = ['client-credentials', 'refresh-token', 'jwt'] as const
const given = ['api-token', 'access-token'] as const

describe('asks Bitbucket', () => {
  test.each(given)(
    'about a token that was given, because no token endpoint has issued it: %s',
    async (kind) => {
      const { asked, scopes, check } = await verified(token(kind), {})
      expect(asked).toEqual(['/2.0/user'])
      expect(scopes).toEqual(['account', 'repository'])
      expect(check?.account).toBe('Ann')
    },
  )

  test.each(issued)('not about a token that Bitbucket has just issued: %s', async (kind) => {
    expect(await verified(token(kind, ['account']), {})).toEqual({
      asked: [],
      check: undefined,
      scopes: ['account'],
    })
    expect((await verified(token(kind, ['account']), { scopes: ['account'] })).asked).toEqual([])
    expect((await verified(token(kind), {})).asked).toEqual([])
  })

  test.each([...issued, ...given])('about a repository, with any token: %s', async (kind) => {
    const { asked } = await verified(token(kind, ['repository']), { repository: 'acme/website' })
    expect(asked).toEqual(['/2.0/repositories/acme/website'])
  })

  test('about scopes that the token endpoint did not return', async () => {
    const { asked, scopes } = await verified(token('client-credentials'), { scopes: ['repository'] })
    expect({ asked, scopes }).toEqual({ asked: ['/2.0/user'], scopes: ['account', 'repository'] })
  })

  test.each([...issued, ...given])('always with verify: true, never with verify: false: %s', async (kind) => {
    expect((await verified(token(kind, ['account']), { verify: true })).asked).toEqual(['/2.0/user'])
    expect((await verified(token(kind, ['account']), { verify: false })).asked).toEqual([])
  })
})

describe('scopes', () => {
  test('from the token endpoint override those of the check', async () => {
    expect((await verified(token('client-credentials', ['wiki']), { verify: true })).scopes).toEqual(['wiki'])
  })

  test('that others imply are enough', async () => {
    const { scopes } = await verified(token('client-credentials', ['pullrequest:write']), {
      scopes: ['repository'],
    })
    expect(scopes).toEqual(['pullrequest:write'])
  })

  test.each(['client-credentials', 'refresh-token'] as const)(
    'that are missing are named, with those that were granted: %s',
    async (kind) => {
      const error = await refusal(token(kind, ['account', 'wiki']), {
        scopes: ['repository', 'wiki', 'snippet'],
      })
      expect(error).toMatchObject({
        code: 'scope-missing',
        exitStatus: 4,
        message: 'The credential lacks repository, snippet. It has account, wiki.',
      })
      expect(error.nextStep).toContain('OAuth client')
    },
  )

  test('are all missing if the token has none', async () => {
    const { message } = await refusal(
      token('access-token'),
      { scopes: ['account'] },
      answer(200, {}, { 'x-oauth-scopes': '' }),
    )
    expect(message).toBe('The credential lacks account. It has no scopes.')
  })

  test('of a given token cannot be changed, and the next step says so', async () => {
    const subject = token('access-token')
    expect((await refusal(subject, { scopes: ['wiki'] })).nextStep).toContain('create a new token')
  })

  test('of a Connect app come from its descriptor, and the next step says so', async () => {
    expect((await refusal(token('jwt', ['account']), { scopes: ['wiki'] })).nextStep).toContain('descriptor')
  })

  test('of an API token imply no others, and have their own names', async () => {
    const headers = { 'x-oauth-scopes': 'write:repository:bitbucket' }
    const response = answer(200, {}, headers)
    const implied = await refusal(token('api-token'), { scopes: ['read:repository:bitbucket'] }, response)
    expect(implied.nextStep).toMatch(/No scope includes another/)
    const named = await refusal(token('api-token'), { scopes: ['wiki', 'repository:write'] }, response)
    expect(named.nextStep).toMatch(
      /read:repository:bitbucket.*cannot be scopes of an API token: wiki, repository:write\./,
    )
  })

  test('that are unknown do not matter if none are required', async () => {
    const { scopes } = await verified(token('access-token'), { verify: false })
    expect(scopes).toBeUndefined()
  })

  test.each([
    [
      'access-token',
      'auto',
      undefined,
      'Remove `scopes`, or set `repository`: the answer about it may name the scopes.',
    ],
    ['access-token', 'auto', 'acme/website', 'Remove `scopes`.'],
    ['api-token', 'auto', undefined, 'Remove `scopes`.'],
    ['access-token', false, undefined, 'Remove `scopes`, or let this program ask Bitbucket (verify: true).'],
  ] as const)(
    'that are unknown cannot be confirmed: %s, verify %s, repository %s',
    async (kind, verify, repository, nextStep) => {
      const demands = { scopes: ['account'], verify, repository }
      const error = await refusal(token(kind), demands, answer(200, {}))
      expect(error).toMatchObject({ code: 'scope-missing', exitStatus: 4, nextStep })
      expect(error.message).toContain('did not say')
    },
  )
})

test('a token that Bitbucket has issued is in no input, so a refusal does not suspect one', async () => {
  const issuedToken = { ...bearer('client-credentials', new Secret('ATATTx')), scopes: undefined }
  const { message } = await refusal(issuedToken, { verify: true }, answer(401, ''))
  expect(message).toBe('Bitbucket refused the token (status 401).')
})

test('a refusal stops the check', async () => {
  expect((await refusal(token('access-token'), {}, answer(401, ''))).code).toBe('credential-refused')
})
