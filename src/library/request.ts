import { invalid } from '../credentials/read.ts'
import { TokenError } from '../errors.ts'
import { type HttpRequest, type HttpResponse, NoAnswer, type Transport } from '../http/exchange.ts'
import { untilAborted } from '../http/until-aborted.ts'
import { answerIn, readAnswer } from './answer.ts'
import { codeOf } from './errors.ts'

/** A request to the token endpoint, with its secrets. Without `url` it is what `fetch` takes as its second argument. */
export interface TokenRequest {
  readonly url: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  /** A form, URL-encoded. */
  readonly body: string | null
  /** A redirect is never followed: it would carry the secrets along. */
  readonly redirect: 'manual'
  readonly signal: AbortSignal
}

/** An answer: the `Response` of any `fetch`, the answer of axios, got, superagent or node's `http`, or a plain object. */
export type TokenResponse = Response | PlainResponse

/** An answer as a plain object. */
export interface PlainResponse {
  readonly status?: number | undefined
  /** As got and node name {@link status}. */
  readonly statusCode?: number | undefined
  /** A `Headers`, a `Map`, an array of pairs or a plain object. Names may be in any case, values may be lists. */
  readonly headers?: object | null | undefined
  /** Text, bytes, a stream, or the object that was JSON. */
  readonly body?: unknown
  /** As axios names {@link body}. */
  readonly data?: unknown
}

/**
 * Sends a request once. It is called again, while there is time, if it rejects without an answer. An error with a
 * `response`, as axios and got throw it for a status of 400 or more, is an answer.
 */
export type SendRequest = (request: TokenRequest) => TokenResponse | Promise<TokenResponse>

/** An answer as the hooks see it, with its secrets. */
export interface ReceivedResponse extends HttpResponse {
  /** Whether the status is 200 to 299. */
  readonly ok: boolean
}

/** What decides in place of the status. */
export interface ResponseHooks {
  readonly isSuccess?: ResponseTest | undefined
  readonly isUnauthorized?: ResponseTest | undefined
}

type ResponseTest = (response: ReceivedResponse) => boolean | Promise<boolean>

/** How requests are sent if the caller decides about it; undefined for our own way. */
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
      `${request.url.host} answered with status 200, which isSuccess does not count as success.`,
      'See what isSuccess expects of an answer.',
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
    // Its message is not repeated because it may hold the answer, and so a secret.
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
      // Its message may hold the request, and so a secret: HTTP clients like to say everything.
      if (/ERR_INVALID_/.test(code))
        throw invalid(`sendRequest failed${code}.`, 'Write ({ url, ...init }) => myFetch(url, init).')
      throw new NoAnswer(`sendRequest failed${code}`, true, 'See what sendRequest needs to reach it.')
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
