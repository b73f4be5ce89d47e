import { TokenError } from '../errors.ts'
import { isPrivate } from '../http/address.ts'
import { Secret } from '../secret.ts'
import type { CredentialInputs } from './kind.ts'

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
  if (secret) refuseMoreThanSecret(value, what)
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
  if (inHeader && value.includes(' ')) {
    throw invalid(`${what} contains a space.`, 'Give the token alone, without words before or after it.')
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

interface Wrapping {
  readonly pattern: RegExp
  /** Completes "… ". */
  readonly holds: string
  readonly nextStep: string
}

const giveTokenAlone = 'Give the token alone: this program adds what goes before it.'

/** What people paste together with a secret. None of it can be part of one: each has a blank, or is a known beginning. */
const wrappings: readonly Wrapping[] = [
  {
    pattern: /^(curl|-u|-H|--user|--header)\s|^--(user|header)=/,
    holds: 'is a piece of a curl command.',
    nextStep: 'Give the secret alone, without options and quotes.',
  },
  {
    pattern: /^["']?(proxy-)?authorization["']?\s*[:=]/i,
    holds: 'is a whole Authorization header.',
    nextStep: giveTokenAlone,
  },
  {
    pattern: /^basic\s/i,
    holds: 'begins with "Basic".',
    nextStep:
      'It holds a user name and a secret in Base64: give them apart, in email and api-token or in client-id and client-secret.',
  },
  { pattern: /^bearer\s/i, holds: 'begins with "Bearer".', nextStep: giveTokenAlone },
  { pattern: /^(jwt|token)\s/i, holds: 'begins with the name of a scheme.', nextStep: giveTokenAlone },
  {
    pattern: /^[a-z][a-z\d+.-]*:\/\//i,
    holds: 'is a web address.',
    nextStep: 'Give the token alone: the part between the user name with its colon and the "@".',
  },
  {
    pattern: /^x-(token|bitbucket-api-token)-auth\s*:/i,
    holds: 'begins with the user name that git sends.',
    nextStep: 'Give only what follows the colon: this program adds the user name.',
  },
  {
    pattern: /^[^\s:@]+@[^\s:@]+\.[a-z]{2,}:/i,
    holds: 'begins with an e-mail address.',
    nextStep: 'Give the address in email, and what follows the colon in api-token.',
  },
  {
    pattern: /^(export\s+|set\s+)?BITBUCKET_\w+\s*[:=]/,
    holds: 'begins with the name of a variable.',
    nextStep: 'Give only the value of that variable.',
  },
  {
    pattern: /^\{\s*"(access|refresh)_token"/,
    holds: 'is a JSON document.',
    nextStep: 'Give only the value of the field, without quotes.',
  },
  {
    // Whatever the prefix is: `user:ATATT…`, `token: ATCTT…`.
    pattern: /^[^\s:=]+\s*[:=]\s*["']?(AT[AC]TT|ATBB)/,
    holds: 'has a name before the token.',
    nextStep: 'Give the token alone. A user name or e-mail address has an input of its own.',
  },
]

/** @throws {TokenError} `input`, if a secret comes with something that is not part of it; never shows it */
function refuseMoreThanSecret(value: string, what: string): void {
  // Quotes around all of it do not hide the rest.
  const bare = value.replace(/^["'`]/, '').trimStart()
  const wrapping = wrappings.find(({ pattern }) => pattern.test(bare))
  if (wrapping !== undefined) throw invalid(`${what} ${wrapping.holds}`, wrapping.nextStep)
}

/** @throws {TokenError} `input`, if a secret begins with its own user name, as it is or in Base64 as HTTP Basic has it */
function refusePair(
  secret: Secret | undefined,
  user: string | undefined,
  input: Name,
  userInput: Name,
  nameOf: (name: Name) => string,
): void {
  if (secret === undefined || user === undefined) return
  const beginning = `${user}:`
  const inBase64 = secret.derive((value) => Buffer.from(value, 'base64').toString('utf8'))
  if (![secret, inBase64].some((one) => one.startsWith(beginning))) return
  throw invalid(
    `${nameOf(input)} holds ${nameOf(userInput)} as well.`,
    `Give only what follows the colon${secret.startsWith(beginning) ? '' : ' once the Base64 is decoded'}.`,
  )
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
  if (clientId?.includes('@')) {
    throw invalid(
      `${nameOf('client-id')} is an e-mail address.`,
      `Give the Client ID of an OAuth client. An account's API token goes into ${nameOf('email')} and ${nameOf('api-token')}.`,
    )
  }
  const clientSecret = secret('client-secret')
  const apiToken = secret('api-token')
  // No API token begins like this. An API token as access-token is not refused here: there are reports that it works.
  if (apiToken?.matches(/^ATCTT/)) {
    throw invalid(
      `${nameOf('api-token')} is an access token (ATCTT…).`,
      `Give it as ${nameOf('access-token')}, without ${nameOf('email')}.`,
    )
  }
  refusePair(clientSecret, clientId, 'client-secret', 'client-id', nameOf)
  refusePair(apiToken, email, 'api-token', 'email', nameOf)
  // Both in one, by the lengths that Bitbucket gives them (Jenkins: BitbucketOAuthCredentialMatcher.java).
  if (clientSecret?.matches(/^([A-Za-z\d]{18}:[A-Za-z\d]{32}|[A-Za-z\d]{32}:[A-Za-z\d]{76})$/)) {
    throw invalid(
      `${nameOf('client-secret')} holds the ID of the OAuth client as well.`,
      `Give what stands before the colon as ${nameOf('client-id')}, and only the rest as ${nameOf('client-secret')}.`,
    )
  }
  return {
    'client-id': clientId,
    'client-secret': clientSecret,
    'refresh-token': secret('refresh-token'),
    email,
    'api-token': apiToken,
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
