import { type Credential, isFresh, isTokenText } from '../bitbucket/credential.ts'
import { bearer } from '../credentials/bearer.ts'
import { chooseCredential } from '../credentials/choose.ts'
import { type GivenCredential, obtain } from '../credentials/index.ts'
import { reasonOf, TokenError } from '../errors.ts'
import type { Http } from '../http/exchange.ts'
import { openHttp } from '../http/open.ts'
import { encodedForms, Secret } from '../secret.ts'
import { digest } from '../stores/digest.ts'
import { codeOf } from './errors.ts'
import { type Memory, remember } from './memory.ts'
import type { Settings } from './settings.ts'
import {
  readStored,
  type StorageContext,
  type StoredConfig,
  type TokenStorage,
  unreadable,
} from './storage.ts'

type Candidates = readonly [GivenCredential, ...GivenCredential[]]

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
 * Gets a token from the storage if it has a valid one, or else from Bitbucket. A token that Bitbucket issues is put into
 * `memory` at once, and saved in the storage before it is returned.
 * @param onIssued is called if Bitbucket has issued a token
 * @throws whatever fails. If `memory.unsaved` is set then, the token in `memory` is valid but was not saved.
 */
export async function renew(memory: Memory, settings: Settings, onIssued: () => void): Promise<Credential> {
  const { storage } = settings
  const askAndKeep = async (credentials: Candidates) => {
    const held = await ask(credentials, memory, settings)
    memory.current = held
    if (held.expiresAt !== undefined) onIssued()
    return held
  }
  if (storage === undefined || !isConsumer(settings.inputs))
    return askAndKeep(await candidates(memory.newest, undefined, settings))
  const context = contextOf(settings)
  const work = async () => {
    await save(memory, storage, context, settings)
    const { current } = memory
    if (current !== undefined && isCurrent(current, memory, settings)) return current
    const config = await load(storage, context, settings)
    const credentials = await candidates(memory.newest, config, settings)
    const stored = tokenIn(config, credentials, settings)
    if (stored !== undefined && isCurrent(stored, memory, settings)) {
      memory.current = stored
      return stored
    }
    const held = await askAndKeep(credentials)
    // A token without an expiry was given by the caller, not issued by Bitbucket, so there is nothing to save.
    if (held.expiresAt !== undefined) memory.unsaved = configOf(held, config, settings)
    await save(memory, storage, context, settings)
    return held
  }
  return storage.alone === undefined ? work() : await workAlone(storage.alone, context, work)
}

/** Runs the work once through `alone`, even if `alone` calls it twice or does not return its result. */
async function workAlone(
  alone: NonNullable<TokenStorage['alone']>,
  context: StorageContext,
  work: () => Promise<Credential>,
): Promise<Credential> {
  const begun: Promise<Credential>[] = []
  await alone(context, () => {
    const result = begun[0] ?? work()
    begun[0] = result
    return result
  })
  const [result] = begun
  if (result !== undefined) return result
  throw new TokenError(
    'input',
    'storage.alone did not call work().',
    'Call work() in it and wait for the result: alone: (context, work) => lock(() => work()).',
  )
}

/** Saves in the storage what could not be saved yet. */
async function save(
  memory: Memory,
  storage: TokenStorage,
  context: StorageContext,
  { log }: Settings,
): Promise<void> {
  if (memory.unsaved === undefined) return
  // The old token is spent, so the new one must be saved even if all callers have left. This signal never fires.
  await storage.saveConfig(memory.unsaved, { ...context, signal: new AbortController().signal })
  memory.unsaved = undefined
  log.debug('The token was saved in the storage.')
}

const contextOf = ({ appName, world, deadline }: Settings): StorageContext => ({
  appName,
  signal: world.stop,
  patience: Math.max(0, deadline - world.elapsed()),
})

async function load(
  storage: TokenStorage,
  context: StorageContext,
  settings: Settings,
): Promise<StoredConfig> {
  const { url, inputs } = settings
  let loaded: unknown
  try {
    loaded = await storage.loadConfig(context)
  } catch (error) {
    if (error instanceof TokenError) throw error
    // Its message is not shown because it may contain secrets. A JSON parser, for example, quotes the text.
    throw unreadable(`loadConfig failed${codeOf(error)}`)
  }
  const { issuedFor, ...others } = readStored(loaded)
  for (const secret of [others.refreshToken, others.accessToken])
    if (secret !== undefined) hide(new Secret(secret), settings)
  if (issuedFor === undefined || issuedFor === consumerOf(url, inputs)) return others
  if (others.refreshToken === undefined) return {}
  throw new TokenError(
    'input',
    'The storage contains the refresh token of another OAuth consumer. Using it for this one would lose that token.',
    'Use a different appName or storage for each consumer, or delete what is stored.',
  )
}

/** Returns a digest of the address and the consumer that a config belongs to. */
const consumerOf = (url: URL, inputs: Settings['inputs']): string =>
  digest([url.href, inputs['client-id'] ?? ''])

