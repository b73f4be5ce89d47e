import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AccessToken } from '../bitbucket/credential.ts'
import { bearer } from '../credentials/bearer.ts'
import { chooseCredential, type GivenCredential } from '../credentials/choose.ts'
import { obtain } from '../credentials/index.ts'
import { writeData } from '../hosts/data.ts'
import { type Inputs, parseInputs } from '../inputs.ts'
import { Secret } from '../secret.ts'
import { type TokenCache, tokenCache } from '../stores/token-cache.ts'
import type { World } from '../world.ts'
import { openHttp, type Run } from './credential.ts'

/**
 * git's credential helper protocol (git: Documentation/git-credential.txt), for whoever wires it by hand:
 *
 *     git config credential.https://bitbucket.org.helper '!bitbucket-token git-credential'
 *
 * `get` answers for Bitbucket's host alone, with a token that is renewed when it is about to end. `erase` makes a
 * refused token forgotten. `store` and whatever git may add have nothing to do. stdout belongs to git.
 * @param request what git says on standard input
 */
export async function gitCredential(run: Run, operation: string | undefined, request: string): Promise<void> {
  const inputs = parseInputs(run.given)
  const asked = parseAttributes(request)
  if (asked['protocol'] !== inputs.url.protocol.slice(0, -1) || asked['host'] !== inputs.url.host) return

  const giver = { ...run.given, whyEmpty: run.host.whyEmpty }
  const { credential } = chooseCredential(inputs, inputs.grant, giver)
  if (operation === 'get') {
    const { token, expiresAt } = await tokenFor(credential, inputs, run)
    const expiry = expiresAt === undefined ? '' : `password_expiry_utc=${Math.floor(expiresAt / 1_000)}\n`
    const answer = (password: string) => `username=${token.gitUsername}\npassword=${password}\n${expiry}`
    writeData(run.world, token.token.derive(answer))
  } else if (operation === 'erase' && asked['password'] !== undefined && isOAuth(credential)) {
    await cacheFor(credential, inputs, run.world).forget(new Secret(asked['password']))
  }
}

type OAuthCredential = GivenCredential & { readonly kind: 'client-credentials' | 'refresh-token' }

const isOAuth = (credential: GivenCredential): credential is OAuthCredential =>
  credential.kind === 'client-credentials' || credential.kind === 'refresh-token'

interface LivingToken {
  readonly token: Pick<AccessToken, 'token' | 'gitUsername'>
  /** Milliseconds since the epoch. */
  readonly expiresAt: number | undefined
}

/** A token that was given is used as it is; one that Bitbucket issues is kept and shared until it is about to end. */
async function tokenFor(credential: GivenCredential, inputs: Inputs, run: Run): Promise<LivingToken> {
  if (!isOAuth(credential)) {
    const http = await openHttp(inputs, run)
    return { token: await obtain(credential, { http, url: inputs.url }), expiresAt: undefined }
  }
  const cached = await cacheFor(credential, inputs, run.world).get(async (newest) => {
    const given =
      credential.kind === 'refresh-token' && newest !== undefined
        ? { ...credential, refreshToken: newest }
        : credential
    const http = await openHttp(inputs, run)
    const { token, expiresIn = 0, refreshToken } = await obtain(given, { http, url: inputs.url })
    const lifetime = expiresIn * 1_000
    return { token, refreshToken, lifetime, expiresAt: run.world.now() + lifetime }
  })
  return { token: bearer(credential.kind, cached.token), expiresAt: cached.expiresAt }
}

function cacheFor(credential: OAuthCredential, inputs: Inputs, world: World): TokenCache {
  const { clientId, clientSecret } = credential
  const identity = [inputs.url.href, clientId, clientSecret]
  if (credential.kind === 'refresh-token') identity.push(credential.refreshToken)
  const patience = inputs.timeout * 1_000
  return tokenCache({ directory: cacheDirectory(world), identity, world, patience })
}

/** One place for all git processes of a job: git starts helpers in whichever directory it stands. */
export function cacheDirectory({ env }: World): string {
  const temporary = env['RUNNER_TEMP'] || env['XDG_RUNTIME_DIR'] || tmpdir()
  return join(temporary, `bitbucket-token-cache-${process.getuid?.() ?? 'user'}`)
}

/** `key=value` lines up to an empty one. */
function parseAttributes(request: string): Readonly<Record<string, string | undefined>> {
  const lines = request.split('\n\n', 1)[0]?.split('\n') ?? []
  return Object.fromEntries(
    lines
      .filter((line) => line.includes('='))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )
}
