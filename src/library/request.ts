import { TokenError } from '../errors.ts'
import { type HttpRequest, type HttpResponse, NoAnswer, type Transport } from '../http/exchange.ts'
import { untilAborted } from '../http/until-aborted.ts'
import { invalid } from '../read-value.ts'
import { answerIn, readAnswer } from './answer.ts'
import { codeOf } from './errors.ts'

/** A request to the token endpoint. It contains secrets. All but `url` is a valid second argument of `fetch`. */
export interface TokenRequest {
  readonly url: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  /** A URL-encoded form. */
  readonly body: string | null
  /** Redirects are not followed, because the other server would receive the secrets. */
  readonly redirect: 'manual'
  readonly signal: AbortSignal
}

/** The `Response` of any `fetch`, the response of axios, got, superagent or Node's `http`, or a plain object. */
export type TokenResponse = Response | PlainResponse

/** A response as a plain object. */
export interface PlainResponse {
  readonly status?: number | undefined
  /** The name of {@link status} in got and Node. */
  readonly statusCode?: number | undefined
  /** A `Headers`, a `Map`, an array of pairs or a plain object. Upper and lower case are the same. Values may be lists. */
  readonly headers?: object | null | undefined
  /** Text, bytes, a stream, or the parsed JSON. */
  readonly body?: unknown
  /** The name of {@link body} in axios. */
  readonly data?: unknown
}

/**
 * Sends a request once. If it rejects without a response, it is called again until the time limit. An error with a
 * `response` counts as a response: axios and got throw such errors for a status of 400 or more.
 */
export type SendRequest = (request: TokenRequest) => TokenResponse | Promise<TokenResponse>

/** A response as `isSuccess` and `isUnauthorized` get it. It contains secrets. */
export interface ReceivedResponse extends HttpResponse {
  /** Whether the status is 200 to 299. */
  readonly ok: boolean
}

/** Functions that judge a response instead of its status. */
export interface ResponseHooks {
  readonly isSuccess?: ResponseTest | undefined
  readonly isUnauthorized?: ResponseTest | undefined
}

type ResponseTest = (response: ReceivedResponse) => boolean | Promise<boolean>

/** Returns the transport that the caller's options describe; undefined for the built-in one. */
export function customTransport({
  sendRequest,
  isSuccess,
  isUnauthorized,
}: ResponseHooks & { readonly sendRequest?: SendRequest | undefined }): Transport | undefined {
  if (!sendRequest && !isSuccess && !isUnauthorized) return undefined
  return async (request, signal) => {
    const send = sendRequest ? sendThrough(sendRequest) : (await import('../http/transport.ts')).send
    const response = await send(request, signal)
    if (isUnauthorized && (await passes('isUnauthorized', isUnauthorized, response)))
      return { ...response, status: 401 }
    if (isSuccess === undefined) return response
    if (await passes('isSuccess', isSuccess, response)) return { ...response, status: 200 }
    if (response.status !== 200) return response
    throw new TokenError(
      'answer-unusable',
      `${request.url.host} answered with status 200, but isSuccess did not return true.`,
      'Check what isSuccess expects of a response.',
    )
  }
}

async function passes(name: string, test: ResponseTest, response: HttpResponse): Promise<boolean> {
  const wrong = (what: string) =>
    invalid(`${name} ${what}.`, 'It gets { status, ok, headers, body } and returns true or false.')
  let verdict: unknown
  try {
    verdict = await test({ ...response, ok: response.status >= 200 && response.status < 300 })
  } catch (error) {
    // Its message is not shown because it may contain the response, and so a secret.
    throw wrong(`failed${codeOf(error)}`)
  }
  if (verdict === undefined || verdict === null) throw wrong('returned neither true nor false')
  return Boolean(verdict)
}

function sendThrough(sendRequest: SendRequest): Transport {
  return async ({ method, url, headers, body }: HttpRequest, signal) => {
    const plain = Object.entries(headers).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : value.reveal(),
    ])
    const request: TokenRequest = {
      url: url.href,
      method,
      headers: Object.fromEntries(plain),
      body: body?.reveal() ?? null,
      redirect: 'manual',
      signal,
    }
    try {
      return await untilAborted(answerTo(request, sendRequest), signal)
    } catch (error) {
      if (signal.aborted) throw signal.reason
      if (error instanceof TokenError || error instanceof NoAnswer) throw error
      const code = codeOf(error)
      // Its message is not shown because many HTTP clients put the request into it, and so a secret.
      if (/ERR_INVALID_/.test(code))
        throw invalid(`sendRequest failed${code}.`, 'Write ({ url, ...init }) => myFetch(url, init).')
      throw new NoAnswer(`sendRequest failed${code}`, true, 'Check what sendRequest needs to reach it.')
    }
  }
}

async function answerTo(request: TokenRequest, sendRequest: SendRequest): Promise<HttpResponse> {
  let answer: unknown
  try {
    answer = await sendRequest(request)
  } catch (error) {
    answer = answerIn(error)
    if (answer === undefined) throw error
  }
  return readAnswer(answer)
}
