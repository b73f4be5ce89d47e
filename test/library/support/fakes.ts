import { onTestFinished } from 'vitest'
import {
  forgetAccessTokens,
  type StoredConfig,
  type TokenOptions,
  type TokenRequest,
} from '../../../src/library/index.ts'
import { type FakeWorld, fakeWorld } from '../../support/fake-world.ts'

export interface FakeBitbucket {
  readonly requests: TokenRequest[]
  readonly sendRequest: NonNullable<TokenOptions['sendRequest']>
  /** The decoded form of each request. */
  readonly forms: () => Readonly<Record<string, string>>[]
}

/** Plays a token endpoint that numbers its tokens: `access-1`, `refresh-1`. `answers` overrides fields of an answer. */
export function fakeBitbucket(answers: (number: number) => object = () => ({})): FakeBitbucket {
  const requests: TokenRequest[] = []
  const forms = () => requests.map(({ body }) => Object.fromEntries(new URLSearchParams(body ?? '')))
  const sendRequest: FakeBitbucket['sendRequest'] = (request) => {
    const number = requests.push(request)
    const isRefresh = forms().at(-1)?.['grant_type'] === 'refresh_token'
    const body = {
      access_token: `access-${number}`,
      token_type: 'bearer',
      expires_in: 7200,
      scope: 'account',
      ...(isRefresh && { refresh_token: `refresh-${number}` }),
      ...answers(number),
    }
    return { status: 'error' in body ? 400 : 200, body }
  }
  // `...fakeBitbucket()` in options must add only `sendRequest`.
  const own = { requests: { value: requests }, forms: { value: forms } }
  return Object.defineProperties({ sendRequest }, own) as FakeBitbucket
}

/** Returns a world with no token in memory. */
export function freshWorld(env: Readonly<Record<string, string>> = {}): FakeWorld {
  forgetAccessTokens()
  onTestFinished(forgetAccessTokens)
  return fakeWorld({ env })
}

/** Returns a world whose clock the test moves. */
export function worldWithClock(): FakeWorld & { advance(milliseconds: number): void } {
  const world = freshWorld()
  let ahead = 0
  return {
    ...world,
    now: () => world.now() + ahead,
    advance: (milliseconds) => {
      ahead += milliseconds
    },
  }
}

export const consumer = { clientId: 'a-key', clientSecret: 'a-client-secret-0123456789' } as const

/** Returns a storage in memory that records each config that it saved. */
export function fakeStorage(config?: StoredConfig) {
  const saved: StoredConfig[] = []
  return {
    saved,
    loadConfig: () => saved.at(-1) ?? config,
    saveConfig: (next: StoredConfig): void | Promise<void> => {
      saved.push(next)
    },
  }
}
