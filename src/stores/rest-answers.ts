import { isObject, readObject } from '../bitbucket/answers.ts'
import { inOnePiece, readError } from '../bitbucket/rest-errors.ts'
import { TokenError } from '../errors.ts'
import { isPrivate } from '../http/address.ts'
import type { HttpAnswer } from '../http/exchange.ts'

/**
 * The error for an answer that is not what was asked for.
 * @param nextStep what a person can do about it
 */
export function refusal(response: HttpAnswer, url: URL, nextStep: string): TokenError {
  const said = saidIn(response)
  return new TokenError(
    'store-unwritable',
    `${url.host} answered with status ${response.status}${said && `: "${said}"`}.`,
    nextStep,
  )
}

/** GitHub: `message`. GitLab: `message` (a text, or lists of them by attribute) or `error`. Bitbucket: `error.message`, with detail. */
function saidIn(response: HttpAnswer): string {
  const { message } = readObject(response) ?? {}
  if (isObject(message)) return response.quote(JSON.stringify(message))
  const error = readError(response)
  return error === undefined ? '' : inOnePiece(error) || error.code
}

/**
 * An address below the API that the CI names in a variable.
 * @throws {TokenError} `input` where it is none, or one on whose way somebody can listen in
 */
export function apiUrl(base: string, variable: string, path: string): URL {
  const address = `${base.replace(/\/+$/, '')}/${path}`
  if (URL.canParse(address) && isPrivate(new URL(address))) return new URL(address)
  throw new TokenError(
    'input',
    `${variable} is not an https address.`,
    'The CI sets it to the address of its API, through which the refresh token is to be saved.',
  )
}

/**
 * The full name of a repository that the CI tells, which becomes a part of a path.
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
