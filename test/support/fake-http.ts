import type { ChosenCredential, CredentialInputs, CredentialKind } from '../../src/credentials/index.ts'
import type { GrantContext } from '../../src/credentials/kind.ts'
import { quoteForLog } from '../../src/errors.ts'
import type { Http, HttpAnswer, HttpRequest, HttpResponse } from '../../src/http/exchange.ts'
import { Secret } from '../../src/secret.ts'

export interface FakeHttp {
  readonly http: Http
  readonly requests: HttpRequest[]
}

/** Makes an answer. Its body is JSON unless it is a text. */
export const answer = (
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): HttpAnswer => ({
  status,
  headers: { 'content-type': typeof body === 'string' ? 'text/plain' : 'application/json', ...headers },
  body: typeof body === 'string' ? body : JSON.stringify(body),
  quote: quoteForLog,
})

export const htmlPage = (status: number, text = 'Please log in'): HttpAnswer =>
  answer(status, `<!DOCTYPE html>\n<html><body>${text}</body></html>`, {
    'content-type': 'text/html; charset=utf-8',
  })

/** Gives every request the same answer. */
export function fakeHttp(response: HttpResponse): FakeHttp {
  const requests: HttpRequest[] = []
  return {
    requests,
    http: async (request) => {
      requests.push(request)
      return { quote: quoteForLog, ...response }
    },
  }
}

/** Returns what the user gave for one kind of credential. */
export const givenFor = (kind: CredentialKind, inputs: Partial<CredentialInputs>): ChosenCredential => ({
  kind,
  inputs: inputs as CredentialInputs,
})

/** Returns a context for grants that hides nothing and warns nobody. */
export const endpointsAt = (url: URL, http: Http): GrantContext => ({
  url,
  http,
  scopes: [],
  now: () => 0,
  hide() {},
  warn() {},
})

/** Returns a request as the server sees it, with its secrets revealed. */
export const onTheWire = ({ method, url, headers, body }: HttpRequest) => ({
  method,
  url: url.href,
  headers: Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, value instanceof Secret ? value.reveal() : value]),
  ),
  body: body?.reveal(),
})