/** Returns the credentials to try, in this order. There are several if it is unknown which refresh token is the newest. */
async function candidates(
  newest: Secret | undefined,
  config: StoredConfig | undefined,
  { inputs, grant, source, isForced, useRefreshToken, log }: Settings,
): Promise<Candidates> {
  const choose = (refreshToken: Secret | undefined, kind = grant) =>
    chooseCredential({ ...inputs, 'refresh-token': refreshToken }, kind, source)
  const given = inputs['refresh-token']
  const stored = config?.refreshToken === undefined ? undefined : new Secret(config.refreshToken)
  const givenIsNew =
    given !== undefined && config?.startedWith !== undefined && config.startedWith !== digest([given])
  const inOrder = givenIsNew ? [newest, given, stored] : [newest, stored, given]
  const [first, ...rest] = inOrder
    .filter((token) => token !== undefined)
    .filter((token, index, all) => all.findIndex((other) => other.equals(token)) === index)
  const { credential, notice } = choose(first)
  if (notice !== undefined) log.info(notice)
  if (credential.kind !== 'refresh-token') return [credential]
  const isWanted = (await useRefreshToken?.({ ...config, refreshToken: first?.reveal() })) ?? !isForced
  if (!isWanted) return [choose(undefined, 'client-credentials').credential]
  return [credential, ...rest.map((token) => choose(token, 'refresh-token').credential)]
}

const isConsumer = (inputs: Settings['inputs']): boolean =>
  inputs['client-id'] !== undefined ||
  inputs['client-secret'] !== undefined ||
  inputs['refresh-token'] !== undefined

/** Returns the access token in a config if it belongs to the first of these credentials. */
function tokenIn(
  { accessToken, kind, expiresAt, expiresIn, scopes, refreshToken, startedWith }: StoredConfig,
  [{ kind: wanted }]: Candidates,
  { inputs }: Settings,
): Credential | undefined {
  const given = inputs['refresh-token']
  const isAnother = wanted === 'refresh-token' && given !== undefined && startedWith !== digest([given])
  if (accessToken === undefined || !isTokenText(accessToken) || kind !== wanted || isAnother) return undefined
  const end = Date.parse(expiresAt ?? '')
  if (Number.isNaN(end) || typeof expiresIn !== 'number') return undefined
  return {
    ...bearer(wanted, new Secret(accessToken)),
    expiresIn,
    expiresAt: end,
    scopes: Array.isArray(scopes) ? scopes : undefined,
    refreshToken: refreshToken === undefined ? undefined : new Secret(refreshToken),
  }
}

function configOf(
  { kind, secret, expiresIn, expiresAt, scopes, refreshToken }: Credential,
  before: StoredConfig,
  settings: Settings,
): StoredConfig {
  const { url, inputs } = settings
  const given = inputs['refresh-token']
  const refreshed = kind === 'refresh-token' && {
    refreshToken: refreshToken?.reveal(),
    startedWith: given === undefined ? before.startedWith : digest([given]),
  }
  const config = {
    ...before,
    ...refreshed,
    accessToken: secret.reveal(),
    kind,
    expiresAt: expiresAt === undefined ? undefined : new Date(expiresAt).toISOString(),
    expiresIn,
    scopes,
    issuedFor: consumerOf(url, inputs),
  }
  // Fields without a value are left out, because a storage that does not write JSON might save `undefined` as text.
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined))
}

async function ask(credentials: Candidates, memory: Memory, settings: Settings): Promise<Credential> {
  const { deadline, retries, world, log, transport, url, redactor } = settings
  let opened: Promise<Http> | undefined
  const http: Http = async (request) => {
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
  const [credential, ...others] = credentials
  try {
    const issued = await obtain(credential, {
      http,
      url,
      // Without scopes, a Connect app gets all that it has.
      scopes: [],
      now: world.now,
      hide: (secret) => hide(secret, settings),
      warn: log.warn,
    })
    return take(credential, issued, memory, settings)
  } catch (error) {
    const [next, ...rest] = others
    const isRefusal = error instanceof TokenError && error.code === 'credential-refused'
    if (!isRefusal || next === undefined) throw error
    log.warn(`Bitbucket refused the newest known refresh token. Trying another one. ${reasonOf(error)}`)
    return ask([next, ...rest], memory, settings)
  }
}

/** Hides and remembers what was issued. The result has the refresh token to use next, even if it is the same as before. */
function take(
  { kind, inputs }: GivenCredential,
  issued: Credential,
  memory: Memory,
  settings: Settings,
): Credential {
  const isRefresh = kind === 'refresh-token'
  const refreshToken = issued.refreshToken ?? (isRefresh ? inputs['refresh-token'] : undefined)
  for (const secret of [issued.secret, issued.authorization, refreshToken])
    if (secret !== undefined) hide(secret, settings)
  if (isRefresh && issued.refreshToken !== undefined) remember(memory, issued.refreshToken, settings)
  if (issued.expiresAt !== undefined) settings.log.info(`Bitbucket issued a token (${kind}).`)
  return { ...issued, refreshToken }
}

function hide(secret: Secret, { redactor }: Settings): void {
  for (const form of encodedForms(secret)) redactor.add(form)
}
