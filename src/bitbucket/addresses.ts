import { isPrivate } from '../http/exchange.ts'
import { invalid, readValue } from '../read-value.ts'

/** The default addresses of Bitbucket Cloud. */
export const defaultAddresses = { site: 'https://bitbucket.org', api: 'https://api.bitbucket.org' } as const

/** Bitbucket's own hosts. The ones with `www.` only redirect. */
const siteHosts = ['bitbucket.org', 'www.bitbucket.org']
const apiHosts = ['api.bitbucket.org', 'www.api.bitbucket.org']

/**
 * Reads the address where Bitbucket serves OAuth and git. An empty value means the default.
 * @throws {TokenError} `input`
 */
export function readSiteAddress(text: string | undefined, what: string): URL {
  const defaultAddress = defaultAddresses.site
  const url = readAddress(text, what, defaultAddress)
  if (apiHosts.includes(url.hostname)) {
    throw invalid(`${what} is the address of Bitbucket's REST API.`, `Use ${defaultAddress} here.`)
  }
  if (siteHosts.includes(url.hostname)) {
    requireDefault(url, what, defaultAddress, ' Name a repository in the input repository.')
  }
  return url
}

/**
 * Reads the address where Bitbucket serves its REST API. An empty value means the default. The version at the end is
 * allowed, because many people know the address as `https://api.bitbucket.org/2.0`.
 * @throws {TokenError} `input`
 */
export function readApiAddress(text: string | undefined, what: string): URL {
  const defaultAddress = defaultAddresses.api
  const url = readAddress(text, what, defaultAddress)
  if (siteHosts.includes(url.hostname)) {
    throw invalid(`${what} is the address of Bitbucket's web site.`, `Use ${defaultAddress} here.`)
  }
  if (/\/1\.0(?:\/|$)/.test(url.pathname)) {
    throw invalid(
      `${what} asks for version 1.0 of the REST API.`,
      `Bitbucket has removed that version. Use ${defaultAddress}.`,
    )
  }
  url.pathname = withoutSlashes(url.pathname.replace(/\/2\.0$/, ''))
  if (apiHosts.includes(url.hostname)) requireDefault(url, what, defaultAddress)
  return url
}

function requireDefault(url: URL, what: string, defaultAddress: string, more = ''): void {
  if (url.href === `${defaultAddress}/`) return
  throw invalid(`${what} contains more than Bitbucket's address.`, `Use ${defaultAddress}.${more}`)
}

const withoutSlashes = (path: string): string => path.replace(/\/+$/, '')

/**
 * Reads a web address, and removes slashes at its end.
 * @param defaultAddress the address that an empty value means
 * @throws {TokenError} `input` if it is not an address, or if a secret would be sent to it without encryption
 */
function readAddress(text: string | undefined, what: string, defaultAddress: string): URL {
  const value = readValue(text, what) ?? defaultAddress
  const url = URL.canParse(value) ? new URL(value) : undefined
  if (url === undefined || !['https:', 'http:'].includes(url.protocol)) {
    throw invalid(
      `${what} is not a web address.`,
      `Give an address that begins with https://, such as ${defaultAddress}.`,
    )
  }
  if (url.username !== '' || url.password !== '') {
    throw invalid(
      `${what} contains a user name or password.`,
      'Give credentials in their own inputs, never in an address.',
    )
  }
  if (/[?#]/.test(value)) {
    throw invalid(`${what} has a query or fragment.`, `Give only the address, such as ${defaultAddress}.`)
  }
  if (!isPrivate(url)) {
    throw invalid(
      `${what} is not encrypted.`,
      'Use https, because a secret would be sent there unencrypted. Plain http is only allowed for loopback.',
    )
  }
  url.pathname = withoutSlashes(url.pathname)
  return url
}
