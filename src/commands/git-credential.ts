import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Credential } from '../bitbucket/credential.ts'
import { bearer } from '../credentials/bearer.ts'
import { chooseCredential } from '../credentials/choose.ts'
import { definitionOfKind, inputsOfKind, obtain } from '../credentials/index.ts'
import { askBitbucket } from '../credentials/verify.ts'
import { reasonOf, TokenError } from '../errors.ts'
import { coversPath } from '../git/git-path.ts'
import { refusalLimit } from '../git/helper.ts'
import { writeData } from '../hosts/data.ts'
import type { Inputs } from '../inputs.ts'
import { grantContext, hide, inputSource, openHttp, type Run } from '../run.ts'
import { encodedForms, Secret } from '../secret.ts'
import { type Refusals, refusalsCountFor, refusalsOf } from '../stores/refusal-count.ts'
import { type TokenCache, type TokenCacheOptions, tokenCache } from '../stores/token-cache.ts'
import type { World } from '../world.ts'
import { chooseToSpend, obtainCredential } from './credential.ts'

/**
 * Speaks git's credential helper protocol (git: Documentation/git-credential.txt), for users who configure it by hand:
 *
 *     git config credential.https://bitbucket.org.helper '!bitbucket-token git-credential'
 *
 * `get` answers only for Bitbucket's host, and with `git-path` only for those paths. `erase` forgets a refused token and
 * counts the refusal, because git-lfs asks again after each refusal, without end (git-lfs issue 2833). `store` resets the
 * count. `erase` and `store` never fail. stdout is only for git.
 * @param request what git writes to standard input
 */
export async function gitCredential(
  run: Run,
  operation: 'get' | 'store' | 'erase',
  request: string,
): Promise<void> {
  if (operation === 'get') return get(run, request)
  try {
    await recordOutcome(run, operation, request)
  } catch (error) {
    // Not an error for git: if the inputs are invalid, no token was kept, so there is nothing to forget.
    run.host.log.debug(reasonOf(error))
  }
}

async function get(run: Run, request: string): Promise<void> {
  if (!isFor(run.inputs(), parseAttributes(request))) return
  const source = sourceOf(run)
  if (source.refusals.count() >= refusalLimit) return stopAsking(run)
  await renewIfInvalid(source, run)
  const { secret, gitUsername, expiresAt } = await tokenFrom(source, run)
  const expiry = expiresAt === undefined ? '' : `password_expiry_utc=${Math.floor(expiresAt / 1_000)}\n`
  const answer = (password: string) => `username=${gitUsername}\npassword=${password}\n${expiry}`
  writeData(run.world, secret.derive(answer))
}

/** Records whether Bitbucket accepted the token that git got from us. */
async function recordOutcome(run: Run, operation: 'store' | 'erase', request: string): Promise<void> {
  const asked = parseAttributes(request)
  const password = asked.get('password')
  if (password === undefined || !isFor(run.inputs(), asked)) return
  const source = sourceOf(run)
  if (operation === 'store') source.refusals.clear()
  else await refuse(source, new Secret(password), run)
}

/** Makes git stop, so that it does not ask the next helper or a person (git: credential.c, `quit`). */
function stopAsking({ host, world }: Run): void {
  host.log.error(
    `Bitbucket refused this credential ${refusalLimit} times, so git does not get it again for ${refusalsCountFor / 60_000} minutes.\nRun bitbucket-token check to find out why.`,
  )
  world.stdout('quit=1\n')
}

/** For how many milliseconds a token counts as just issued. */
const justIssued = 60_000

/** Counts a refusal of one of our tokens, and forgets the token unless it was just issued: see {@link renewIfInvalid}. */
async function refuse({ cache, refusals, obtain }: Source, password: Secret, { world }: Run): Promise<void> {
  const token = cache === undefined ? (await obtain()).secret : cache.peek()?.token
  if (!token?.equals(password)) return
  if (!isJustIssued(cache, world)) await cache?.forget(password)
  await refusals.add()
}

const isJustIssued = (cache: TokenCache | undefined, { now }: World): boolean => {
  const cached = cache?.peek()
  return cached !== undefined && now() - (cached.expiresAt - cached.lifetime) <= justIssued
}

/**
 * Forgets a token that was refused right after it was issued, if Bitbucket says that it is no longer valid. Does so only
 * once, because a second new token would be refused as well.
 */
async function renewIfInvalid({ cache, refusals, kind }: Source, run: Run): Promise<void> {
  const cached = cache?.peek()
  if (cache === undefined || cached === undefined) return
  if (refusals.count() === 0 || refusals.isRenewed() || !isJustIssued(cache, run.world)) return
  if (!(await isInvalid(bearer(kind, cached.token), run))) return
  await cache.forget(cached.token)
  await refusals.renewed()
}

async function isInvalid(credential: Credential, run: Run): Promise<boolean> {
  try {
    await askBitbucket(credential, undefined, await openHttp(run), run.inputs()['api-url'])
    return false
  } catch (error) {
    return error instanceof TokenError && error.code === 'credential-refused'
  }
}

