import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AccessToken, CredentialKind } from '../bitbucket/credential.ts'
import { bearer } from '../credentials/bearer.ts'
import { chooseCredential, type GivenCredential } from '../credentials/choose.ts'
import { obtain } from '../credentials/index.ts'
import { TokenError } from '../errors.ts'
import { coversPath } from '../git/git-path.ts'
import { refusalLimit } from '../git/helper.ts'
import { writeData } from '../hosts/data.ts'
import { type Inputs, parseInputs } from '../inputs.ts'
import { Secret, travelingForms } from '../secret.ts'
import { type Refusals, refusalsCountFor, refusalsOf } from '../stores/refusals.ts'
import { type TokenCache, type TokenCacheOptions, tokenCache } from '../stores/token-cache.ts'
import type { World } from '../world.ts'
import { endpointsOf, hide, hideGiven, openHttp, type Run, rotationFor } from './credential.ts'

/**
 * git's credential helper protocol (git: Documentation/git-credential.txt), for whoever wires it by hand:
 *
 *     git config credential.https://bitbucket.org.helper '!bitbucket-token git-credential'
 *
 * `get` answers for Bitbucket's host alone, and with `git-path` only for the paths in it, with a token that is renewed when
 * it is about to end. `erase` makes a refused token forgotten, and counts: git-lfs asks again after each refusal, without
 * end (git-lfs issue 2833). `store` resets the count. stdout belongs to git.
 * @param request what git says on standard input
 */
export async function gitCredential(run: Run, operation: string | undefined, request: string): Promise<void> {
  const inputs = parseInputs(run.given)
  hideGiven(inputs, run)
  const asked = parseAttributes(request)
  if (asked['protocol'] !== inputs.url.protocol.slice(0, -1) || asked['host'] !== inputs.url.host) return
  // git sends a path only with useHttpPath; without one, the configuration decides where this helper is asked.
  if (asked['path'] !== undefined && !coversPath(inputs['git-path'], asked['path'])) return

  const source = sourceOf(inputs, run)
  const password = asked['password'] === undefined ? undefined : new Secret(asked['password'])
  if (operation === 'get') {
    if (source.refusals.count() >= refusalLimit) return stopAsking(run)
    const { token, expiresAt } = await tokenFrom(source, run)
    const expiry = expiresAt === undefined ? '' : `password_expiry_utc=${Math.floor(expiresAt / 1_000)}\n`
    const answer = (password: string) => `username=${token.gitUsername}\npassword=${password}\n${expiry}`
    writeData(run.world, token.token.derive(answer))
  } else if (operation === 'erase' && password !== undefined) await refuse(source, password, inputs, run)
  else if (operation === 'store') source.refusals.clear()
}

/** Makes git end instead of asking the next helper or a person (git: credential.c, `quit`). */
function stopAsking({ host, world }: Run): void {
  host.log.error(
    `Bitbucket refused this credential ${refusalLimit} times, so git does not get it again for ${refusalsCountFor / 60_000} minutes.\nFind out why with bitbucket-token check.`,
  )
  world.stdout('quit=1\n')
}

/** Milliseconds for which a token counts as just issued. */
const justIssued = 60_000

/**
 * Counts a refusal, and forgets the token unless a new one would be refused as well: that of a token that Bitbucket has
 * just issued is no reason to ask for another, unless Bitbucket says that it is no longer valid.
 */
async function refuse(source: Source, password: Secret, inputs: Inputs, run: Run): Promise<void> {
  const { cache, refusals, kind } = source
  if (cache === undefined) {
    const given = await source.obtain()
    return given.token.equals(password) ? refusals.add(false) : undefined
  }
  const cached = cache.peek()
  if (cached === undefined || !cached.token.equals(password)) return
  const age = run.world.now() - (cached.expiresAt - cached.lifetime)
  const isRenewed =
    age > justIssued || (!refusals.isRenewed() && (await isDead(bearer(kind, password), inputs, run)))
  if (isRenewed) await cache.forget(password)
  await refusals.add(isRenewed)
}

async function isDead(token: AccessToken, inputs: Inputs, run: Run): Promise<boolean> {
  const { checkCredential } = await import(/* webpackChunkName: "rest" */ '../bitbucket/rest.ts')
  try {
    await checkCredential(await openHttp(inputs, run), inputs['api-url'], token, undefined)
    return false
  } catch (error) {
    return error instanceof TokenError && error.code === 'credential-refused'
  }
}

