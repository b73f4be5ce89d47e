import { TokenError } from '../errors.ts'
import type { HttpAnswer } from '../http/exchange.ts'
import { isHtml } from './answers.ts'

/** For an answer that Bitbucket does not give: what it is, whence it may come, and never its text. */
export function unusable(response: HttpAnswer, url: URL, wanted: string): TokenError {
  const what = `${url.host} answered with status ${response.status}`
  const inBetween =
    'Something between this machine and Bitbucket may answer in its place (a proxy, a firewall, a login page)'
  if (response.status >= 300 && response.status <= 399) {
    return new TokenError(
      'answer-unusable',
      `${what}, a redirect${targetOf(response, url)}, where ${wanted} was due.`,
      `It was not followed, for the secret would have gone along. ${inBetween}; if the address has changed, set url and api-url.`,
    )
  }
  if (response.status === 407) {
    return new TokenError(
      'answer-unusable',
      `${what}: a proxy wants a user name and password.`,
      'Set HTTPS_PROXY=http://user:password@proxy:port, percent-encoded.',
    )
  }
  if (response.status === 404 || response.status === 405) {
    return new TokenError(
      'answer-unusable',
      `${what}: there is nothing at ${url.pathname}.`,
      'Check url and api-url: they name the web address and the API of Bitbucket Cloud, without a path.',
    )
  }
  const kind = isHtml(response) ? 'an HTML page' : response.body === '' ? 'nothing' : 'something else'
  return new TokenError(
    'answer-unusable',
    `${what} and ${kind} where ${wanted} was due.`,
    `${inBetween}: open ${url.origin} from this network, and see https://bitbucket.status.atlassian.com.`,
  )
}

function targetOf(response: HttpAnswer, url: URL): string {
  const location = response.headers['location']
  if (location === undefined || !URL.canParse(location, url.href)) return ''
  // Only the origin: a path or query may repeat what was sent.
  return ` to ${response.quote(new URL(location, url).origin)}`
}
