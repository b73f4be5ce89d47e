import type { AccessToken } from '../bitbucket/credential.ts'
import { type Endpoints, type IssuedToken, requestToken } from '../bitbucket/token-endpoint.ts'
import { TokenError } from '../errors.ts'
import type { Http } from '../http/exchange.ts'
import { Secret } from '../secret.ts'
import { bearer } from './bearer.ts'
import type { GivenCredential } from './choose.ts'
import { signJwt } from './sign-jwt.ts'

/** Where the grant is run, and what it asks of whoever runs it. */
export interface ConnectEndpoints extends Endpoints {
  /** Scopes to ask for; none for all that the app has. */
  readonly scopes: readonly string[]
  /** Milliseconds since the epoch. */
  now(): number
  /** Comes before a secret that was made here is used. */
  hide(secret: Secret): void
  warn(text: string): void
}

/** Seconds, as in Atlassian's own samples. */
const lifetime = 180

type ConnectApp = GivenCredential & { kind: 'jwt' }

/**
 * The grant for Connect apps, whose JWT stands in the place of a client secret. The token acts as the account in which
 * the app is installed, and brings no refresh token (developer.atlassian.com, "OAuth 2.0 for Connect apps").
 */
export async function fromConnectApp(given: ConnectApp, endpoints: ConnectEndpoints): Promise<AccessToken> {
  endpoints.warn(
    'Atlassian ends its support of Connect in December 2026: move to an OAuth consumer (client-id, client-secret) or an access token before this grant stops.',
  )
  const issued = await exchange(given, endpoints)
  return { ...bearer(given.kind, issued.token), ...issued }
}

/** How far a JWT's time is from this machine's clock, in milliseconds, and whether that may still change. */
interface Clock {
  readonly offset: number
  readonly isFinal: boolean
}

/**
 * Runs the grant, and once more in two cases. A try that had to wait may come too late for its JWT; and a clock that was just
 * set makes the next one good. If a refused JWT was made by a clock that is off, the next one takes the server's time, once,
 * as octokit's auth-app does (auth-app.js, src/hook.ts).
 */
async function exchange(
  given: ConnectApp,
  endpoints: ConnectEndpoints,
  clock: Clock = { offset: 0, isFinal: false },
): Promise<IssuedToken> {
  const { http, url, scopes, now, hide, warn } = endpoints
  const form = new URLSearchParams({ grant_type: 'urn:bitbucket:oauth2:jwt' })
  if (scopes.length > 0) form.set('scope', scopes.join(' '))
  const signedAt = now()
  const issuedAt = Math.floor((signedAt + clock.offset) / 1_000)
  // Atlassian's samples differ on `qsh`; without it nothing ties the JWT to one way of writing the request.
  const claims = { iss: given.appKey, sub: given.clientKey, iat: issuedAt, exp: issuedAt + lifetime }
  const jwt = await given.sharedSecret.deriveLater((key) => signJwt(claims, key))
  hide(jwt)
  let offset = 0
  const listening: Http = async (request) => {
    const response = await http(request)
    offset = Date.parse(response.headers['date'] ?? '') - now()
    return response
  }
  try {
    return await requestToken(listening, url, { jwt }, given.kind, new Secret(form.toString()))
  } catch (error) {
    if (!(error instanceof TokenError) || error.code !== 'credential-refused') throw error
    if (!clock.isFinal && Math.abs(offset) > clockTolerance) {
      warn(clockAdvice(offset))
      return exchange(given, endpoints, { offset, isFinal: true })
    }
    if (Math.abs(now() - signedAt) < lifetime * 1_000) throw error
    return exchange(given, endpoints, clock)
  }
}

/** Milliseconds by which a clock must be off before that counts: an answer has been on its way for some of them. */
const clockTolerance = 30_000

/** @param offset milliseconds from this machine's clock to Bitbucket's */
function clockAdvice(offset: number): string {
  const seconds = Math.round(Math.abs(offset) / 1_000)
  const span = seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`
  return `This machine's clock is ${span} ${offset > 0 ? 'behind' : 'ahead of'} Bitbucket's, and Bitbucket refused a JWT that was made by it. This run uses Bitbucket's time instead: set the clock (NTP).`
}
