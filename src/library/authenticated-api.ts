import { TokenError } from '../errors.ts'
import { invalid } from '../read-value.ts'
import { TextRedactor } from '../redaction/text-redactor.ts'
import { processWorld } from '../world.ts'
import type { BitbucketToken } from './bitbucket-token.ts'
import { getAccessTokenIn } from './get-access-token.ts'
import { openLog } from './log.ts'
import { callback, isPresent, type RulesFor } from './option-rules.ts'
import type { TokenOptions } from './options.ts'
import { readApiUrl, readTokenOptions, tokenRules } from './settings.ts'

/** A token as your own `getAccessToken` may return it: as text, or in an object. */
export type GivenToken =
  | string
  | Pick<BitbucketToken, 'authorization' | 'accessToken'>
  | { readonly accessToken: string }
  | { readonly access_token: string }

/** The options of {@link createAuthenticatedAPI}. */
export interface ApiOptions extends TokenOptions {
  /**
   * Returns the token. It is called with these options for each request, and once more after a 401, with the refused token
   * as `refused`. Default: the `getAccessToken` of this library.
   */
  readonly getAccessToken?: ((options: TokenOptions) => GivenToken | Promise<GivenToken>) | undefined
  /** Sends each request. It must not send the Authorization header to another origin. Default: the global `fetch`. */
  readonly fetch?: typeof fetch | undefined
}

/** A client of Bitbucket's REST API that adds the credential to every request. */
export interface AuthenticatedApi {
  /** The address that relative paths are added to: `https://api.bitbucket.org/2.0`. */
  readonly baseUrl: string
  /**
   * Sends a request with the credential, as the global `fetch` does.
   * @param path `user`, `/user`, `/2.0/user`, or a whole URL on the same origin, such as a page's `next`
   * @throws {TokenError} `input` for another origin, because it must not get the credential. Also throws what getAccessToken
   * and `fetch` throw.
   */
  fetch(path: string | URL, init?: RequestInit): Promise<Response>
}

/**
 * Creates a client of Bitbucket's REST API. It gets a token at once.
 *
 * A token that is about to expire is renewed before a request. If Bitbucket refuses a token (401), the token is renewed once
 * and the request is sent again. A stream cannot be sent twice. With a stream as its body, the request returns the 401, and
 * the next request has a new token.
 *
 * @example
 * const api = await createAuthenticatedAPI()
 * const user = await (await api.fetch('/user')).json()
 *
 * @throws what getAccessToken throws
 */
export async function createAuthenticatedAPI(rawOptions?: ApiOptions | null): Promise<AuthenticatedApi> {
  const options = readTokenOptions(rawOptions, 'createAuthenticatedAPI', apiRules)
  const world = processWorld(process, new AbortController().signal)
  const { getAccessToken: custom, fetch: customFetch, ...tokenOptions } = options
  const log = openLog(options, world, new TextRedactor())
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
    async fetch(path, rawInit) {
      const init = rawInit ?? {}
      const url = locate(path, base)
      const signal = init.signal ?? options.signal
      const token = await getToken(signal)
      const response = await send(url, init, token)
      // After a redirect to another origin, a 401 is not about this credential.
      const isOurs = !response.redirected || new URL(response.url).origin === base.origin
      if (response.status !== 401 || !isOurs) return response
      refused = token.accessToken
      if (!canBeSentAgain(init.body)) {
        log.warn(
          'Bitbucket answered 401. The request was not sent again because its body is a stream. Send it again yourself: the next request has a new token.',
        )
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

/** Closes a response that nobody reads. Some `fetch` functions return a Node stream as its body. */
async function discard({ body }: Response): Promise<void> {
  try {
    if (body !== null && 'destroy' in body && typeof body.destroy === 'function') body.destroy()
    else await body?.cancel()
  } catch {
    // The body was read before.
  }
}

/** Returns the URL of a path. A relative path is appended to the base as text, so it cannot name another origin. */
function locate(path: string | URL, base: URL): URL {
  if (typeof path !== 'string' && !(path instanceof URL))
    throw invalid('The path of a request is not a string or URL.', 'Pass a string or a URL.')
  const text = path.toString()
  const isAbsolute = path instanceof URL || /^[a-z][a-z0-9+.-]*:/i.test(text)
  const relative = text.replace(/^\/+/, '')
  const above = relative.startsWith('2.0/') ? base.href.slice(0, -'2.0'.length) : `${base.href}/`
  const whole = isAbsolute ? text : above + relative
  const url = URL.canParse(whole) ? new URL(whole) : undefined
  if (url?.origin === base.origin && url.username === '' && url.password === '') return url
  throw invalid(
    `The request is not for ${base.origin}. The credential is sent to that origin only.`,
    'Pass a path, or a URL on that origin without user name and password. Use the global fetch for other addresses.',
  )
}

interface UsableToken {
  readonly authorization: string
  readonly accessToken: string
}

function usable(token: GivenToken): UsableToken {
  const field = (name: 'accessToken' | 'access_token' | 'authorization'): unknown => {
    const value: unknown = token instanceof Object && name in token ? Object(token)[name] : undefined
    return isPresent(value) ? value : undefined
  }
  const accessToken = typeof token === 'string' ? token : (field('accessToken') ?? field('access_token'))
  const authorization = field('authorization') ?? `Bearer ${accessToken}`
  // `fetch` would show a header that it cannot send in its error.
  if (isHeader(accessToken) && isHeader(authorization)) return { authorization, accessToken }
  throw new TokenError(
    'answer-unusable',
    'Your getAccessToken did not return a token.',
    'Return the token as text, or an object with accessToken or access_token.',
  )
}

const isHeader = (value: unknown): value is string =>
  typeof value === 'string' && isPresent(value) && /^[\x20-\x7e]+$/.test(value)

/** Whether a body can be sent twice. A stream cannot. */
const canBeSentAgain = (body: RequestInit['body']): boolean =>
  body === undefined ||
  body === null ||
  typeof body === 'string' ||
  [URLSearchParams, FormData, Blob, ArrayBuffer].some((kind) => body instanceof kind) ||
  ArrayBuffer.isView(body)
