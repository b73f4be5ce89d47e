import { TokenError } from '../errors.ts'
import type { HttpAnswer } from '../http/exchange.ts'
import { isHtml, isJson } from './answers.ts'
import { adviceOn, isOwnError, outOfDate, statusAndWords } from './rest-errors.ts'

/**
 * Returns the error for an answer that is neither the expected one nor a refusal of the credential. It says what the
 * answer was and where it may come from. It quotes an error only if that is Bitbucket's own.
 * @param wanted what the answer should have been, such as `a token`
 */
export function unusable(response: HttpAnswer, url: URL, wanted: string): TokenError {
  const what = `${url.host} answered with status ${response.status}`
  const perhapsProxy =
    'A proxy, firewall or login page between this machine and Bitbucket may have answered instead'
  const { status } = response
  if (status >= 300 && status <= 399) {
    return new TokenError(
      'answer-unusable',
      `${what}, a redirect${targetOf(response, url)} instead of ${wanted}.`,
      `The redirect was not followed because it would have received your secret. ${perhapsProxy}. If the address has changed, set url and api-url.`,
    )
  }
  if (status === 407) {
    return new TokenError(
      'answer-unusable',
      `${what}: a proxy requires a user name and password.`,
      'Set HTTPS_PROXY=http://user:password@proxy:port, percent-encoded.',
    )
  }
  if (isOwnError(response)) return ownError(response, url)
  if (status === 404 || status === 405) {
    return new TokenError('answer-unusable', `${what}: ${url.pathname} was not found.`, checkAddresses)
  }
  const message = `${what} and ${bodyIn(response)} instead of ${wanted}.`
  // Bitbucket answers 400 with an empty body if it cannot read the request. No known proxy does that.
  if (status === 400 && response.body === '') {
    return new TokenError(
      'answer-unusable',
      message,
      'Bitbucket could not read the request. Copy the credential again. If that does not help, use the newest version of bitbucket-token.',
    )
  }
  return new TokenError(
    'answer-unusable',
    message,
    status === 410
      ? outOfDate
      : `${perhapsProxy}. Open ${url.origin} from this network, and see https://bitbucket.status.atlassian.com.`,
  )
}

const checkAddresses =
  'Check url and api-url. They must be the addresses of Bitbucket Cloud and of its API, without a path.'

/** Describes the body of an answer, so that a person can tell who may have sent it. */
function bodyIn(response: HttpAnswer): string {
  if (isHtml(response)) return 'an HTML page'
  if (response.body.trim() === '') return 'an empty body'
  return isJson(response) ? 'unexpected JSON' : 'text that is not JSON'
}

/** Returns the error for an answer in Bitbucket's own format: quotes it, and does not blame the network. */
function ownError(response: HttpAnswer, url: URL): TokenError {
  const { status } = response
  const usual =
    status === 404 || status === 405
      ? `${checkAddresses}\nIf they are right: ${outOfDate}`
      : 'Bitbucket did not accept the request. Use the newest version of bitbucket-token, and see https://bitbucket.status.atlassian.com.'
  return new TokenError(
    status === 402 ? 'access-denied' : 'answer-unusable',
    `${url.host} answered ${url.pathname} with an error ${statusAndWords(response)}.`,
    adviceOn(response, usual),
  )
}

function targetOf(response: HttpAnswer, url: URL): string {
  const location = response.headers['location']
  if (location === undefined || !URL.canParse(location, url.href)) return ''
  // Shows only the origin, because the path or query may repeat what was sent.
  return ` to ${response.quote(new URL(location, url).origin)}`
}
