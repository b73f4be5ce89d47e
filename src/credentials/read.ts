import { TokenError } from '../errors.ts'
import { isPrivate } from '../http/address.ts'
import { Secret } from '../secret.ts'
import type { CredentialInputs } from './choose.ts'

type Name = keyof CredentialInputs

/** What a person gave for a credential is wrong. */
export const invalid = (message: string, nextStep: string) => new TokenError('input', message, nextStep)

const placeholder = /\$\{\{|^\$\{?[A-Za-z_]\w*\}?$|^\$\([\w.]+\)$|^%[A-Za-z_]\w*%$|^<[^<>]*>$/

/**
 * A value as a person gave it, trimmed; undefined where it is empty. No length or alphabet is assumed.
 * @param what how to name the value to that person
 * @param rules whether it is a secret, and whether it goes into a header as it is
 * @throws {TokenError} `input` where it cannot be what was meant; never shows it
 */
export function readValue(
  given: string | undefined,
  what: string,
  { secret = false, inHeader = false }: { readonly secret?: boolean; readonly inHeader?: boolean } = {},
): string | undefined {
  const value = given?.trim()
  if (value === undefined || value === '') return undefined
  if (placeholder.test(value)) {
    throw invalid(
      `${what} holds a placeholder, not a value.`,
      'The variable or secret that it names does not exist here, or the CI did not replace it: check its name, and that this job may use it.',
    )
  }
  if (/^(["'`]).*\1$/s.test(value)) {
    throw invalid(`${what} has quotes around it.`, 'Store the value without quotes.')
  }
  if (/[\r\n]/.test(value)) {
    throw invalid(
      `${what} has more than one line.`,
      'Store the value as one line: copy it again, without the line break.',
    )
  }
  if (inHeader && /[^\x20-\x7e]/.test(value)) {
    throw invalid(
      `${what} contains a character that no HTTP header can carry.`,
      'Copy the value again: an access token is plain ASCII.',
    )
  }
  if (/\p{Cc}/u.test(value)) {
    throw invalid(
      `${what} contains a control character.`,
      'Copy the value again: something invisible came along.',
    )
  }
  if (secret && value.startsWith('ATBB')) {
    throw invalid(
      `${what} is an app password.`,
      'Bitbucket removed app passwords on 2026-07-28. Make an API token (with its e-mail), an access token or an OAuth consumer instead.',
    )
  }
  return value
}

/**
 * All that a credential can be made from.
 * @throws {TokenError} `input`, naming what is wrong and never showing it
 */
export function readCredentialInputs(
  given: (name: Name) => string | undefined,
  nameOf: (name: Name) => string,
): CredentialInputs {
  const text = (name: Name) => readValue(given(name), nameOf(name))
  const secret = (name: Name): Secret | undefined => {
    const rules = { secret: true, inHeader: name === 'access-token' }
    const value = readValue(given(name), nameOf(name), rules)
    return value === undefined ? undefined : new Secret(value)
  }
  const email = text('email')
  if (email !== undefined && !/^[^\s@:]+@[^\s@:]+$/.test(email)) {
    throw invalid(
      `${nameOf('email')} is not an e-mail address.`,
      'Bitbucket wants the e-mail address of the Atlassian account, not its user name, with an API token.',
    )
  }
  const clientId = text('client-id')
  if (clientId?.includes(':')) {
    throw invalid(
      `${nameOf('client-id')} contains a colon.`,
      'Give the key alone, without the secret: HTTP Basic separates the two by a colon.',
    )
  }
  return {
    'client-id': clientId,
    'client-secret': secret('client-secret'),
    'refresh-token': secret('refresh-token'),
    email,
    'api-token': secret('api-token'),
    'access-token': secret('access-token'),
    'connect-app-key': text('connect-app-key'),
    'connect-client-key': text('connect-client-key'),
    'connect-shared-secret': secret('connect-shared-secret'),
  }
}

/** Where Bitbucket Cloud is, unless somebody says otherwise. */
export const usualAddresses = { site: 'https://bitbucket.org', api: 'https://api.bitbucket.org' } as const

/** The hosts of Bitbucket's own pages; each `www.` only redirects. */
const siteHosts = ['bitbucket.org', 'www.bitbucket.org']
const apiHosts = ['api.bitbucket.org', 'www.api.bitbucket.org']

/**
 * Reads the address where Bitbucket serves OAuth and git; an empty one is the usual one.
 * @throws {TokenError} `input`
 */
export function readSiteAddress(given: string | undefined, what: string): URL {
  const usual = usualAddresses.site
  const url = readAddress(given, what, usual)
  if (apiHosts.includes(url.hostname)) {
    throw invalid(`${what} is the address of Bitbucket's REST API.`, `Use ${usual} here.`)
  }
  if (siteHosts.includes(url.hostname)) {
    requireUsual(url, what, usual, ' A workspace or a repository has an input of its own: repository.')
  }
  return url
}

/**
 * Reads the address where Bitbucket serves its REST API; an empty one is the usual one. Many people know it with the
 * version, `https://api.bitbucket.org/2.0`, so that may be there.
 * @throws {TokenError} `input`
 */
export function readApiAddress(given: string | undefined, what: string): URL {
  const usual = usualAddresses.api
  const url = readAddress(given, what, usual)
  if (siteHosts.includes(url.hostname)) {
    throw invalid(`${what} is the address of Bitbucket's web site.`, `Use ${usual} here.`)
  }
  if (/\/1\.0(?:\/|$)/.test(url.pathname)) {
    throw invalid(
      `${what} asks for version 1.0 of the REST API.`,
      `Bitbucket has removed that version. Use ${usual}.`,
    )
  }
  url.pathname = withoutSlashes(url.pathname.replace(/\/2\.0$/, ''))
  if (apiHosts.includes(url.hostname)) requireUsual(url, what, usual)
  return url
}

function requireUsual(url: URL, what: string, usual: string, more = ''): void {
  if (url.href === `${usual}/`) return
  throw invalid(`${what} is not Bitbucket's address alone.`, `Use ${usual}.${more}`)
}

const withoutSlashes = (path: string): string => path.replace(/\/+$/, '')

/**
 * Reads a web address, without slashes at its end.
 * @param usual what an empty one means
 * @throws {TokenError} `input`, also if a secret that went there would cross a network unencrypted
 */
function readAddress(given: string | undefined, what: string, usual: string): URL {
  const value = readValue(given, what) ?? usual
  const url = URL.canParse(value) ? new URL(value) : undefined
  if (url === undefined || !['https:', 'http:'].includes(url.protocol)) {
    throw invalid(`${what} is not a web address.`, `Begin it with https://, as in the default: ${usual}.`)
  }
  if (url.username !== '' || url.password !== '') {
    throw invalid(
      `${what} contains a user name or password.`,
      'Give credentials through their own inputs, never in an address.',
    )
  }
  if (/[?#]/.test(value)) {
    throw invalid(`${what} has a query or fragment.`, `Give the address only, such as ${usual}.`)
  }
  if (!isPrivate(url)) {
    throw invalid(
      `${what} is not encrypted.`,
      'Use https: a secret would cross the network in the clear. (Plain http is for loopback only.)',
    )
  }
  url.pathname = withoutSlashes(url.pathname)
  return url
}
