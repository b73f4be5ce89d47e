import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AccessToken, CredentialKind } from '../bitbucket/credential.ts'
import { bearer } from '../credentials/bearer.ts'
import { chooseCredential, type GivenCredential } from '../credentials/choose.ts'
import { obtain } from '../credentials/index.ts'
import { reasonOf, TokenError } from '../errors.ts'
import { coversPath } from '../git/git-path.ts'
import { refusalLimit } from '../git/refusals.ts'
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
 * `get` answers for Bitbucket's host alone, and with `git-path` only for the paths in it. `erase` forgets a refused token, and
 * counts: git-lfs asks again after each refusal, without end (git-lfs issue 2833). `store` resets the count. Neither of
 * these two ever fails. stdout belongs to git.
 * @param request what git says on standard input
 */
export async function gitCredential(
  run: Run,
  operation: 'get' | 'store' | 'erase',
  request: string,
): Promise<void> {
  if (operation === 'get') return get(run, request)
  try {
    await notice(run, operation, request)
  } catch (error) {
    // git has no use for this error: without inputs that can be read no token was kept, so there is nothing to forget.
    run.host.log.debug(reasonOf(error))
  }
}

async function get(run: Run, request: string): Promise<void> {
  const inputs = readInputs(run)
  if (!isFor(inputs, parseAttributes(request))) return
  const source = sourceOf(inputs, run)
  if (source.refusals.count() >= refusalLimit) return stopAsking(run)
  await renewIfDead(source, inputs, run)
  const { token, expiresAt } = await tokenFrom(source, run)
  const expiry = expiresAt === undefined ? '' : `password_expiry_utc=${Math.floor(expiresAt / 1_000)}\n`
  const answer = (password: string) => `username=${token.gitUsername}\npassword=${password}\n${expiry}`
  writeData(run.world, token.token.derive(answer))
}

async function notice(run: Run, operation: 'store' | 'erase', request: string): Promise<void> {
  const asked = parseAttributes(request)
  const password = asked.get('password')
  const inputs = readInputs(run)
  if (password === undefined || !isFor(inputs, asked)) return
  const source = sourceOf(inputs, run)
  if (operation === 'store') source.refusals.clear()
  else await refuse(source, new Secret(password), run)
}

function readInputs(run: Run): Inputs {
  const inputs = parseInputs(run.given)
  hideGiven(inputs, run)
  return inputs
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

/** Counts a refusal of one of our tokens. One that Bitbucket has just issued stays: see {@link renewIfDead}. */
async function refuse({ cache, refusals, obtain }: Source, password: Secret, { world }: Run): Promise<void> {
  const token = cache === undefined ? (await obtain()).token : cache.peek()?.token
  if (!token?.equals(password)) return
  if (!isJustIssued(cache, world)) await cache?.forget(password)
  await refusals.add()
}

const isJustIssued = (cache: TokenCache | undefined, { now }: World): boolean => {
  const cached = cache?.peek()
  return cached !== undefined && now() - (cached.expiresAt - cached.lifetime) <= justIssued
}

/**
 * Forgets a token that was refused right after it was issued, if Bitbucket says that it is no longer valid, and only once:
 * otherwise the next one would be refused as well.
 */
async function renewIfDead({ cache, refusals, kind }: Source, inputs: Inputs, run: Run): Promise<void> {
  const cached = cache?.peek()
  if (cache === undefined || cached === undefined) return
  if (refusals.count() === 0 || refusals.isRenewed() || !isJustIssued(cache, run.world)) return
  if (!(await isDead(bearer(kind, cached.token), inputs, run))) return
  await cache.forget(cached.token)
  await refusals.renewed()
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
  const directories = cacheDirectories(world)
  return {
    cache: tokenCache({ directories, identity, world, patience: timeout * 1_000 }),
    refusals: refusalsOf(directories, identity, world),
  }
}

/**
 * Returns where the cache may be, the best place first: one place for all git processes of a job, because git starts
 * helpers in whichever directory it works. Nobody but this user can take the last one's name.
 */
export function cacheDirectories({ env }: World): readonly string[] {
  const name = `bitbucket-token-cache-${process.geteuid?.() ?? 'user'}`
  const home = env['HOME'] || env['USERPROFILE']
  const userCache = env['XDG_CACHE_HOME'] || (home && join(home, '.cache'))
  // A runner makes RUNNER_TEMP for its user alone, so a cache of another program run in /tmp must not win over it.
  const shared = env['RUNNER_TEMP'] ? [env['RUNNER_TEMP']] : [env['XDG_RUNTIME_DIR'], tmpdir()]
  const places = [...shared, userCache]
  return [...new Set(places.flatMap((place) => (place ? [join(place, name)] : [])))]
}

/**
 * Reads `key=value` lines up to an empty one. `url` stands for its parts (git: Documentation/git-credential.txt). What
 * else git may say (`capability[]`, `wwwauth[]`, …) changes nothing here.
 */
function parseAttributes(request: string): ReadonlyMap<string, string> {
  const attributes = new Map<string, string>()
  for (const line of request.split(/\r?\n/)) {
    if (line === '') break
    const [, key = '', value = ''] = /^([^=]*)=(.*)$/s.exec(line) ?? []
    attributes.set(key, value)
    const [, protocol, host, path] =
      key === 'url' ? (/^([^:/]*):\/\/(?:[^@/]*@)?([^/]*)(?:\/(.+))?/.exec(value) ?? []) : []
    if (protocol !== undefined && host !== undefined) {
      attributes.set('protocol', protocol)
      attributes.set('host', host)
      if (path !== undefined) attributes.set('path', path)
    }
  }
  return attributes
}

/**
 * Whether git asks about this server, and about one of the paths of `git-path`. git sends a path only with
 * `useHttpPath`; without one, git's configuration decides where this helper is asked. It gives the host as it stands in the address of the repository, and compares it
 * with its configuration in any case, and with or without the protocol's own port (git: urlmatch.c).
 */
function isFor({ url, 'git-path': paths }: Inputs, asked: ReadonlyMap<string, string>): boolean {
  const path = asked.get('path')
  if (path !== undefined && !coversPath(paths, path)) return false
  const [protocol = '', host = ''] = ['protocol', 'host'].map((name) => asked.get(name))
  // Any other character would be read as another part of an address.
  if (!/^https?$/i.test(protocol) || !/^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d*)?$/i.test(host)) return false
  const address = `${protocol}://${host}`
  return URL.canParse(address) && new URL(address).origin === url.origin
}
