import { expect, test } from 'vitest'
import { bearer, issuedBearer } from '../../src/credentials/bearer.ts'
import type { CredentialInputs } from '../../src/credentials/index.ts'
import { type ChosenCredential, credentialInputs } from '../../src/credentials/index.ts'
import { newestFirst, type RotateOptions, rotate } from '../../src/credentials/rotate.ts'
import { TokenError } from '../../src/errors.ts'
import { Secret } from '../../src/secret.ts'
import { digest } from '../../src/stores/digest.ts'
import type { StoredTokens, TokenStore } from '../../src/stores/store.ts'

const secret = (value: string) => new Secret(value)
const revealed = (secrets: readonly Secret[]) => secrets.map((one) => one.reveal())
const refusal = new TokenError('credential-refused', 'refused', 'Use another one.')
const access = (kind?: string) => ({
  token: secret('shared'),
  issuedAt: 1_000,
  expiresAt: 7_201_000,
  scopes: undefined,
  kind,
})

const answer = {
  token: secret('issued'),
  expiresIn: 7200,
  expiryIsAssumed: false,
  scopes: [],
  refreshToken: undefined,
}

/** Rotates the refresh tokens `newest` and `given`, and returns what happened, in order. */
async function rotating(stored: StoredTokens | undefined, options: Partial<RotateOptions> = {}) {
  const events: string[] = []
  const store: TokenStore = {
    name: 'a store',
    check: async () => {},
    load: async () => {
      events.push('load')
      return stored
    },
    save: async () => {},
    alone: async (work) => {
      events.push('lock')
      return work().finally(() => events.push('unlock'))
    },
  }
  const absent = Object.fromEntries(credentialInputs.map((name) => [name, undefined]))
  const given = (token: string): ChosenCredential => ({
    kind: 'refresh-token',
    inputs: { ...absent, 'refresh-token': secret(token) } as CredentialInputs,
  })
  const credential = await rotate({
    store,
    candidates: () => [given('newest'), given('given')],
    acceptShared: () => undefined,
    obtain: async ({ inputs }, isLast) => {
      events.push(`spend ${inputs['refresh-token']?.reveal()}${isLast ? ', the last' : ''}`)
      return issuedBearer('refresh-token', { ...answer, refreshToken: secret('next') }, 1_000)
    },
    onRefusal: ({ message }) => void events.push(message),
    save: async ({ refreshToken, access }) =>
      void events.push(
        `save ${refreshToken?.reveal()}, ${access.token.reveal()} (${access.issuedAt} to ${access.expiresAt})`,
      ),
    hide: (one) => void events.push(`hide ${one.reveal()}`),
    ...options,
  }).catch((error: unknown) => {
    events.push(`error: ${error instanceof Error ? error.message : error}`)
    return undefined
  })
  return { events, secret: credential?.secret.reveal() }
}

test('loads, spends the newest refresh token and saves the next one, while it holds the lock', async () => {
  const { events, secret: token } = await rotating({ refreshToken: secret('newest') })
  expect(events).toEqual([
    'lock',
    'load',
    'hide newest',
    'spend newest',
    'save next, issued (1000 to 7201000)',
    'unlock',
  ])
  expect(token).toBe('issued')
})

test('shares the access token of another job, if it is good enough and comes from the same grant', async () => {
  const acceptShared: RotateOptions['acceptShared'] = (saved) =>
    saved.expiresIn === 7200 ? saved : undefined
  for (const kind of [undefined, 'refresh-token']) {
    const shared = await rotating({ access: access(kind) }, { acceptShared })
    expect(shared).toEqual({ events: ['lock', 'load', 'hide shared', 'unlock'], secret: 'shared' })
  }
  expect((await rotating({ access: access('client-credentials') }, { acceptShared })).secret).toBe('issued')
  expect((await rotating({ access: access() })).secret).toBe('issued')
})

test('spends the other refresh token only if Bitbucket refuses the first', async () => {
  const tried: string[] = []
  const failing = (error: Error): Partial<RotateOptions> => ({
    obtain: async ({ inputs }) => {
      tried.push(inputs['refresh-token']?.reveal() ?? '')
      throw error
    },
  })
  const refused = await rotating(undefined, failing(refusal))
  expect([tried, refused.events]).toEqual([
    ['newest', 'given'],
    ['lock', 'load', 'refused', 'unlock', 'error: refused'],
  ])
  tried.length = 0
  await rotating(undefined, failing(new TokenError('unreachable', 'no answer', 'Retry.')))
  expect(tried).toEqual(['newest'])
})

test('saves the spent refresh token if Bitbucket returns no new one, and nothing that the user made', async () => {
  const kept = await rotating(undefined, { obtain: async () => issuedBearer('refresh-token', answer, 0) })
  expect(kept.events).toContain('save newest, issued (0 to 7200000)')
  const own = await rotating(undefined, { obtain: async () => bearer('access-token', secret('own')) })
  expect(own).toEqual({ events: ['lock', 'load', 'unlock'], secret: 'own' })
})

test('works without a store', async () => {
  expect((await rotating(undefined, { store: undefined })).events).toEqual([
    'spend newest',
    'save next, issued (1000 to 7201000)',
  ])
})

test('the order is: what this process knows, the store, the given one; or the given one first if it is new', () => {
  const [stored, given, remembered] = [secret('stored'), secret('given'), secret('remembered')]
  const order = (startedWith?: string, known?: Secret) =>
    revealed(newestFirst({ refreshToken: stored, startedWith }, given, known))
  expect(order()).toEqual(['stored', 'given'])
  expect(order(digest([given]))).toEqual(['stored', 'given'])
  expect(order(digest([secret('another')]), remembered)).toEqual(['remembered', 'given', 'stored'])
  expect(order(undefined, stored)).toEqual(['stored', 'given'])
  expect(newestFirst(undefined, undefined)).toEqual([])
})
