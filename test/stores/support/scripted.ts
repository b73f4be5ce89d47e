import { quoteForLog } from '../../../src/errors.ts'
import type { HttpRequest, HttpResponse } from '../../../src/http/exchange.ts'
import { Secret } from '../../../src/secret.ts'
import { openStore } from '../../../src/stores/index.ts'
import { parseStorePlace } from '../../../src/stores/place.ts'
import type { TokenStore } from '../../../src/stores/store.ts'
import { onTheWire } from '../../support/fake-http.ts'
import { type OpenOptions, quickWorld } from './open.ts'

export interface ScriptedStore {
  readonly store: TokenStore
  /** Returns each request as a server sees it. */
  readonly sent: () => ReturnType<typeof onTheWire>[]
}

/** Opens a store at the service's own address. Each request gets the next answer; later ones get the last answer. */
export async function scripted(
  text: string,
  answers: readonly HttpResponse[],
  given: OpenOptions = {},
): Promise<ScriptedStore> {
  const requests: HttpRequest[] = []
  const store = await openStore(parseStorePlace(text, 'save-refresh-token'), {
    world: quickWorld(given.env),
    http: async (request) => {
      const answer = answers[Math.min(requests.push(request), answers.length) - 1]
      if (answer === undefined) throw new Error('no request was expected')
      return { quote: quoteForLog, ...answer }
    },
    clean: (words) => words,
    quote: quoteForLog,
    timeout: 0,
    url: new URL('https://bitbucket.org'),
    apiUrl: new URL('https://api.bitbucket.org'),
    clientId: 'the-client',
    repository: 'repository' in given ? given.repository : 'acme/app',
    tokens: {
      'github-token': new Secret('the-github-token'),
      'gitlab-token': new Secret('the-gitlab-token'),
    },
    nameOf: (input) => `BITBUCKET_${input.toUpperCase()}`,
  })
  return { store, sent: () => requests.map(onTheWire) }
}
