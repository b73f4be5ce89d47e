import { expect, test } from 'vitest'
import {
  basicPairsIn,
  type CredentialInputs,
  credentialInputs,
  credentialKinds,
  datedTokens,
  definitionOfKind,
  spendsRefreshToken,
  withWrongInputHint,
} from '../../src/credentials/index.ts'
import { refreshTokenGrant } from '../../src/credentials/refresh-token.ts'
import { cachedOf, credentialOf, identityOf } from '../../src/credentials/shared-token.ts'
import { TokenError } from '../../src/errors.ts'
import { Secret } from '../../src/secret.ts'
import { failure, rejection } from '../support/failure.ts'

const inputs = (given: Record<string, string | Secret>) =>
  ({ ...Object.fromEntries(credentialInputs.map((name) => [name, undefined])), ...given }) as CredentialInputs

test('expires-on is for the tokens that a user made', () => {
  expect(datedTokens).toBe('API token or access token')
})

test('only the refresh grant spends a refresh token', () => {
  expect(credentialKinds.filter(spendsRefreshToken)).toEqual(['refresh-token'])
})

test('an unknown kind is a mistake in this program', () => {
  expect(() => definitionOfKind('magic')).toThrow('there is no kind of credential magic')
})

test('HTTP Basic sends the ID and secret of a client, and the email and token of an account', () => {
  const [clientSecret, apiToken] = [new Secret('client'), new Secret('account')]
  const both = {
    'client-id': 'id',
    'client-secret': clientSecret,
    email: 'a@example.com',
    'api-token': apiToken,
  }
  expect(basicPairsIn(inputs(both))).toEqual([
    { user: 'id', secret: clientSecret },
    { user: 'a@example.com', secret: apiToken },
  ])
  expect(basicPairsIn(inputs({ 'client-id': 'id', 'api-token': apiToken }))).toEqual([])
})

test.each([
  [
    'api-token',
    undefined,
    'Bitbucket does not say; at most a year after it was created: id.atlassian.com → Security → API tokens',
  ],
  ['access-token', 'repo_access_token', 'the API does not say; see the settings page → Access tokens'],
  [
    'access-token',
    undefined,
    'Bitbucket does not say; two hours after it was issued if it is an OAuth token',
  ],
  ['client-credentials', undefined, undefined],
])('check says when a token usually expires: %s, type %s', (kind, type, words) => {
  expect(definitionOfKind(kind).usualExpiry?.(type)).toBe(words)
})

const looksLikeClient =
  'The value of api-token is as long as the ID or secret of an OAuth client. Those belong in client-id and client-secret.'

test.each([
  [
    'access-token',
    'ATBBx',
    'The value of access-token is an app password (ATBB…). Bitbucket removed app passwords on 2026-07-28.',
  ],
  ['access-token', 'ghp_x', 'The value of access-token is a GitHub token. Bitbucket does not accept it.'],
  [
    'access-token',
    'github_pat_x',
    'The value of access-token is a GitHub token. Bitbucket does not accept it.',
  ],
  ['access-token', 'glpat-x', 'The value of access-token is a GitLab token. Bitbucket does not accept it.'],
  [
    'access-token',
    'ATATTx',
    "The value of access-token is an API token (ATATT…). It belongs in api-token, with its account's email address in email.",
  ],
  ['api-token', 'ATCTTx', 'The value of api-token is an access token (ATCTT…). It belongs in access-token.'],
  [
    'api-token',
    'eyJab.cd.ef',
    'The value of api-token is a JWT, like an OAuth access token. An OAuth access token belongs in access-token; Bitbucket does not accept the OIDC tokens of Pipelines.',
  ],
  ['api-token', 'a'.repeat(18), looksLikeClient],
  ['api-token', 'a'.repeat(32), looksLikeClient],
  ['api-token', 'a'.repeat(76), looksLikeClient],
  ['client-secret', 'a'.repeat(32), undefined],
  ['refresh-token', 'a'.repeat(32), undefined],
  ['connect-shared-secret', 'a'.repeat(76), undefined],
  ['access-token', 'ATCTTx', undefined],
  ['access-token', 'xATATT', undefined],
  [
    'access-token',
    `ATATT${'a'.repeat(13)}`,
    "The value of access-token is an API token (ATATT…). It belongs in api-token, with its account's email address in email.",
  ],
  ['api-token', 'eyJab.cd.ef!', undefined],
  ['api-token', 'eyJ.b.c', undefined],
  ['api-token', '!'.repeat(18), undefined],
  ['api-token', '!'.repeat(32), undefined],
  ['api-token', '!'.repeat(76), undefined],
  ['refresh-token', 'eyJa.b.c', undefined],
  ['api-token', 'a'.repeat(33), undefined],
  ['api-token', 'ATATTx', undefined],
  ['api-token', 'an-older-token', undefined],
  ['api-token', 'xATBB ghp_ glpat- ATCTT eyJa.b.c', undefined],
])('a refusal says what else the value of %s can be: %s', async (input, value, hint) => {
  const refusal = new TokenError('credential-refused', 'Bitbucket refused it.', 'Use another one.')
  const refused = async () => Promise.reject(refusal)
  const { message, nextStep } = await rejection(withWrongInputHint({ [input]: new Secret(value) }, refused))
  expect([message, nextStep]).toEqual([
    hint === undefined ? 'Bitbucket refused it.' : `Bitbucket refused it. ${hint}`,
    'Use another one.',
  ])
  expect(message).not.toContain(value)
})

