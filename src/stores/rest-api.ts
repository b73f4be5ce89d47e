import { isObject, readObject } from '../bitbucket/answers.ts'
import { messageWithDetail, readError } from '../bitbucket/rest-errors.ts'
import { TokenError } from '../errors.ts'
import { type Http, type HttpAnswer, type HttpRequest, isPrivate } from '../http/exchange.ts'
import type { Secret } from '../secret.ts'

/** Sends a request to a REST API. The body is JSON. */
export type SendJson = (method: HttpRequest['method'], url: URL, body?: Secret) => Promise<HttpAnswer>

/**
 * Returns a function that sends requests to a REST API.
 * @param headers the headers of each request, among them the credential
 */
export function jsonSender(http: Http, headers: HttpRequest['headers']): SendJson {
  return (method, url, body) =>
    http({
      method,
      url,
      headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body }),
    })
}

/**
 * Returns the error for an unexpected answer of a CI's API.
 * @param nextStep what the user can do about it
 */
export function refusal(response: HttpAnswer, url: URL, nextStep: string): TokenError {
  const said = saidIn(response)
  return new TokenError(
    'store-unwritable',
    `${url.host} answered with status ${response.status}${said && `: "${said}"`}.`,
    nextStep,
  )
}

/**
 * Returns the error message in an answer, ready for the log. GitHub: `message`. GitLab: `message` (a text, or lists of texts
 * by attribute) or `error`. Bitbucket: `error.message`, with its detail.
 */
function saidIn(response: HttpAnswer): string {
  const { message } = readObject(response) ?? {}
  if (isObject(message)) return response.quote(JSON.stringify(message))
  const error = readError(response)
  return error === undefined ? '' : messageWithDetail(error) || error.code
}

/**
 * Returns an address below the API that the CI names in a variable.
 * @throws {TokenError} `input` if it is not an address, or if it is not encrypted
 */
export function apiUrl(base: string, variable: string, path: string): URL {
  const address = `${base.replace(/\/+$/, '')}/${path}`
  if (URL.canParse(address) && isPrivate(new URL(address))) return new URL(address)
  throw new TokenError(
    'input',
    `${variable} is not an https address.`,
    'Set it to the address of the API of the CI, as the CI itself does. The refresh token is saved through it.',
  )
}

/**
 * Returns the full name of a repository, after checking that it can safely become part of a path.
 * @throws {TokenError} `input` if it is not two names with a slash between them
 */
export function requireFullName(text: string, variable: string, form: string): string {
  if (/^(?!\.{1,2}\/)[^/\s]+\/(?!\.{1,2}$)[^/\s]+$/.test(text)) return text
  throw new TokenError(
    'input',
    `${variable} is not ${form}.`,
    `Set it to the full name of the repository: ${form}.`,
  )
}
