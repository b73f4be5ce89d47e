import { describe, expect, test } from 'vitest'
import { chooseCredential, type InputSource } from '../../src/credentials/choose.ts'
import type { CredentialInputs, CredentialKind } from '../../src/credentials/index.ts'
import type { TokenError } from '../../src/errors.ts'
import { Secret } from '../../src/secret.ts'
import { failure } from '../support/failure.ts'

type Name = keyof CredentialInputs

const values: CredentialInputs = {
  'client-id': 'key',
  'client-secret': new Secret('hunter-secret'),
  'refresh-token': new Secret('hunter-refresh'),
  email: 'ann@example.com',
  'api-token': new Secret('hunter-api'),
  'access-token': new Secret('hunter-access'),
  'connect-app-key': 'com.example.app',
  'connect-client-key': 'the-installation',
  'connect-shared-secret': new Secret('hunter-shared'),
}
const names = Object.keys(values) as Name[]

const action: InputSource = {
  from: 'action',
  nameOf: (input) => input,
  emptySecretHint: 'Because of the fork.',
}
const variables: InputSource = {
  from: 'variables',
  nameOf: (input) => `BITBUCKET_${input.toUpperCase().replaceAll('-', '_')}`,
  emptySecretHint: 'Because of docker.',
}

/** Returns inputs of which only these have a value. */
const given = (...present: Name[]): CredentialInputs =>
  Object.fromEntries(
    names.map((name) => [name, present.includes(name) ? values[name] : undefined]),
  ) as unknown as CredentialInputs

function refusal(present: Name[], grant: CredentialKind | 'auto' = 'auto', giver = action): TokenError {
  const error = failure(() => chooseCredential(given(...present), grant, giver))
  expect(error).toMatchObject({ code: 'input', exitStatus: 2 })
  return error
}

const consumer: Name[] = ['client-id', 'client-secret']
const refresh: Name[] = [...consumer, 'refresh-token']
const apiToken: Name[] = ['email', 'api-token']
const accessToken: Name[] = ['access-token']
const connect: Name[] = ['connect-app-key', 'connect-client-key', 'connect-shared-secret']

const inputsOfKinds: [CredentialKind, Name[]][] = [
  ['client-credentials', consumer],
  ['refresh-token', refresh],
  ['api-token', apiToken],
  ['access-token', accessToken],
  ['jwt', connect],
]

describe('one complete credential', () => {
  test.each(inputsOfKinds)('is used: %s', (kind, present) => {
    for (const giver of [action, variables]) {
      for (const grant of ['auto', kind] as const) {
        const { chosen, notice } = chooseCredential(given(...present), grant, giver)
        expect(chosen).toEqual({ kind, inputs: given(...present) })
        expect(notice).toBeUndefined()
      }
    }
  })
})

describe('no credential', () => {
  test('is an error that names every kind by the user’s names, and why secrets can be empty', () => {
    const { message, nextStep } = refusal([])
    expect(message).toBe('No credential was given: every input for one is empty.')
    expect(nextStep.split('\n')).toEqual([
      'Give one of:',
      '- client-id, client-secret',
      '- client-id, client-secret, refresh-token',
      '- email, api-token',
      '- access-token',
      '- connect-app-key, connect-client-key, connect-shared-secret',
      'Because of the fork.',
    ])
    expect(refusal([], 'auto', variables).nextStep).toContain('- BITBUCKET_EMAIL, BITBUCKET_API_TOKEN\n')
  })
})

