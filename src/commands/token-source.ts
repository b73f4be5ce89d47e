import type { Credential } from '../bitbucket/credential.ts'
import { chooseCredential } from '../credentials/choose.ts'
import { definitionOfKind } from '../credentials/index.ts'
import { cachedOf, credentialOf, type Identity, identityOf } from '../credentials/shared-token.ts'
import { type BrokerClient, brokerClient } from '../exec/broker-client.ts'
import { hide } from '../masking.ts'
import type { Run } from '../run.ts'
import { encodedForms, type Secret } from '../secret.ts'
import { cacheDirectories } from '../stores/cache-directory.ts'
import { type Refusals, refusalsInMemory, refusalsOnDisk } from '../stores/refusal-count.ts'
import { type TokenCache, tokenCache, tokenCacheInMemory } from '../stores/token-cache.ts'
import { choose, inputSource } from './choose-credential.ts'
import { obtainCredential, prepareCredential } from './credential.ts'
import { httpFor } from './requests.ts'

/** A credential that several processes share: where its newest token is, and how to get the next one. */
export interface TokenSource {
  readonly kind: string
  /** Undefined if the user gave the token itself: it is used without a cache. */
  readonly cache: TokenCache | undefined
  readonly refusals: Refusals
  /** @param newest the newest refresh token, if Bitbucket has replaced the one in the inputs */
  obtain(newest?: Secret): Promise<Credential>
}

/** What the processes that use one credential share. */
type Shared = Pick<TokenSource, 'refusals'> & { readonly cache: TokenCache }

/** Returns the source that all processes of this user share through files. */
export function sourceOnDisk(run: Run): TokenSource {
  const { world, inputs } = run
  const directories = cacheDirectories(world)
  // The caller gets its token even if the store cannot be written, because the new refresh token is in the cache. So the
  // deferred error belongs to a copy of the run, which nobody reports at the end.
  return sourceOf({ ...run }, (identity) => ({
    cache: tokenCache({ directories, identity, world, timeout: inputs().timeout * 1_000 }),
    refusals: refusalsOnDisk(directories, identity, world),
  }))
}

/**
 * Returns the source that only this process has. It writes no file. If the newest refresh token could not be saved, it is
 * lost when this process ends, so the run reports that at its end too.
 */
export function sourceInMemory(first: Credential, run: Run): TokenSource {
  const { world } = run
  return sourceOf(run, () => ({
    cache: tokenCacheInMemory(cachedOf(first, world), world),
    refusals: refusalsInMemory(world),
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
      obtain: (newest) => renewThroughStore(newest, run),
    }
  }
  const { chosen } = chooseCredential(inputs, inputs.grant, inputSource(run))
  const definition = definitionOfKind(chosen.kind)
  const { cache, refusals } = share(identityOf(chosen, inputs))
  return {
    kind: chosen.kind,
    cache: definition.isIssued ? cache : undefined,
    refusals,
    async obtain(newest = inputs['refresh-token']) {
      const withNewest = { ...chosen, inputs: { ...inputs, 'refresh-token': newest } }
      return obtainCredential({ chosen: withNewest, http: await httpFor(run) }, run)
    },
  }
}

async function renewThroughStore(newest: Secret | undefined, run: Run): Promise<Credential> {
  const earlierError = run.deferredError
  const prepared = await prepareCredential(choose(run, newest), run)
  const credential = await obtainCredential(prepared, run)
  // An error about an earlier refresh token no longer counts.
  if (run.deferredError === earlierError) run.deferredError = undefined
  reportDeferredError(run)
  return credential
}

/** Logs at once that a new refresh token could not be saved. */
export function reportDeferredError({ deferredError, host }: Run): void {
  if (deferredError !== undefined) host.log.error(`${deferredError.message}\n${deferredError.nextStep}`)
}

/** Returns the newest token of a source. A token that Bitbucket issues is shared until shortly before it expires. */
export async function currentToken({ kind, cache, obtain }: TokenSource, run: Run): Promise<Credential> {
  if (cache === undefined) return obtain()
  const { world } = run
  const cached = await cache.get(async (newest) => {
    if (newest !== undefined) hide(encodedForms(newest), run)
    return cachedOf(await obtain(newest), world)
  })
  return credentialOf(kind, cached, world)
}

/** Returns the client of the `exec` that runs this process; undefined outside `exec`. */
export function brokerOf(run: Run): BrokerClient | undefined {
  const { world, host, redactor } = run
  return brokerClient(world.env, {
    world,
    log: host.log,
    quote: (text) => redactor.quote(text),
    timeout: () => run.inputs().timeout * 1_000,
    hide: (secrets) => hide(secrets, run),
  })
}
