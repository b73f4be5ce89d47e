import type { Http } from '../http/exchange.ts'
import { basicCredentials, Secret } from '../secret.ts'
import { isHtml, readObject, stringAt } from './answers.ts'
import { type Issuance, isTokenText } from './credential.ts'
import { splitScopes } from './scopes.ts'

/** What the token endpoint issued. */
export interface IssuedToken {
  readonly token: Secret
  /** Seconds. */
  readonly expiresIn: number
  /** Whether the answer did not tell, so that `expiresIn` is {@link assumedLifetime}. */
  readonly expiryIsAssumed: boolean
  readonly scopes: readonly string[] | undefined
  readonly refreshToken: Secret | undefined
}

/**
 * Seconds. Bitbucket's tokens live two hours (7200), but its REST introduction still says one; without a word
 * from the server the shorter is the safe one.
 */
export const assumedLifetime = 3600

/** Where a grant is run, and by what. */
export interface Endpoints {
  readonly http: Http
  /** `https://bitbucket.org`, or what plays it. */
  readonly url: URL
}

/**
 * Characters. Linux starts no program with a variable of 128 KiB or more (MAX_ARG_STRLEN), so a longer token would break
 * every later step; one that is base64-encoded grows by a third.
 */
const longestToken = 65_536

/** An OAuth consumer, by its key and secret. */
export interface Client {
  readonly id: string
  readonly secret: Secret
}

/** A Connect app, by what it has signed. */
export interface SignedApp {
  readonly jwt: Secret
  /** Milliseconds since the epoch, on the clock by which it was signed. */
  readonly now: () => number
}

/** Where that is. @param base `https://bitbucket.org`, or what plays it */
export const tokenEndpoint = (base: URL): URL =>
  new URL(`${base.href.replace(/\/$/, '')}/site/oauth2/access_token`)

/**
 * Asks `<url>/site/oauth2/access_token` for a token: form body and HTTP Basic, the only way Atlassian documents for a
 * consumer (a JSON body is not read at all: site/master issue 16249), or, for a Connect app, a scheme of Bitbucket's
 * own, in just these capitals (developer.atlassian.com, "OAuth 2.0 for Connect apps").
 * @param form the grant's parameters, URL-encoded
 * @throws {TokenError} `credential-refused`, `answer-unusable` or `unreachable`
 */
export async function requestToken(
  http: Http,
  base: URL,
  client: Client | SignedApp,
  kind: Issuance,
  form: Secret,
): Promise<IssuedToken> {
  const isApp = 'jwt' in client
  const url = tokenEndpoint(base)
  const response = await http({
    method: 'POST',
    url,
    headers: {
      authorization: isApp
        ? client.jwt.derive((value) => `JWT ${value}`)
        : basicCredentials(client.id, client.secret).derive((value) => `Basic ${value}`),
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
    },
    body: form,
  })
  const { status } = response
  const issued = status === 200 ? issuedTokenIn(readObject(response)) : undefined
  if (issued !== undefined) return issued
  // 401 speaks of the credential whoever says it; a page in place of a 400 or 403 is not Bitbucket speaking.
  if (status === 401 || ((status === 400 || status === 403) && !isHtml(response))) {
    const { refusedByTokenEndpoint } = await import(/* webpackChunkName: "rest" */ './refusals.ts')
    throw refusedByTokenEndpoint(response, kind, isApp ? client.now() : undefined)
  }
  const { unusable } = await import(/* webpackChunkName: "rest" */ './unusable.ts')
  throw unusable(response, url, status === 200 ? 'a bearer token in JSON' : 'a token')
}

/** The token in an answer of the endpoint, or in the fragment that the implicit grant ends with. */
export function issuedTokenIn(body: Readonly<Record<string, unknown>> | undefined): IssuedToken | undefined {
  const accessToken = stringAt(body, 'access_token')
  const tokenType = stringAt(body, 'token_type')?.toLowerCase()
  const isUsable = accessToken !== undefined && isTokenText(accessToken)
  if (!isUsable || accessToken.length > longestToken || tokenType !== 'bearer') return undefined
  // Bitbucket wrote `scopes` until May 2026 and writes `scope` since, as RFC 6749 does.
  const scopes = stringAt(body, 'scope') ?? stringAt(body, 'scopes')
  const refreshToken = stringAt(body, 'refresh_token')
  if (refreshToken !== undefined && !isTokenText(refreshToken)) return undefined
  const expiresIn = readSeconds(body?.['expires_in'])
  return {
    token: new Secret(accessToken),
    expiresIn: expiresIn ?? assumedLifetime,
    expiryIsAssumed: expiresIn === undefined,
    scopes: scopes === undefined ? undefined : splitScopes(scopes),
    refreshToken: refreshToken === undefined ? undefined : new Secret(refreshToken),
  }
}

function readSeconds(value: unknown): number | undefined {
  const seconds = typeof value === 'string' && /^\d+$/.test(value.trim()) ? Number(value) : value
  return typeof seconds === 'number' && Number.isFinite(seconds) && seconds >= 1 && seconds < 1e9
    ? Math.floor(seconds)
    : undefined
}