/** Where the token comes from. */
interface Source {
  readonly kind: CredentialKind
  /** Undefined for a token that was given, which is used as it is. */
  readonly cache: TokenCache | undefined
  readonly refusals: Refusals
  /** @param newest the newest refresh token, where there is a newer one than was given */
  obtain(newest?: Secret): Promise<AccessToken>
}

function sourceOf(inputs: Inputs, run: Run): Source {
  const { url } = inputs
  const client = [url.href, inputs['client-id'] ?? '', inputs['client-secret'] ?? '']
  const destination = inputs['save-refresh-token']
  if (destination !== undefined) {
    const kept = keptUnder([...client, destination], inputs, run.world)
    const obtain = (newest = inputs['refresh-token']) =>
      renewThroughStore({ ...inputs, 'refresh-token': newest }, run)
    return { kind: 'refresh-token', ...kept, obtain }
  }
  const credential = choose(inputs, run)
  const ask = async (given: GivenCredential) =>
    obtain(given, endpointsOf(await openHttp(inputs, run), inputs, run))
  switch (credential.kind) {
    case 'client-credentials':
      return {
        kind: credential.kind,
        ...keptUnder(client, inputs, run.world),
        obtain: () => ask(credential),
      }
    case 'refresh-token':
      return {
        kind: credential.kind,
        ...keptUnder([...client, credential.refreshToken], inputs, run.world),
        obtain: (newest = credential.refreshToken) => ask({ ...credential, refreshToken: newest }),
      }
    case 'jwt': {
      const { appKey, clientKey, sharedSecret } = credential
      // The scopes are those of the token that was asked for.
      const identity = [url.href, appKey, clientKey, sharedSecret, ...inputs.scopes]
      return {
        kind: credential.kind,
        ...keptUnder(identity, inputs, run.world),
        obtain: () => ask(credential),
      }
    }
    default: {
      const identity = [url.href, inputs['api-token'] ?? '', inputs['access-token'] ?? '']
      const { refusals } = keptUnder(identity, inputs, run.world)
      return { kind: credential.kind, cache: undefined, refusals, obtain: () => ask(credential) }
    }
  }
}

function choose(inputs: Inputs, { given, host }: Run): GivenCredential {
  return chooseCredential(inputs, inputs.grant, { ...given, whyEmpty: host.whyEmpty }).credential
}

async function renewThroughStore(inputs: Inputs, run: Run): Promise<AccessToken> {
  const rotation = await rotationFor(inputs, run)
  if (rotation === undefined) throw new Error('no store was named')
  const { token, unsaved } = await rotation.renew(choose(rotation.inputs, run))
  // git gets its answer all the same: the token is good, and the new refresh token is in the cache.
  if (unsaved !== undefined) run.host.log.error(`${unsaved.message}\n${unsaved.nextStep}`)
  return token
}

interface LivingToken {
  readonly token: Pick<AccessToken, 'token' | 'gitUsername'>
  /** Milliseconds since the epoch. */
  readonly expiresAt: number | undefined
}

/** One that Bitbucket issues is kept and shared until it is about to end. */
async function tokenFrom({ kind, cache, obtain }: Source, run: Run): Promise<LivingToken> {
  if (cache === undefined) return { token: await obtain(), expiresAt: undefined }
  const cached = await cache.get(async (newest) => {
    if (newest !== undefined) hide(travelingForms(newest), run)
    const { token, expiresIn = 0, refreshToken } = await obtain(newest)
    const lifetime = expiresIn * 1_000
    return { token, refreshToken, lifetime, expiresAt: run.world.now() + lifetime }
  })
  return { token: bearer(kind, cached.token), expiresAt: cached.expiresAt }
}

/** What processes share that use the same credential. */
function keptUnder(
  identity: TokenCacheOptions['identity'],
  { timeout }: Inputs,
  world: World,
): { readonly cache: TokenCache; readonly refusals: Refusals } {
  const directory = cacheDirectory(world)
  return {
    cache: tokenCache({ directory, identity, world, patience: timeout * 1_000 }),
    refusals: refusalsOf(directory, identity, world),
  }
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
