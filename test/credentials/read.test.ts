import { describe, expect, test } from 'vitest'
import { type CredentialInputs, readCredentialInputs } from '../../src/credentials/index.ts'
import { failure } from '../support/failure.ts'

type Name = keyof CredentialInputs

const read = (given: Partial<Record<Name, string>>) =>
  readCredentialInputs((name) => given[name], { nameOf: (name) => `the ${name}` })

const refusal = (given: Partial<Record<Name, string>>) => failure(() => read(given))

const secrets = [
  'client-secret',
  'refresh-token',
  'api-token',
  'access-token',
  'connect-shared-secret',
] as const satisfies Name[]

const pasted: [string, string][] = [
  ['Authorization: Bearer ATCTT3hunter', 'is a whole Authorization header.'],
  ['authorization:Basic aHVudGVy', 'is a whole Authorization header.'],
  ['"Authorization: Bearer ATCTT3hunter"', 'is a whole Authorization header.'],
  ['"Authorization": "Bearer hunter"', 'is a whole Authorization header.'],
  ['Bearer ATCTT3hunter', 'begins with "Bearer".'],
  ['bearer\thunter', 'begins with "Bearer".'],
  ["'Bearer hunter'", 'begins with "Bearer".'],
  ['Basic aHVudGVyOmh1bnRlcg==', 'begins with "Basic".'],
  ['JWT hunter.hunter.hunter', 'begins with the name of a scheme.'],
  ['https://x-token-auth:hunter@bitbucket.org/acme/website.git', 'is a web address.'],
  ['x-token-auth:ATCTT3hunter', 'begins with the user name that git sends.'],
  ['x-bitbucket-api-token-auth:ATATT3hunter', 'begins with the user name that git sends.'],
  ['ada@example.com:ATATT3hunter', 'begins with an email address.'],
  ['ada@example.com:hunter', 'begins with an email address.'],
  ['curl -u ada:hunter https://api.bitbucket.org/2.0/user', 'is a piece of a curl command.'],
  ['-u ada:hunter', 'is a piece of a curl command.'],
  ['--user ada:hunter', 'is a piece of a curl command.'],
  ['-H "Authorization: Bearer hunter"', 'is a piece of a curl command.'],
  ['--header=Authorization:hunter', 'is a piece of a curl command.'],
  ['BITBUCKET_ACCESS_TOKEN=hunter', 'begins with the name of a variable.'],
  ['export BITBUCKET_API_TOKEN="ATATT3hunter"', 'begins with the name of a variable.'],
  ['{"access_token": "hunter"}', 'is a JSON document.'],
  ['ada:ATATT3hunter', 'has a name before the token.'],
  ['token: ATCTT3hunter', 'has a name before the token.'],
  ['TOKEN="ATCTT3hunter"', 'has a name before the token.'],
]

describe.each(secrets)('%s that contains more than the secret is an input error', (name) => {
  test.each(pasted)('%s', (value, holds) => {
    const { message, exitStatus } = refusal({ [name]: value })
    expect(message).toBe(`the ${name} ${holds}`)
    expect(exitStatus).toBe(2)
  })

  // Bitbucket's future character sets are unknown, so only what is certainly not a secret is refused.
  test.each([
    'bearer-hunter',
    'Bearerhunter',
    '-u:hunter',
    'user:hunter',
    'a=b',
    'https-hunter',
    '{hunter}',
    'hunter@example.com',
    'tokenATATT3',
    'x-token-auth',
  ])('but %s is accepted', (value) => {
    expect(read({ [name]: value })[name]).toMatchObject({})
  })
})

describe('two parts of a credential in one input', () => {
  const base64 = (text: string) => Buffer.from(text).toString('base64')

  test.each<[Partial<Record<Name, string>>, string]>([
    [{ 'client-id': 'key', 'client-secret': 'key:hunter' }, 'the client-secret also contains the client-id.'],
    [
      { 'client-id': 'key', 'client-secret': base64('key:hunter') },
      'the client-secret also contains the client-id.',
    ],
    [
      { email: 'ada@example.com', 'api-token': base64('ada@example.com:hunter') },
      'the api-token also contains the email.',
    ],
    [
      { 'client-secret': `${'k'.repeat(18)}:${'s'.repeat(32)}` },
      'the client-secret also contains the ID of the OAuth client.',
    ],
    [
      { 'client-secret': `${'k'.repeat(32)}:${'s'.repeat(76)}` },
      'the client-secret also contains the ID of the OAuth client.',
    ],
    [{ 'client-id': 'key:hunter' }, 'the client-id contains a colon.'],
  ])('%j', (given, message) => {
    expect(refusal(given).message).toBe(message)
  })

  test('are not suspected without a colon', () => {
    expect(read({ 'client-id': 'key', 'client-secret': 'keyhunter' })['client-secret']).toBeDefined()
  })
})

test('reports an access token in the API token’s input before a request is sent', () => {
  const { message, nextStep } = refusal({ email: 'ada@example.com', 'api-token': 'ATCTT3xFfGF0hunter' })
  expect(message).toBe('the api-token is an access token (ATCTT…).')
  expect(nextStep).toBe('Give it in the access-token, without the email.')
})

test('reports a space in an access token', () => {
  expect(refusal({ 'access-token': 'ATCTT3 hunter' }).message).toBe('the access-token contains a space.')
})

test('reports an email address as the ID of an OAuth client', () => {
  const { message, nextStep } = refusal({ 'client-id': 'ada@example.com', 'client-secret': 'hunter' })
  expect(message).toBe('the client-id is an email address.')
  expect(nextStep).toContain('the email and the api-token')
})
