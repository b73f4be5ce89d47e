import type { Credential } from '../bitbucket/credential.ts'
import { type IssuedToken, requestToken } from '../bitbucket/token-endpoint.ts'
import type { GrantTexts } from '../bitbucket/token-endpoint-errors.ts'
import { TokenError } from '../errors.ts'
import type { Http } from '../http/exchange.ts'
import { Secret } from '../secret.ts'
import { issuedBearer } from './bearer.ts'
import type { GrantContext } from './kind.ts'
import { signJwt } from './sign-jwt.ts'

/** Seconds, as in Atlassian's own samples. */
const lifetime = 180

interface ConnectApp {
  readonly 'connect-app-key': string
  readonly 'connect-client-key': string
  readonly 'connect-shared-secret': Secret
}

/** Runs the grant of a Connect app, and warns that Atlassian is ending it. */
export async function requestWithJwt(app: ConnectApp, context: GrantContext): Promise<Credential> {
  context.warn(
    'Atlassian ends its support of Connect in December 2026. Move to an OAuth client (client-id, client-secret) or an access token before this grant stops working.',
  )
  return issuedBearer('jwt', await exchange(app, context), context.now())
}

/**
 * Sends a signed JWT. If Bitbucket refuses it, sends another one in two cases: the JWT expired while the request waited, or
 * this machine's clock is wrong. The second JWT then has the time of Bitbucket's answer, as in octokit's auth-app.js
 * (src/hook.ts).
 */
async function exchange(app: ConnectApp, context: GrantContext): Promise<IssuedToken> {
  const { http, url, scopes, now, hide, warn } = context
  const form = new URLSearchParams({ grant_type: 'urn:bitbucket:oauth2:jwt' })
  if (scopes.length > 0) form.set('scope', scopes.join(' '))
  /** Milliseconds from this machine's clock to Bitbucket's, in the newest answer. */
  let offset = 0
  const noteTime: Http = async (request) => {
    const response = await http(request)
    offset = Date.parse(response.headers['date'] ?? '') - now()
    return response
  }
  /** The offset by which JWTs are dated. Undefined until the clock is found to be wrong. */
  let correction: number | undefined
  for (;;) {
    const signedAt = now()
    const jwt = await signFor(app, signedAt + (correction ?? 0))
    hide(jwt)
    try {
      return await requestToken(noteTime, url, { jwt }, connectAppGrant, new Secret(form.toString()))
    } catch (error) {
      if (!(error instanceof TokenError) || error.code !== 'credential-refused') throw error
      const clockIsWrong = correction === undefined && Math.abs(offset) > clockTolerance
      const jwtExpired = Math.abs(now() - signedAt) >= lifetime * 1_000
      if (!clockIsWrong && !jwtExpired) throw error
      if (clockIsWrong) {
        warn(clockAdvice(offset))
        correction = offset
      }
    }
  }
}

/** @param time when the JWT is issued, in milliseconds since the epoch */
function signFor(app: ConnectApp, time: number): Promise<Secret> {
  const iat = Math.floor(time / 1_000)
  // Atlassian's samples differ on `qsh`. Without it, the JWT does not depend on how the request is written.
  const claims = { iss: app['connect-app-key'], sub: app['connect-client-key'], iat, exp: iat + lifetime }
  return app['connect-shared-secret'].deriveLater((key) => signJwt(claims, key))
}

/** A smaller difference of clocks, in milliseconds, is ignored: the answer needs time to arrive. */
const clockTolerance = 30_000

/** @param offset milliseconds from this machine's clock to Bitbucket's */
function clockAdvice(offset: number): string {
  const seconds = Math.round(Math.abs(offset) / 1_000)
  const span = seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`
  return `This machine's clock is ${span} ${offset > 0 ? 'behind' : 'ahead of'} Bitbucket's, and Bitbucket refused a JWT dated by it. This run retries with Bitbucket's time. Set the clock of this machine (NTP).`
}

const wrongConnectApp = [
  'Check in this order:',
  '- connect-client-key and connect-shared-secret are clientKey and sharedSecret of the newest "installed" callback (each installation has its own, and installing the app again replaces them);',
  '- connect-app-key is the "key" in the app\'s descriptor;',
  '- the app is still installed: Workspace settings → Installed apps;',
  '- Bitbucket still accepts Connect apps: Atlassian ends their support in December 2026.',
].join('\n')

/** Atlassian documents no error texts for this grant. Apps have no OAuth client whose settings could list it. */
export const connectAppGrant: GrantTexts = {
  sends: 'JWT of the Connect app',
  howToEnable:
    'Only Connect apps can use this grant, and Atlassian ends their support in December 2026. Use an OAuth client (client-id, client-secret) instead.',
  explain(text) {
    if (/scope/i.test(text)) {
      return {
        code: 'scope-missing',
        what: 'scopes',
        nextStep:
          "List only scopes of the app's descriptor in scopes, under the same names. Leave scopes empty to get all of them.",
      }
    }
    return {
      code: 'credential-refused',
      what: this.sends,
      nextStep: /unsupported.grant|grant.?type/i.test(text) ? this.howToEnable : wrongConnectApp,
    }
  },
}
