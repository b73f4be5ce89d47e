import { TokenError } from '../errors.ts'
import { type HttpRequest, type HttpResponse, NoAnswer, type Transport } from '../http/exchange.ts'
import { untilAborted } from '../http/until-aborted.ts'
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

/** An answer: the `Response` of a `fetch`, or a plain object. */
export type TokenResponse = Response | PlainResponse

/** An answer as a plain object. Names of headers in any case. */
export interface PlainResponse {
  readonly status: number
  readonly headers?: Readonly<Record<string, string | undefined>> | undefined
  /** The text, or what was JSON. */
  readonly body?: string | object | undefined
}

/** Sends a request once. Rejects where no whole answer came back; then it is called again while there is time. */
export type SendRequest = (request: TokenRequest) => TokenResponse | Promise<TokenResponse>

/** An answer as the hooks see it, with its secrets. */
export type { HttpResponse as ReceivedResponse } from '../http/exchange.ts'

/** What decides in place of the status. */
export interface ResponseHooks {
  readonly isSuccess?: ((response: HttpResponse) => boolean) | undefined
  readonly isUnauthorized?: ((response: HttpResponse) => boolean) | undefined
}

/** How requests are sent where a caller has a say in it; undefined for our own way. */
export function customTransport({
  sendRequest,
  isSuccess,
  isUnauthorized,
}: ResponseHooks & { readonly sendRequest?: SendRequest | undefined }): Transport | undefined {
  if (!sendRequest && !isSuccess && !isUnauthorized) return undefined
  return async (request, signal) => {
    const send = sendRequest ? sendThrough(sendRequest) : (await import('../http/transport.ts')).send
    const response = await send(request, signal)
    if (isUnauthorized?.(response)) return { ...response, status: 401 }
    if (isSuccess === undefined) return response
    if (isSuccess(response)) return { ...response, status: 200 }
    if (response.status !== 200) return response
    throw new TokenError(
      'answer-unusable',
      `${request.url.host} answered with status 200, which isSuccess does not count as success.`,
      'See what isSuccess expects of an answer.',
    )
  }
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
      return await untilAborted((async () => read(await sendRequest(request)))(), signal)
    } catch (error) {
      if (signal.aborted) throw signal.reason
      // Its message may hold the request, and so a secret: HTTP clients like to say everything.
      throw new NoAnswer(
        `sendRequest failed${codeOf(error)}`,
        true,
        'See what sendRequest needs to reach it.',
      )
    }
  }
}

async function read(response: TokenResponse): Promise<HttpResponse> {
  const { status, headers = {} } = response
  const isFetched = 'text' in response && typeof response.text === 'function'
  const body = isFetched ? await response.text() : ((response as PlainResponse).body ?? '')
  const fields = headers instanceof Headers ? headers.entries() : Object.entries(headers)
  return {
    status,
    headers: Object.fromEntries([...fields].map(([name, value]) => [name.toLowerCase(), value])),
    body: typeof body === 'string' ? body : JSON.stringify(body),
  }
}