/** The credential that git uses, and what its processes share. */
interface Source {
  readonly kind: string
  /** Undefined if the user gave the token itself: it is used without a cache. */
  readonly cache: TokenCache | undefined
  readonly refusals: Refusals
  /** @param newest the newest refresh token, if Bitbucket has replaced the given one */
  obtain(newest?: Secret): Promise<Credential>
}

function sourceOf(run: Run): Source {
  const inputs = run.inputs()
  const destination = inputs['save-refresh-token']
  if (destination !== undefined) {
    const identity = [inputs.url.href, inputs['client-id'] ?? '', inputs['client-secret'] ?? '', destination]
    return {
      kind: 'refresh-token',
      ...sharedUnder(identity, run),
      obtain: (newest = inputs['refresh-token']) => renewThroughStore(newest, run),
    }
  }
  const { credential: given } = chooseCredential(inputs, inputs.grant, inputSource(run))
  const definition = definitionOfKind(given.kind)
  const identity = [
    inputs.url.href,
    ...inputsOfKind(given.kind).map((name) => inputs[name] ?? ''),
    ...(definition.asksForScopes ? inputs.scopes : []),
  ]
  const { cache, refusals } = sharedUnder(identity, run)
  return {
    kind: given.kind,
    cache: definition.isIssued ? cache : undefined,
    refusals,
    async obtain(newest = inputs['refresh-token']) {
      const withNewest = { ...given, inputs: { ...inputs, 'refresh-token': newest } }
      return obtain(withNewest, grantContext(await openHttp(run), run))
    },
  }
}

async function renewThroughStore(newest: Secret | undefined, run: Run): Promise<Credential> {
  const { given, rotation, ...chosen } = await chooseToSpend({
    ...run,
    inputs: () => ({ ...run.inputs(), 'refresh-token': newest }),
  })
  const credential = await obtainCredential({ given, rotation, ...chosen }, run)
  // git gets its answer even if the store cannot be written, because the new refresh token is in the cache.
  for (const { message, nextStep } of run.deferred.splice(0)) run.host.log.error(`${message}\n${nextStep}`)
  return credential
}

/** A token that git can use now. */
type Current = Pick<Credential, 'secret' | 'gitUsername' | 'expiresAt'>

/** Returns the token of the source. A token that Bitbucket issues is cached and shared until shortly before it expires. */
async function tokenFrom({ kind, cache, obtain }: Source, run: Run): Promise<Current> {
  if (cache === undefined) return obtain()
  const cached = await cache.get(async (newest) => {
    if (newest !== undefined) hide(encodedForms(newest), run)
    const { secret, expiresIn = 0, expiresAt = run.world.now(), refreshToken } = await obtain(newest)
    return { token: secret, refreshToken, lifetime: expiresIn * 1_000, expiresAt }
  })
  return { ...bearer(kind, cached.token), expiresAt: cached.expiresAt }
}

/** Returns what processes that use the same credential share. */
function sharedUnder(
  identity: TokenCacheOptions['identity'],
  { world, inputs }: Run,
): { readonly cache: TokenCache; readonly refusals: Refusals } {
  const directories = cacheDirectories(world)
  return {
    cache: tokenCache({ directories, identity, world, patience: inputs().timeout * 1_000 }),
    refusals: refusalsOf(directories, identity, world),
  }
}

/**
 * Returns the possible directories of the cache, the best one first. They do not depend on the working directory, because
 * git starts helpers in different directories. Only this user can create the last one.
 */
export function cacheDirectories({ env }: World): readonly string[] {
  const name = `bitbucket-token-cache-${process.geteuid?.() ?? 'user'}`
  const home = env['HOME'] || env['USERPROFILE']
  const userCache = env['XDG_CACHE_HOME'] || (home && join(home, '.cache'))
  // A runner makes RUNNER_TEMP only for its own user, so a cache in /tmp from another run must not win over it.
  const shared = env['RUNNER_TEMP'] ? [env['RUNNER_TEMP']] : [env['XDG_RUNTIME_DIR'], tmpdir()]
  const places = [...shared, userCache]
  return [...new Set(places.flatMap((place) => (place ? [join(place, name)] : [])))]
}

/**
 * Parses `key=value` lines up to an empty line, and splits `url` into its parts (git: Documentation/git-credential.txt).
 * Other attributes (`capability[]`, `wwwauth[]`, …) have no effect.
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
 * Whether git asks about this server and, if git sends a path, about one of the paths in `git-path`. git sends a path only
 * with `useHttpPath`. Without it, git's configuration alone decides which URLs belong to this helper. git sends the host as it is
 * in the repository's address. When git compares it with its configuration, it ignores case and the default port (git:
 * urlmatch.c).
 */
function isFor({ url, 'git-path': paths }: Inputs, asked: ReadonlyMap<string, string>): boolean {
  const path = asked.get('path')
  if (path !== undefined && !coversPath(paths, path)) return false
  const [protocol = '', host = ''] = ['protocol', 'host'].map((name) => asked.get(name))
  // Any other character would belong to another part of the address.
  if (!/^https?$/i.test(protocol) || !/^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d*)?$/i.test(host)) return false
  const address = `${protocol}://${host}`
  return URL.canParse(address) && new URL(address).origin === url.origin
}
