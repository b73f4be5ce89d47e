import { invalid } from '../credentials/read.ts'
import { TokenError } from '../errors.ts'
import { Redactor } from '../secret.ts'
import { processWorld } from '../world.ts'
import type { BitbucketToken } from './bitbucket-token.ts'
import { getAccessTokenIn } from './get-access-token.ts'
import { callback, isGiven, type RulesFor } from './given.ts'
import { openLog } from './log.ts'
import type { TokenOptions } from './options.ts'
import { readApiUrl, readOptionsFor, tokenRules } from './settings.ts'

/** A token as another function than ours may give it. */
export type GivenToken =
  | string
  | Pick<BitbucketToken, 'authorization' | 'accessToken'>
  | { readonly accessToken: string }
  | { readonly access_token: string }

/** What {@link createAuthenticatedAPI} takes beside the options of a token. */
export interface ApiOptions extends TokenOptions {
  /**
   * Where the token comes from. Default: the `getAccessToken` of this library. It is called for each request, with these
   * options; after a 401 once more, with the refused token as `refused`.
   */
  readonly getAccessToken?: ((options: TokenOptions) => GivenToken | Promise<GivenToken>) | undefined
  /** Sends each request. Default: the `fetch` of the process. It must not carry the header to another origin. */
  readonly fetch?: typeof fetch | undefined
}

/** Bitbucket's REST API, with the credential on every request. */
export interface AuthenticatedApi {
  /** Where relative paths begin: `https://api.bitbucket.org/2.0`. */
  readonly baseUrl: string
  /**
   * As the global `fetch`, with the credential.
   * @param path `user`, `/user`, `/2.0/user`, or a whole URL on the same origin, such as a page's `next`
   * @throws {TokenError} `input` for another origin, to which the credential must not go; else what getAccessToken
   * throws, and what `fetch` throws
   */
  fetch(path: string | URL, init?: RequestInit): Promise<Response>
}

/**
 * Bitbucket's REST API with a credential: one that is about to end is renewed before a request, and one that Bitbucket
 * refuses (401) is renewed once, and the request sent again. A body that is a stream cannot be sent again: then the 401
 * is returned, and the next request has a new token.
 *
 * @example
 * const api = await createAuthenticatedAPI()
 * const user = await (await api.fetch('/user')).json()
 *
 * @throws what getAccessToken throws, which is called at once
 */
export async function createAuthenticatedAPI(given?: ApiOptions | null): Promise<AuthenticatedApi> {
  const options = readOptionsFor(given, 'createAuthenticatedAPI', apiRules)
  const world = processWorld(process, new AbortController().signal)
  const { getAccessToken: custom, fetch: customFetch, ...tokenOptions } = options
  const log = openLog(options, world, new Redactor())
  const base = new URL(`${readApiUrl(options, world, log).href.replace(/\/$/, '')}/2.0`)
  let refused: string | undefined
  const getToken = async (signal: AbortSignal | undefined): Promise<UsableToken> => {
    const wanted = { ...tokenOptions, signal, refused }
    return usable(await (custom === undefined ? getAccessTokenIn(world, wanted) : custom(wanted)))
  }
  const send = (url: URL, init: RequestInit, { authorization }: UsableToken) => {
    const headers = new Headers(init.headers)
    headers.set('authorization', authorization)
    return (customFetch ?? fetch)(url, { ...init, headers })
  }

  await getToken(options.signal)
  return {
    baseUrl: base.href,
    async fetch(path, given) {
      const init = given ?? {}
      const url = locate(path, base)
      const signal = init.signal ?? options.signal
      const token = await getToken(signal)
      const response = await send(url, init, token)
      // What another origin says, after a redirect, is not about this credential.
      const isOurs = !response.redirected || new URL(response.url).origin === base.origin
      if (response.status !== 401 || !isOurs) return response
      refused = token.accessToken
      if (!canBeSentAgain(init.body)) {
        log.warn('Bitbucket answered 401. The body was a stream, so the request was not sent again.')
        return response
      }
      const renewed = await getToken(signal)
      if (renewed.authorization === token.authorization) return response
      await discard(response)
      return send(url, init, renewed)
    },
  }
}

const apiRules: RulesFor<ApiOptions> = { ...tokenRules, getAccessToken: callback, fetch: callback }

/** Lets go of an answer that nobody reads. The body of another `fetch` may be a stream of node's own. */
async function discard({ body }: Response): Promise<void> {
  try {
    if (body !== null && 'destroy' in body && typeof body.destroy === 'function') body.destroy()
    else await body?.cancel()
  } catch {
    // It has been read already.
  }
}

/** A part of the path cannot lead elsewhere: it is put behind the base as it is. */
function locate(path: string | URL, base: URL): URL {
  if (typeof path !== 'string' && !(path instanceof URL))
    throw invalid('The path of a request is not text.', 'Give a string or a URL.')
  const text = path.toString()
  const isAbsolute = path instanceof URL || /^[a-z][a-z0-9+.-]*:/i.test(text)
  const relative = text.replace(/^\/+/, '')
  const above = relative.startsWith('2.0/') ? base.href.slice(0, -'2.0'.length) : `${base.href}/`
  const whole = isAbsolute ? text : above + relative
  const url = URL.canParse(whole) ? new URL(whole) : undefined
  if (url?.origin === base.origin && url.username === '' && url.password === '') return url
  throw invalid(
    `The credential goes to ${base.origin} alone.`,
    'Give a path, or a URL there without user name and password; use the global fetch for other addresses.',
  )
}

interface UsableToken {
  readonly authorization: string
  readonly accessToken: string
}

function usable(given: GivenToken): UsableToken {
  const field = (name: 'accessToken' | 'access_token' | 'authorization'): unknown => {
    const value: unknown = given instanceof Object && name in given ? Object(given)[name] : undefined
    return isGiven(value) ? value : undefined
  }
  const token = typeof given === 'string' ? given : (field('accessToken') ?? field('access_token'))
  const authorization = field('authorization') ?? `Bearer ${token}`
  // `fetch` would cite a header that it cannot send.
  if (isHeader(token) && isHeader(authorization)) return { authorization, accessToken: token }
  throw new TokenError(
    'answer-unusable',
    'getAccessToken gave something that is not a token.',
    'It must resolve to the token as text, or to an object with accessToken or access_token.',
  )
}

const isHeader = (value: unknown): value is string =>
  typeof value === 'string' && isGiven(value) && /^[\x20-\x7e]+$/.test(value)

/** A stream is used up after the first time. */
const canBeSentAgain = (body: RequestInit['body']): boolean =>
  body === undefined ||
  body === null ||
  typeof body === 'string' ||
  [URLSearchParams, FormData, Blob, ArrayBuffer].some((kind) => body instanceof kind) ||
  ArrayBuffer.isView(body)