test('other errors get no such hint', async () => {
  const secret = new Secret('ATBBx')
  for (const error of [new TokenError('unreachable', 'no answer', 'Retry.'), new Error('a mistake')]) {
    const failing = withWrongInputHint({ 'access-token': secret }, async () => Promise.reject(error))
    await expect(failing).rejects.toBe(error)
  }
})

test('processes share the token of the same server, inputs and scopes', () => {
  const place = { url: new URL('https://bitbucket.org'), scopes: ['account'] }
  const client = inputs({ 'client-id': 'id', 'client-secret': new Secret('secret') })
  expect(identityOf({ kind: 'client-credentials', inputs: client }, place)).toEqual([
    'https://bitbucket.org/',
    'id',
    new Secret('secret'),
  ])
  expect(identityOf({ kind: 'jwt', inputs: inputs({ 'connect-app-key': 'app' }) }, place)).toEqual([
    'https://bitbucket.org/',
    'app',
    '',
    '',
    'account',
  ])
})

test('a token keeps its expiry and scopes in a cache, and its remaining lifetime is counted again', () => {
  const cached = {
    token: new Secret('a'),
    expiresAt: 10_500,
    lifetime: 10_000,
    scopes: ['account'],
    refreshToken: undefined,
  }
  const credential = credentialOf('client-credentials', cached, { now: () => 1_000 })
  expect(credential).toMatchObject({
    expiresIn: 9,
    expiresAt: 10_500,
    scopes: ['account'],
    secret: cached.token,
  })
  expect(credentialOf('client-credentials', cached, { now: () => 11_000 }).expiresIn).toBe(0)
  expect(cachedOf({ ...credential, expiresIn: 10 }, { now: () => 0 })).toEqual(cached)
  const withoutExpiry = { ...credential, expiresIn: undefined, expiresAt: undefined }
  expect(cachedOf(withoutExpiry, { now: () => 500 })).toMatchObject({ expiresAt: 500, lifetime: 0 })
})

const [id, secret, newId, newSecret] = [18, 32, 32, 76].map((length) => 'a'.repeat(length))
const names = { nameOf: (input: string) => input }
test.each([
  [`${id}:${secret}`, true],
  [`${newId}:${newSecret}`, true],
  [`!${id}:${secret}`, false],
  [`${id}:${secret}!`, false],
  [`!${newId}:${newSecret}`, false],
  [`${newId}:${newSecret}!`, false],
  [`!${id?.slice(1)}:${secret}`, false],
  [`${id}:!${secret?.slice(1)}`, false],
  [`!${newId?.slice(1)}:${newSecret}`, false],
  [`${newId}:!${newSecret?.slice(1)}`, false],
])(
  'a client secret that also contains the ID, in the lengths of Bitbucket, is refused: %s, %s',
  (value, isRefused) => {
    const check = () =>
      definitionOfKind('client-credentials').checkInputs?.(
        { 'client-secret': new Secret(value) } as never,
        names,
      )
    if (!isRefused) return expect(check).not.toThrow()
    expect(failure(check)).toMatchObject({
      message: 'client-secret also contains the ID of the OAuth client.',
      nextStep: 'Give what is before the colon in client-id, and what is after it in client-secret.',
    })
  },
)

test('a refusal lists what to check; only for an account it says to set a repository', () => {
  const advice = (kind: string, repository?: string) => definitionOfKind(kind).adviseOnRefusal(repository)
  expect(advice('access-token')).toMatchInlineSnapshot(`
    "Check in this order:
    - the token has not expired and was not revoked: settings of its repository, project or workspace → Access tokens;
    - it is an access token (ATCTT…), not an API token (ATATT…), which goes into api-token with its email;
    - it was not issued by an earlier run: an OAuth token expires after two hours.
    - it may read an account. A repository access token may not: set repository to check it with that repository."
  `)
  expect(advice('access-token', 'acme/website')).not.toContain('set repository')
  expect(refreshTokenGrant.ifInvalid).toMatchInlineSnapshot(`
    "The refresh token is no longer valid. Each use returns a new one, and Bitbucket drops the old one about ten minutes later. It also drops a refresh token that was not used for three months.
    Store the newest refresh token, or use client credentials, which need none."
  `)
  expect(advice('api-token')).toMatchInlineSnapshot(`
    "Check in this order:
    - email is the address of the Atlassian account that owns the token, not a user name;
    - the token was created "with scopes" for the app Bitbucket (Bitbucket refuses a token without scopes, or for Jira or Confluence);
    - it has not expired (a year at most) and was not revoked: id.atlassian.com → Security → API tokens;
    - the value is an API token: Bitbucket removed app passwords on 2026-07-28."
  `)
})

test.each([
  ['ann@example.com:token', 'Give only what follows the colon.'],
  [btoa('ann@example.com:token'), 'Decode the Base64 and give only what follows the colon.'],
])('a token that begins with its own user name is refused: %s', (token, nextStep) => {
  const check = (email: string | undefined, value: string) =>
    definitionOfKind('api-token').checkInputs?.({ email, 'api-token': new Secret(value) } as never, names)
  expect(failure(() => check('ann@example.com', token))).toMatchObject({
    message: 'api-token also contains email.',
    nextStep,
  })
  expect(() => check(undefined, 'undefined:token')).not.toThrow()
})