describe('half a credential', () => {
  test.each<[Name[], string, string]>([
    [['client-id'], 'client-secret', 'client-credentials'],
    [['client-secret'], 'client-id', 'client-credentials'],
    [['refresh-token'], 'client-id, client-secret', 'refresh-token'],
    [['client-id', 'refresh-token'], 'client-secret', 'refresh-token'],
    [['email'], 'api-token', 'api-token'],
    [['api-token'], 'email', 'api-token'],
    [['connect-app-key'], 'connect-client-key, connect-shared-secret', 'jwt'],
    [['connect-shared-secret'], 'connect-app-key, connect-client-key', 'jwt'],
    [['connect-app-key', 'connect-shared-secret'], 'connect-client-key', 'jwt'],
  ])('%j lacks %s', (present, missing, kind) => {
    const { message, nextStep } = refusal(present)
    expect(message).toBe(`Missing: ${missing}.`)
    expect(nextStep).toMatch(`The credential "${kind}" needs `)
    expect(nextStep).toContain('Because of the fork.')
  })

  test.each<[CredentialKind, string]>([
    ['client-credentials', 'client-id, client-secret'],
    ['refresh-token', 'client-id, client-secret, refresh-token'],
    ['api-token', 'email, api-token'],
    ['access-token', 'access-token'],
    ['jwt', connect.join(', ')],
  ])('lists every missing input if grant asks for %s', (grant, missing) => {
    expect(refusal([], grant).message).toBe(`Missing: ${missing}.`)
  })

  test('is not completed by another kind of credential', () => {
    expect(refusal(['client-id', 'access-token'], 'client-credentials').message).toBe(
      'Missing: client-secret.',
    )
    expect(refusal(['client-id', 'access-token'], 'auto', variables).message).toBe(
      'Missing: BITBUCKET_CLIENT_SECRET.',
    )
  })
})

describe('more than one kind of credential', () => {
  const mixes: Name[][] = [
    [...consumer, ...apiToken],
    [...refresh, ...apiToken],
    ['client-id', 'api-token'],
    ['refresh-token', 'email'],
    [...consumer, ...apiToken, ...accessToken],
    [...consumer, ...connect],
    ['email', 'connect-app-key'],
    [...refresh, ...apiToken, ...connect],
  ]

  test.each(mixes.map((mix) => [mix]))('%j is an error in inputs and in variables', (mix) => {
    for (const giver of [action, variables]) {
      const { message, nextStep } = refusal(mix, 'auto', giver)
      expect(message).toBe(`More than one kind of credential was given: ${mix.map(giver.nameOf).join(', ')}.`)
      expect(nextStep).toBe(`Give one kind, or choose one with ${giver.nameOf('grant')}.`)
    }
  })

  test.each([
    [[...consumer, ...accessToken], 'client-credentials'],
    [[...refresh, ...accessToken], 'refresh-token'],
    [[...apiToken, ...accessToken], 'api-token'],
    [[...accessToken, ...connect], 'jwt'],
  ] as const)(
    'an access token beside %j is an error in an action’s inputs, and ignored as a leftover in variables',
    (mix, kind) => {
      expect(refusal([...mix]).message).toContain('More than one kind')
      const { chosen, notice } = chooseCredential(given(...mix), 'auto', variables)
      expect(chosen.kind).toBe(kind)
      expect(notice).toMatch(/BITBUCKET_ACCESS_TOKEN .*earlier run/)
      expect(notice).not.toContain('hunter')
    },
  )
})

describe('the grant input', () => {
  test.each(inputsOfKinds)('selects %s, and the log names the unused inputs', (grant, used) => {
    for (const giver of [action, variables]) {
      const { chosen, notice } = chooseCredential(given(...names), grant, giver)
      expect(chosen.kind).toBe(grant)
      const unused = names.filter((name) => !used.includes(name))
      expect(notice).toBe(
        `Found and not used: ${unused.map(giver.nameOf).join(', ')}. This run uses ${used.map(giver.nameOf).join(', ')}.`,
      )
    }
  })
})

test('every mix of inputs is either one complete credential or an input error', () => {
  for (let mask = 0; mask < 2 ** names.length; mask++) {
    const present = names.filter((_, index) => mask & (1 << index))
    for (const giver of [action, variables]) {
      try {
        const { chosen } = chooseCredential(given(...present), 'auto', giver)
        expect(Object.values(chosen.inputs)).not.toContain(undefined)
      } catch (error) {
        expect(error).toMatchObject({ name: 'TokenError', code: 'input' })
      }
    }
  }
})
