import type { Http } from '../http/exchange.ts'
import type { Secret } from '../secret.ts'
import type { World } from '../world.ts'

/** The inputs that hold a token for a store. */
export const storeTokens = ['github-token', 'gitlab-token'] as const
export type StoreToken = (typeof storeTokens)[number]

/** What a store needs from a run. */
export interface StoreContext {
  readonly world: World
  readonly http: Http
  /** Replaces whole secrets in a text. */
  readonly clean: (text: string) => string
  /** Prepares another program's text for the log: see `TextRedactor.quote`. */
  readonly quote: (text: string) => string
  /** Milliseconds to wait for another run. */
  readonly timeout: number
  readonly url: URL
  readonly apiUrl: URL
  readonly clientId: string
  /** `workspace/slug`, if it was given. */
  readonly repository: string | undefined
  readonly tokens: Readonly<Record<StoreToken, Secret | undefined>>
  /** How to name an input to the user. */
  readonly nameOf: (input: 'repository' | StoreToken) => string
}
