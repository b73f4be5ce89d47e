import { TokenError } from '../errors.ts'
import type { Http, HttpResponse } from '../http/exchange.ts'
import { basicCredentials, Secret } from '../secret.ts'
import { readObject, reportsError, stringAt, valueAt } from './answers.ts'
import { isTokenText } from './credential.ts'
import { splitScopes } from './scopes.ts'
import { type GrantTexts, tokenEndpointError } from './token-endpoint-errors.ts'

/** An OAuth client. Until 2026 Bitbucket called it a consumer, and its ID the key. */
export interface Client {
  readonly id: string
  readonly secret: Secret
}

/** A Connect app, which authenticates with a signed JWT instead of a secret. */
export interface SignedApp {
  readonly jwt: Secret
}

/** A token that the token endpoint issued. */
export interface IssuedToken {
  readonly token: Secret
  /** Seconds. */
  readonly expiresIn: number
  /** Whether the answer had no lifetime, so that `expiresIn` is {@link assumedLifetime}. */
  readonly expiryIsAssumed: boolean
  readonly scopes: readonly string[] | undefined
  readonly refreshToken: Secret | undefined
}

/**
 * The lifetime in seconds if the answer does not say. Bitbucket's tokens are valid for two hours (7200), but its REST
 * introduction still says one hour, and the shorter time is safer.
 */
export const assumedLifetime = 3600

/**
 * The longest accepted token, in characters. Linux starts no program with a variable of 128 KiB or more
 * (MAX_ARG_STRLEN), so a longer token would break every later step. Base64 makes a token a third longer.
 */
const maxTokenLength = 65_536

/** Returns the address of the token endpoint. @param base `https://bitbucket.org`, or a server in its place */
export const tokenEndpoint = (base: URL): URL =>
  new URL(`${base.href.replace(/\/$/, '')}/site/oauth2/access_token`)

/**
 * Requests a token from `<base>/site/oauth2/access_token`. Sends a form, because Bitbucket does not read a JSON body
 * (site/master issue 16249). An OAuth client uses HTTP Basic, the only way that Atlassian documents. A Connect app uses
 * Bitbucket's own scheme `JWT`, in capitals (developer.atlassian.com, "OAuth 2.0 for Connect apps").
 * @param form the grant's parameters, URL-encoded
 * @throws {TokenError} `credential-refused`, `scope-missing`, `access-denied`, `answer-unusable` or `unreachable`
 */
export async function requestToken(
  http: Http,
  base: URL,
  client: Client | SignedApp,
  grant: GrantTexts,
  form: Secret,
): Promise<IssuedToken> {
  const url = tokenEndpoint(base)
  const response = await http({
    method: 'POST',
    url,
    headers: {
      authorization:
        'jwt' in client
          ? client.jwt.derive((value) => `JWT ${value}`)
          : basicCredentials(client.id, client.secret).derive((value) => `Basic ${value}`),
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
    },
    body: form,
    retryLaterCode,
  })
  const { status } = response
  const body = status === 200 ? readObject(response) : undefined
  if (body !== undefined && !reportsError(body)) return issuedTokenIn(body, (flaw) => flawed(url, flaw))
  throw tokenEndpointError(response, url, grant)
}

/**
 * Returns the error code of an answer that asks to retry later, although its status does not. RFC 6749 defines these
 * codes for answers without a meaningful status (4.1.2.1). sourcebot's tokenRefresh.ts expects them from Bitbucket's
 * token endpoint.
 */
function retryLaterCode(response: HttpResponse): string | undefined {
  const code = stringAt(readObject(response), 'error')
  return code === 'temporarily_unavailable' || code === 'server_error' ? code : undefined
}

const flawed = (url: URL, flaw: string): TokenError =>
  new TokenError(
    'answer-unusable',
    `${url.host} answered with status 200, but issued no usable token: ${flaw}.`,
    'Run the job again. If it fails again, check url, check that no proxy changes the answer, and see https://bitbucket.status.atlassian.com.',
  )

/**
 * Reads the token from an answer of the token endpoint, or from the URL fragment of the implicit grant.
 * @param unusable creates the error for an unusable token, from a clause that says what is wrong with it
 */
export function issuedTokenIn(
  body: Readonly<Record<string, unknown>>,
  unusable: (flaw: string) => TokenError,
): IssuedToken {
  const refreshToken = stringAt(body, 'refresh_token')
  const flaw =
    flawOfToken(body, 'access_token') ??
    flawOfType(valueAt(body, 'token_type')) ??
    (refreshToken === undefined ? undefined : flawOfToken(body, 'refresh_token'))
  if (flaw !== undefined) throw unusable(flaw)
  const expiresIn = readSeconds(valueAt(body, 'expires_in'))
  return {
    token: new Secret(stringAt(body, 'access_token') ?? ''),
    expiresIn: expiresIn ?? assumedLifetime,
    expiryIsAssumed: expiresIn === undefined,
    // Bitbucket wrote `scopes` until May 2026 and writes `scope` since, as RFC 6749 does.
    scopes: readScopes(valueAt(body, 'scope')) ?? readScopes(valueAt(body, 'scopes')),
    refreshToken: refreshToken === undefined ? undefined : new Secret(refreshToken),
  }
}

/** Returns what is wrong with a token, as a clause that contains no part of it; undefined if it is usable. */
function flawOfToken(
  body: Readonly<Record<string, unknown>>,
  name: 'access_token' | 'refresh_token',
): string | undefined {
  const value = valueAt(body, name)
  if (value === undefined || value === null) return `${name} is missing`
  if (typeof value !== 'string') return `${name} is ${typeInWords(value)}, not a string`
  if (value === '') return `${name} is empty`
  if (/[\r\n]/.test(value)) return `${name} contains a line break`
  if (/\s/.test(value)) return `${name} contains a space`
  if (!isTokenText(value)) return `${name} contains a character that is not printable ASCII`
  if (value.length > maxTokenLength) return `${name} is longer than ${maxTokenLength} characters`
  return undefined
}

function flawOfType(value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return 'token_type is missing'
  if (typeof value !== 'string') return `token_type is ${typeInWords(value)}, not "bearer"`
  if (value.toLowerCase() === 'bearer') return undefined
  // Quotes the value only if it looks like a type, because a server that mixes up its fields might put the token there.
  return `token_type is ${/^[a-z][a-z\d-]{0,19}$/i.test(value) ? `"${value}"` : 'something else'}, not "bearer"`
}

function typeInWords(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

/** Reads scopes from one string, or from a list, which some servers send. */
function readScopes(value: unknown): string[] | undefined {
  if (Array.isArray(value)) return splitScopes(value.filter((scope) => typeof scope === 'string').join(' '))
  return typeof value === 'string' && value !== '' ? splitScopes(value) : undefined
}

/** Reads whole seconds from a number, or from a string such as "86400.92". */
function readSeconds(value: unknown): number | undefined {
  const seconds = typeof value === 'string' && /^\d+(\.\d+)?$/.test(value.trim()) ? Number(value) : value
  return typeof seconds === 'number' && Number.isFinite(seconds) && seconds >= 1 && seconds < 1e9
    ? Math.floor(seconds)
    : undefined
}
