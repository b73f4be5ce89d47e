import { type Credential, isFresh } from '../bitbucket/credential.ts'
import { chooseCredential } from '../credentials/choose.ts'
import { type ChosenCredential, obtain, spendsRefreshToken } from '../credentials/index.ts'
import { type Candidates, newestFirst, rotate } from '../credentials/rotate.ts'
import { reasonOf } from '../errors.ts'
import { openHttp } from '../http/client.ts'
import type { Http } from '../http/exchange.ts'
import { encodedForms, Secret } from '../secret.ts'
import { digest } from '../stores/digest.ts'
import type { StoredTokens } from '../stores/store.ts'
import { type Memory, remember } from './memory.ts'
import type { Settings } from './settings.ts'
import { type StorageStore, storageStore } from './storage-store.ts'

/** Whether a credential can be returned to a caller: it is fresh, was not refused, and `forceCredentials` is not set. */
export function isCurrent(
  { secret, expiresIn, expiresAt }: Credential,
  { refused }: Memory,
  { isForced, world }: Settings,
): boolean {
  if (isForced || expiresAt === undefined || expiresIn === undefined) return false
  if (refused !== undefined && secret.equals(new Secret(refused))) return false
  return isFresh({ expiresAt, lifetime: expiresIn * 1_000 }, world.now())
}

/**
 * Gets the token to return next: with `shareCache` the one that processes share, otherwise one of this process. Parameters
 * and errors are those of {@link renewOwn}.
 */
export async function renew(memory: Memory, settings: Settings, onIssued: () => void): Promise<Credential> {
  const { isShared, isForced } = settings
  if (!isShared || isForced) return renewOwn(memory, settings, onIssued)
  const { sharedToken } = await import('./shared-token.ts')
  const refused = memory.refused === undefined ? undefined : new Secret(memory.refused)
  memory.current = await sharedToken(settings, refused, (newest) => {
    if (newest !== undefined) {
      hide(newest, settings)
      memory.newest = newest
    }
    return renewOwn(memory, settings, onIssued)
  })
  const { secret, refreshToken } = memory.current
  for (const one of [secret, refreshToken]) if (one !== undefined) hide(one, settings)
  return memory.current
}

/**
 * Gets a token from the storage if it has a valid one, or else from Bitbucket. A token that Bitbucket issues is put into
 * `memory` at once, and saved in the storage before it is returned.
 * @param onIssued is called if Bitbucket has issued a token
 * @throws whatever fails. If `memory.unsaved` is set then, the token in `memory` is valid but was not saved.
 */
async function renewOwn(memory: Memory, settings: Settings, onIssued: () => void): Promise<Credential> {
  const { storage, inputs, log } = settings
  const store =
    storage !== undefined && usesOAuthClient(inputs) ? storageStore(storage, memory, settings) : undefined
  const http = httpOf(settings)
  memory.current = await rotate({
    store,
    candidates: (stored) => candidates(stored, store, memory, settings),
    acceptShared(saved, stored) {
      const isOwn = memory.current?.secret.equals(saved.secret) || isFromOption(saved, stored, settings)
      return isOwn && isCurrent(saved, memory, settings) ? saved : undefined
    },
    async obtain(chosen) {
      const issued = await obtainHidden(chosen, http, settings)
      const { refreshToken, expiresAt } = issued
      if (spendsRefreshToken(chosen.kind) && refreshToken !== undefined)
        remember(memory, refreshToken, settings)
      if (expiresAt !== undefined) log.info(`Bitbucket issued a token (${chosen.kind}).`)
      // The result has the refresh token to use next, even if it is the same as before.
      memory.current = { ...issued, refreshToken: refreshToken ?? chosen.inputs['refresh-token'] }
      if (expiresAt !== undefined) onIssued()
      return memory.current
    },
    onRefusal: (error) =>
      log.warn(`Bitbucket refused the newest known refresh token. Trying another one. ${reasonOf(error)}`),
    save: async (tokens) => store?.save(tokens),
    hide: (secret) => hide(secret, settings),
  })
  return memory.current
}

const usesOAuthClient = (inputs: Settings['inputs']): boolean =>
  (['client-id', 'client-secret', 'refresh-token'] as const).some((name) => inputs[name] !== undefined)

async function candidates(
  stored: StoredTokens | undefined,
  store: StorageStore | undefined,
  { newest }: Memory,
  { inputs, grant, source, isForced, useRefreshToken, log }: Settings,
): Promise<Candidates> {
  const choose = (refreshToken: Secret | undefined, kind = grant) =>
    chooseCredential({ ...inputs, 'refresh-token': refreshToken }, kind, source)
  const [first, ...rest] = newestFirst(stored, inputs['refresh-token'], newest)
  const { chosen, notice } = choose(first)
  if (notice !== undefined) log.info(notice)
  if (!spendsRefreshToken(chosen.kind)) return [chosen]
  const isWanted = (await useRefreshToken?.({ ...store?.config, refreshToken: first?.reveal() })) ?? !isForced
  if (!isWanted) return [choose(undefined, 'client-credentials').chosen]
  return [chosen, ...rest.map((token) => choose(token, chosen.kind).chosen)]
}

/** Whether a stored token comes from the refresh token that the caller gives, if the caller gives one. */
function isFromOption({ kind }: Credential, { startedWith }: StoredTokens, { inputs }: Settings): boolean {
  const option = inputs['refresh-token']
  return !spendsRefreshToken(kind) || option === undefined || startedWith === digest([option])
}

/** Obtains a credential, and adds its secrets to the redactor. */
async function obtainHidden(chosen: ChosenCredential, http: Http, settings: Settings): Promise<Credential> {
  const { url, world, log } = settings
  const credential = await obtain(chosen, {
    http,
    url,
    // Without scopes, a Connect app gets all that it has.
    scopes: [],
    now: world.now,
    hide: (secret) => hide(secret, settings),
    warn: log.warn,
  })
  for (const secret of [credential.secret, credential.authorization, credential.refreshToken])
    if (secret !== undefined) hide(secret, settings)
  return credential
}

/** Returns a client that is opened with the first request, because most credentials need none. */
function httpOf({ deadline, retries, world, log, transport, redactor }: Settings): Http {
  let opened: Promise<Http> | undefined
  return async (request) => {
    opened ??= openHttp({
      timeout: Math.max(1, deadline - world.elapsed()),
      retries,
      world,
      log,
      quote: (text) => redactor.quote(text),
      transport,
    })
    return (await opened)(request)
  }
}

function hide(secret: Secret, { redactor }: Settings): void {
  for (const form of encodedForms(secret)) redactor.add(form)
}
