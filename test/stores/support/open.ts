import { createHttp } from '../../../src/http/client.ts'
import { send } from '../../../src/http/transport.ts'
import { TextRedactor } from '../../../src/redaction/text-redactor.ts'
import { Secret } from '../../../src/secret.ts'
import { openStore } from '../../../src/stores/index.ts'
import { parseStorePlace } from '../../../src/stores/place.ts'
import type { RenewedTokens, TokenStore } from '../../../src/stores/store.ts'
import { processWorld, type World } from '../../../src/world.ts'

export interface OpenOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly apiUrl?: string
  readonly repository?: string
  readonly githubToken?: string
  readonly gitlabToken?: string
  readonly cwd?: string
  readonly clientId?: string
  readonly known?: readonly string[]
  readonly timeout?: number
}

/** Returns the real world, but without random delays between retries. */
export const quickWorld = (env: OpenOptions['env'] = {}, cwd = '/'): World => ({
  ...processWorld(process, new AbortController().signal),
  env,
  cwd,
  random: () => 0,
})

/** Opens a store as the program does, with real connections. */
export async function open(text: string, given: OpenOptions = {}): Promise<TokenStore> {
  const world = quickWorld(given.env, given.cwd)
  const redactor = new TextRedactor()
  for (const secret of given.known ?? []) redactor.add(new Secret(secret))
  const quote = (words: string) => redactor.quote(words)
  const secret = (value: string | undefined) => (value === undefined ? undefined : new Secret(value))
  return openStore(parseStorePlace(text, 'save-refresh-token'), {
    world,
    http: createHttp(send, { timeout: 10_000, retries: 2, world, log: { debug() {}, info() {} }, quote }),
    clean: (words) => redactor.clean(words),
    quote,
    timeout: given.timeout ?? 10_000,
    url: new URL('https://bitbucket.org'),
    apiUrl: new URL(given.apiUrl ?? 'https://api.bitbucket.org'),
    clientId: given.clientId ?? 'the-client',
    repository: given.repository,
    tokens: { 'github-token': secret(given.githubToken), 'gitlab-token': secret(given.gitlabToken) },
    nameOf: (input) => input,
  })
}

export function tokens(refreshToken: string, accessToken = 'an-access-token'): RenewedTokens {
  const now = Date.now()
  return {
    refreshToken: new Secret(refreshToken),
    access: {
      token: new Secret(accessToken),
      issuedAt: now,
      expiresAt: now + 7_200_000,
      scopes: ['pipeline'],
    },
  }
}

export const untilDone = new AbortController().signal

/** Returns the error that `work` fails with. */
export async function errorOf(
  work: Promise<unknown>,
): Promise<{ message: string; nextStep?: string; code?: string }> {
  return work.then(
    () => {
      throw new Error('expected an error')
    },
    (error) => error,
  )
}
