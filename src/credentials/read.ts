import { TokenError } from '../errors.ts'
import { isPrivate } from '../http/exchange.ts'
import { replaceUnseen } from '../log-safe.ts'
import type { Secret } from '../secret.ts'

/** Returns the error for a wrong input. */
export const invalid = (message: string, nextStep: string) => new TokenError('input', message, nextStep)

/**
 * What a CI, a shell or a template replaces by a value. The text between the delimiters may be anything but a delimiter,
 * because each CI allows other names, defaults and expressions there.
 */
const placeholders: readonly RegExp[] = [
  // GitHub, Gitea, Forgejo, Codefresh, Azure; also inside another text.
  /\$\{\{/,
  // Shells; Drone and Woodpecker double the `$`; PowerShell; Jenkins, Bamboo, Maven, Terraform.
  /^\$+[A-Za-z_]\w*$/,
  /^\$env:\w+$/i,
  /^\$+\{[^{}]*\}$/,
  // Azure, Tekton, and a command that no shell has run.
  /^\$\([^()]*\)$/,
  // GitLab's `inputs`, and expressions of Azure.
  /^\$\[.*\]$/,
  // TeamCity and Windows.
  /^%[A-Za-z_][^%\s]*%$/,
  // CircleCI, Harness, and a value to be filled in.
  /^<{1,2}[^<>]*>{1,2}$/,
  // Ansible, Argo, Helm.
  /^\{\{[^{}]*\}\}$/,
  // Concourse.
  /^\(\([^()]*\)\)$/,
]

/** In the quotes of a shell or YAML, or in those that editors and chats put in their place. */
const quoted = /^(?:(["'`]).*\1|[“”„].*[“”]|[‘’‚].*[‘’]|«.*»)$/s

/**
 * Returns the text of an input, trimmed; undefined if it is empty. Assumes no length and no alphabet.
 * @param what how to name the value to the user
 * @param rules whether it is a secret, and whether it goes into a header unchanged
 * @throws {TokenError} `input` if the value is clearly not what was meant. The message never shows the value.
 */
export function readValue(
  text: string | undefined,
  what: string,
  { secret = false, inHeader = false }: { readonly secret?: boolean; readonly inHeader?: boolean } = {},
): string | undefined {
  const value = text?.trim()
  if (value === undefined || value === '') return undefined
  if (placeholders.some((pattern) => pattern.test(value))) {
    throw invalid(
      `${what} contains a placeholder instead of a value.`,
      'The variable or secret that it names does not exist here, or the CI did not replace it. Check its name, and that this job may use it.',
    )
  }
  if (secret) refuseMoreThanSecret(value, what)
  if (quoted.test(value)) {
    throw invalid(`${what} has quotes around it.`, 'Store the value without quotes.')
  }
  if (/[\r\n]/.test(value)) {
    throw invalid(
      `${what} has more than one line.`,
      'Copy the value again, without the line break, and store it as one line.',
    )
  }
  if (inHeader && /[^\x20-\x7e]/.test(value)) {
    throw invalid(
      `${what} contains a character that is not allowed in an HTTP header.`,
      'Copy the value again. An access token contains only ASCII characters.',
    )
  }
  if (inHeader && value.includes(' ')) {
    throw invalid(`${what} contains a space.`, 'Give only the token, without words before or after it.')
  }
  if (value.includes('\t') || replaceUnseen(value, () => '') !== value) {
    throw invalid(
      `${what} contains an invisible character.`,
      'Copy the value again from where it was created, not from a chat or a document.',
    )
  }
  if (secret && value.startsWith('ATBB')) {
    throw invalid(
      `${what} is an app password.`,
      'Bitbucket removed app passwords on 2026-07-28. Create an API token (and give its email), an access token or an OAuth client instead.',
    )
  }
  return value
}

interface Wrapping {
  readonly pattern: RegExp
  /** What is wrong. It completes "<name of the input> …". */
  readonly what: string
  readonly nextStep: string
}

const giveOnlyToken = 'Give only the token. This program adds what goes before it.'

/**
 * What people paste together with a secret. None of it can be part of a secret, because each contains a space or is a known
 * beginning.
 */
const wrappings: readonly Wrapping[] = [
  {
    pattern: /^(curl|-u|-H|--user|--header)\s|^--(user|header)=/,
    what: 'is a piece of a curl command.',
    nextStep: 'Give only the secret, without options and quotes.',
  },
  {
    pattern: /^["']?(proxy-)?authorization["']?\s*[:=]/i,
    what: 'is a whole Authorization header.',
    nextStep: giveOnlyToken,
  },
  {
    pattern: /^basic\s/i,
    what: 'begins with "Basic".',
    nextStep:
      'It contains a user name and a secret in Base64. Give them separately, in email and api-token or in client-id and client-secret.',
  },
  { pattern: /^bearer\s/i, what: 'begins with "Bearer".', nextStep: giveOnlyToken },
  { pattern: /^(jwt|token)\s/i, what: 'begins with the name of a scheme.', nextStep: giveOnlyToken },
  {
    pattern: /^[a-z][a-z\d+.-]*:\/\//i,
    what: 'is a web address.',
    nextStep: 'Give only the token: the part after the user name and its colon, and before the "@".',
  },
  {
    pattern: /^x-(token|bitbucket-api-token)-auth\s*:/i,
    what: 'begins with the user name that git sends.',
    nextStep: 'Give only what follows the colon. This program adds the user name.',
  },
  {
    pattern: /^[^\s:@]+@[^\s:@]+\.[a-z]{2,}:/i,
    what: 'begins with an email address.',
    nextStep: 'Give the email address in email, and what follows the colon in api-token.',
  },
  {
    pattern: /^(export\s+|set\s+)?BITBUCKET_\w+\s*[:=]/,
    what: 'begins with the name of a variable.',
    nextStep: 'Give only the value of that variable.',
  },
  {
    pattern: /^\{\s*"(access|refresh)_token"/,
    what: 'is a JSON document.',
    nextStep: 'Give only the value of the field, without quotes.',
  },
  {
    // Any name before a known beginning of a token: `user:ATATT…`, `token: ATCTT…`.
    pattern: /^[^\s:=]+\s*[:=]\s*["']?(AT[AC]TT|ATBB)/,
    what: 'has a name before the token.',
    nextStep: 'Give only the token. A user name or email address has its own input.',
  },
]

/**
 * @throws {TokenError} `input` if a secret was pasted together with something that is not part of it. It never shows the
 * value.
 */
function refuseMoreThanSecret(value: string, what: string): void {
  // A quote at the beginning must not hide the pattern.
  const bare = value.replace(/^["'`]/, '').trimStart()
  const wrapping = wrappings.find(({ pattern }) => pattern.test(bare))
  if (wrapping !== undefined) throw invalid(`${what} ${wrapping.what}`, wrapping.nextStep)
}

/**
 * @param inputs the inputs that hold the two
 * @throws {TokenError} `input` if a secret begins with its own user name, as plain text or in Base64 as HTTP Basic has it
 */
export function refusePair(
  secret: Secret | undefined,
  user: string | undefined,
  inputs: { readonly password: string; readonly user: string },
  { nameOf }: { nameOf(input: string): string },
): void {
  if (secret === undefined || user === undefined) return
  const beginning = `${user}:`
  const inBase64 = secret.derive((value) => Buffer.from(value, 'base64').toString('utf8'))
  if (![secret, inBase64].some((one) => one.startsWith(beginning))) return
  throw invalid(
    `${nameOf(inputs.password)} also contains ${nameOf(inputs.user)}.`,
    `${secret.startsWith(beginning) ? 'Give' : 'Decode the Base64 and give'} only what follows the colon.`,
  )
}

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
