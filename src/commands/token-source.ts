import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Credential } from '../bitbucket/credential.ts'
import { bearer } from '../credentials/bearer.ts'
import { chooseCredential } from '../credentials/choose.ts'
import { definitionOfKind, inputsOfKind } from '../credentials/index.ts'
import type { TokenError } from '../errors.ts'
import { hide, inputSource, openHttp, type Run } from '../run.ts'
import { encodedForms, type Secret } from '../secret.ts'
import { memoryRefusals, memoryTokenCache } from '../stores/memory.ts'
import { type Refusals, refusalsOf } from '../stores/refusal-count.ts'
import { type TokenCache, tokenCache } from '../stores/token-cache.ts'
import type { World } from '../world.ts'
import { chooseToSpend, obtainCredential } from './credential.ts'

/** A credential that several processes share: where its newest token is, and how to get the next one. */
export interface TokenSource {
  readonly kind: string
  /** Undefined if the user gave the token itself: it is used without a cache. */
  readonly cache: TokenCache | undefined
  readonly refusals: Refusals
  /** @param newest the newest refresh token, if Bitbucket has replaced the given one */
  obtain(newest?: Secret): Promise<Credential>
}

/** What the processes that use one credential share. */
type Shared = Pick<TokenSource, 'refusals'> & { readonly cache: TokenCache }

/** All that distinguishes one credential from another, including secrets. */
type Identity = readonly (string | Secret)[]

/** Returns the source that all processes of this user share through files. */
export function sourceOnDisk(run: Run): TokenSource {
  const { world, inputs } = run
  const directories = cacheDirectories(world)
  return sourceOf(run, (identity) => ({
    cache: tokenCache({ directories, identity, world, timeout: inputs().timeout * 1_000 }),
    refusals: refusalsOf(directories, identity, world),
  }))
}

/** Returns the source that only this process has. It writes no file. */
export function sourceInMemory(first: Credential, run: Run): TokenSource {
  const { world } = run
  return sourceOf(run, () => ({
    cache: memoryTokenCache(cachedOf(first, world), world),
    refusals: memoryRefusals(world),
  }))
}

function sourceOf(run: Run, share: (identity: Identity) => Shared): TokenSource {
  const inputs = run.inputs()
  const destination = inputs['save-refresh-token']
  if (destination !== undefined) {
    const identity = [inputs.url.href, inputs['client-id'] ?? '', inputs['client-secret'] ?? '', destination]
    return {
      kind: 'refresh-token',
      ...share(identity),
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
  const { cache, refusals } = share(identity)
  return {
    kind: given.kind,
    cache: definition.isIssued ? cache : undefined,
    refusals,
    async obtain(newest = inputs['refresh-token']) {
      const withNewest = { ...given, inputs: { ...inputs, 'refresh-token': newest } }
      return obtainCredential({ given: withNewest, http: await openHttp(run) }, run)
    },
  }
}

async function renewThroughStore(newest: Secret | undefined, run: Run): Promise<Credential> {
  const deferred: TokenError[] = []
  const withNewest: Run = { ...run, inputs: () => ({ ...run.inputs(), 'refresh-token': newest }), deferred }
  const credential = await obtainCredential(await chooseToSpend(withNewest), withNewest)
  // The caller gets its token even if the store cannot be written, because the new refresh token is in the cache.
  for (const { message, nextStep } of deferred) run.host.log.error(`${message}\n${nextStep}`)
  return credential
}

/** Returns the newest token of a source. A token that Bitbucket issues is shared until shortly before it expires. */
export async function currentToken({ kind, cache, obtain }: TokenSource, run: Run): Promise<Credential> {
  if (cache === undefined) return obtain()
  const { world } = run
  const { token, expiresAt } = await cache.get(async (newest) => {
    if (newest !== undefined) hide(encodedForms(newest), run)
    return cachedOf(await obtain(newest), world)
  })
  const expiresIn = Math.max(0, Math.floor((expiresAt - world.now()) / 1_000))
  return { ...bearer(kind, token), expiresIn, expiresAt }
}

/** Returns what a cache keeps of a credential. */
const cachedOf = (
  { secret, expiresIn = 0, expiresAt, refreshToken }: Credential,
  { now }: Pick<World, 'now'>,
) => ({ token: secret, refreshToken, lifetime: expiresIn * 1_000, expiresAt: expiresAt ?? now() })

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
