import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AccessToken, CredentialKind } from '../bitbucket/credential.ts'
import { bearer } from '../credentials/bearer.ts'
import { chooseCredential, type GivenCredential } from '../credentials/choose.ts'
import { obtain } from '../credentials/index.ts'
import { reasonOf } from '../errors.ts'
import { writeData } from '../hosts/data.ts'
import { type Inputs, parseInputs } from '../inputs.ts'
import { Secret, travelingForms } from '../secret.ts'
import { type TokenCache, type TokenCacheOptions, tokenCache } from '../stores/token-cache.ts'
import type { World } from '../world.ts'
import { endpointsOf, hide, hideGiven, openHttp, type Run, rotationFor } from './credential.ts'

/**
 * git's credential helper protocol (git: Documentation/git-credential.txt), for whoever wires it by hand:
 *
 *     git config credential.https://bitbucket.org.helper '!bitbucket-token git-credential'
 *
 * `get` answers for Bitbucket's host alone, with a token that is renewed when it is about to end. `erase` forgets a
 * refused token, and never fails. (`store` has nothing to do, so main.ts answers it.) stdout belongs to git.
 * @param request what git says on standard input
 */
export async function gitCredential(run: Run, operation: 'get' | 'erase', request: string): Promise<void> {
  if (operation === 'get') return get(run, request)
  try {
    await erase(run, request)
  } catch (error) {
    // git has no use for this error: without inputs that can be read no token was kept, so there is nothing to forget.
    run.host.log.debug(reasonOf(error))
  }
}

async function get(run: Run, request: string): Promise<void> {
  const inputs = readInputs(run)
  if (!isFor(inputs.url, parseAttributes(request))) return
  const { token, expiresAt } = await tokenFrom(sourceOf(inputs, run), run)
  const expiry = expiresAt === undefined ? '' : `password_expiry_utc=${Math.floor(expiresAt / 1_000)}\n`
  const answer = (password: string) => `username=${token.gitUsername}\npassword=${password}\n${expiry}`
  writeData(run.world, token.token.derive(answer))
}

async function erase(run: Run, request: string): Promise<void> {
  const asked = parseAttributes(request)
  const password = asked.get('password')
  const inputs = readInputs(run)
  if (password === undefined || !isFor(inputs.url, asked)) return
  await sourceOf(inputs, run).cache?.forget(new Secret(password))
}

function readInputs(run: Run): Inputs {
  const inputs = parseInputs(run.given)
  hideGiven(inputs, run)
  return inputs
}

/** Where the token comes from. */
interface Source {
  readonly kind: CredentialKind
  /** Undefined for a token that was given, which is used as it is. */
  readonly cache: TokenCache | undefined
  /** @param newest the newest refresh token, where there is a newer one than was given */
  obtain(newest?: Secret): Promise<AccessToken>
}

function sourceOf(inputs: Inputs, run: Run): Source {
  const { url } = inputs
  const client = [url.href, inputs['client-id'] ?? '', inputs['client-secret'] ?? '']
  const destination = inputs['save-refresh-token']
  if (destination !== undefined) {
    const cache = cacheFor([...client, destination], inputs, run.world)
    const obtain = (newest = inputs['refresh-token']) =>
      renewThroughStore({ ...inputs, 'refresh-token': newest }, run)
    return { kind: 'refresh-token', cache, obtain }
  }
  const credential = choose(inputs, run)
  const ask = async (given: GivenCredential) =>
    obtain(given, endpointsOf(await openHttp(inputs, run), inputs, run))
  switch (credential.kind) {
    case 'client-credentials':
      return {
        kind: credential.kind,
        cache: cacheFor(client, inputs, run.world),
        obtain: () => ask(credential),
      }
    case 'refresh-token':
      return {
        kind: credential.kind,
        cache: cacheFor([...client, credential.refreshToken], inputs, run.world),
        obtain: (newest = credential.refreshToken) => ask({ ...credential, refreshToken: newest }),
      }
    case 'jwt': {
      const { appKey, clientKey, sharedSecret } = credential
      // The scopes are those of the token that was asked for.
      const identity = [url.href, appKey, clientKey, sharedSecret, ...inputs.scopes]
      return {
        kind: credential.kind,
        cache: cacheFor(identity, inputs, run.world),
        obtain: () => ask(credential),
      }
    }
    default:
      return { kind: credential.kind, cache: undefined, obtain: () => ask(credential) }
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

function cacheFor(identity: TokenCacheOptions['identity'], { timeout }: Inputs, world: World): TokenCache {
  return tokenCache({ directories: cacheDirectories(world), identity, world, patience: timeout * 1_000 })
}

/**
 * Returns where the cache may be, the best place first: one place for all git processes of a job, because git starts
 * helpers in whichever directory it works. Nobody but this user can take the last one's name.
 */
export function cacheDirectories({ env }: World): readonly string[] {
  const name = `bitbucket-token-cache-${process.geteuid?.() ?? 'user'}`
  const home = env['HOME'] || env['USERPROFILE']
  const userCache = env['XDG_CACHE_HOME'] || (home && join(home, '.cache'))
  const places = [env['RUNNER_TEMP'] || env['XDG_RUNTIME_DIR'] || tmpdir(), tmpdir(), userCache]
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
    const [, protocol, host] = key === 'url' ? (/^([^:/]*):\/\/(?:[^@/]*@)?([^/]*)/.exec(value) ?? []) : []
    if (protocol !== undefined && host !== undefined) {
      attributes.set('protocol', protocol)
      attributes.set('host', host)
    }
  }
  return attributes
}

/**
 * Whether git asks about this server. It gives the host as it stands in the address of the repository, and compares it
 * with its configuration in any case, and with or without the protocol's own port (git: urlmatch.c).
 */
function isFor(url: URL, asked: ReadonlyMap<string, string>): boolean {
  const [protocol = '', host = ''] = ['protocol', 'host'].map((name) => asked.get(name))
  // Any other character would be read as another part of an address.
  if (!/^https?$/i.test(protocol) || !/^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d*)?$/i.test(host)) return false
  const address = `${protocol}://${host}`
  return URL.canParse(address) && new URL(address).origin === url.origin
}
