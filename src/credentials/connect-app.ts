import type { AccessToken } from '../bitbucket/credential.ts'
import { type Endpoints, type IssuedToken, requestToken } from '../bitbucket/token-endpoint.ts'
import { TokenError } from '../errors.ts'
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

/** A try that had to wait may come too late for its JWT; and a clock that was just set makes the next one good. */
async function exchange(given: ConnectApp, endpoints: ConnectEndpoints): Promise<IssuedToken> {
  const { http, url, scopes, now, hide } = endpoints
  const form = new URLSearchParams({ grant_type: 'urn:bitbucket:oauth2:jwt' })
  if (scopes.length > 0) form.set('scope', scopes.join(' '))
  const issuedAt = Math.floor(now() / 1_000)
  // Atlassian's samples differ on `qsh`; without it nothing ties the JWT to one way of writing the request.
  const claims = { iss: given.appKey, sub: given.clientKey, iat: issuedAt, exp: issuedAt + lifetime }
  const jwt = await given.sharedSecret.deriveLater((key) => signJwt(claims, key))
  hide(jwt)
  try {
    return await requestToken(http, url, { jwt, now }, given.kind, new Secret(form.toString()))
  } catch (error) {
    const isRefused = error instanceof TokenError && error.code === 'credential-refused'
    if (!isRefused || Math.abs(now() / 1_000 - issuedAt) < lifetime) throw error
    return exchange(given, endpoints)
  }
}
