import type { AccessToken } from '../bitbucket/credential.ts'
import { bearer } from '../credentials/bearer.ts'
import { chooseCredential, type GivenCredential } from '../credentials/choose.ts'
import { obtain } from '../credentials/index.ts'
import { TokenError } from '../errors.ts'
import type { Http } from '../http/exchange.ts'
import type { Inputs } from '../inputs.ts'
import { Secret, travelingForms } from '../secret.ts'
import { parseStorePlace } from '../stores/place.ts'
import type { RenewedAccess, Store, StoredTokens } from '../stores/store.ts'
import type { World } from '../world.ts'
import { endpointsOf, hide, hideIssued, openHttp, type Run } from './credential.ts'
import { openPlace, saveInTime, unsavedError, unwritable } from './saving.ts'

/** What a refresh through a store brought. */
export interface Renewal {
  readonly token: AccessToken
  /** Why the new refresh token is not in the store. It was handed over in another way; the run must fail all the same. */
  readonly unsaved: TokenError | undefined
}

/** A refresh token that is kept in a store from one run to the next. */
export interface Rotation {
  /** The inputs, with the newest refresh token in them. */
  readonly inputs: Inputs
  readonly http: Http
  renew(credential: GivenCredential): Promise<Renewal>
}

/** A spent token's successor is worth this much time, in milliseconds, even if the timeout has none left. */
const leastTimeToSave = 15_000

/** A store that is open, and what a refresh through it works with. */
interface Opened {
  readonly store: Store
  /** As they were given, without what the store holds. */
  readonly inputs: Inputs
  readonly run: Run
  /** Asks Bitbucket, within the timeout of the run. */
  readonly http: Http
  /** Milliseconds that are left of that timeout. */
  readonly left: () => number
  /** From now on the store asks its service through this. */
  readonly askThrough: (http: Http) => void
}

/**
 * Opens the store that `save-refresh-token` names and makes sure, as far as that can be told by now, that it can be
 * written: what is spent without a place for its successor is lost.
 * @throws {TokenError} `input`, `store-unwritable`, `interrupted`
 */
export async function openRotation(destination: string, inputs: Inputs, run: Run): Promise<Rotation> {
  const { world, host, given } = run
  const what = given.nameOf('save-refresh-token')
  const place = parseStorePlace(destination, what)
  requireRefreshGrant(what, inputs, run)
  const end = world.elapsed() + inputs.timeout * 1_000
  const http = await openHttp(inputs, run)
  let storeHttp = http
  const opened: Opened = {
    store: await openPlace(place, inputs, run, (request) => storeHttp(request)),
    inputs,
    run,
    http,
    left: () => end - world.elapsed(),
    askThrough: (other) => {
      storeHttp = other
    },
  }
  const { store } = opened
  const stored = await beforeSpending(store, async () => {
    await store.check()
    return load(opened)
  })
  const newest = stored?.refreshToken ?? inputs['refresh-token']
  if (newest === undefined) {
    throw new TokenError(
      'input',
      `${what} says where the new refresh token goes, but ${given.nameOf('refresh-token')} is empty, and ${store.name} holds none that can be read.`,
      `Give the first refresh token.\n${host.whyEmpty}`,
    )
  }
  return {
    inputs: { ...inputs, 'refresh-token': newest, grant: 'refresh-token' },
    http,
    async renew(credential) {
      if (credential.kind !== 'refresh-token') throw new Error(`a ${credential.kind} is not renewed`)
      if (store.alone === undefined) return refreshAndSave(credential, stored?.refreshToken, opened)
      const early = await beforeSpending(store, () => shared(opened))
      if (early !== undefined) return early
      return whenAlone(store, async () => {
        const late = await beforeSpending(store, () => shared(opened))
        if (late !== undefined) return late
        const latest = await beforeSpending(store, () => load(opened))
        return refreshAndSave(credential, latest?.refreshToken, opened)
      })
    },
  }
}

/** What is wrong with the inputs is told before anything is sent. The token itself may come from the store. */
function requireRefreshGrant(what: string, inputs: Inputs, { given, host }: Run): void {
  if (inputs.grant !== 'auto' && inputs.grant !== 'refresh-token') {
    throw new TokenError(
      'input',
      `${what} is given, but ${given.nameOf('grant')} is ${inputs.grant}: only the refresh grant brings a refresh token.`,
      'Remove one of the two.',
    )
  }
  const anyToken = inputs['refresh-token'] ?? new Secret('any')
  chooseCredential({ ...inputs, 'refresh-token': anyToken }, inputs.grant, {
    ...given,
    whyEmpty: host.whyEmpty,
  })
}

async function load({ store, run }: Opened): Promise<StoredTokens | undefined> {
  const stored = await store.load()
  if (stored !== undefined) hide(travelingForms(stored.refreshToken), run)
  return stored
}

/** What another run got while this one waited or started; undefined where there is no such thing. */
async function shared(opened: Opened): Promise<Renewal | undefined> {
  const { store, run } = opened
  const { world, host } = run
  const access = (await load(opened))?.access
  if (access === undefined || !isAsGoodAsNew(access, world)) return undefined
  const token: AccessToken = {
    ...bearer('refresh-token', access.token),
    expiresIn: Math.floor((access.expiresAt - world.now()) / 1_000),
    scopes: access.scopes,
  }
  hideIssued(token, run)
  host.log.info(`Another run has just refreshed the token in ${store.name}; this one shares it.`)
  return { token, unsaved: undefined }
}

/**
 * Jobs that a pipeline starts together do not start in the same moment, and a token that has lost a hundredth of its
 * life, 72 s of two hours, does as well as a new one. So does one that was issued since this process started.
 */
function isAsGoodAsNew({ issuedAt, expiresAt }: RenewedAccess, world: World): boolean {
  const little = (expiresAt - issuedAt) / 100
  const age = world.now() - issuedAt
  // Another machine's clock may be ahead of ours.
  return age > -little && age < Math.max(little, world.elapsed()) && expiresAt > world.now()
}

type RefreshCredential = GivenCredential & { readonly kind: 'refresh-token' }

/** @param newest from the store, where it tells */
async function refreshAndSave(
  credential: RefreshCredential,
  newest: Secret | undefined,
  opened: Opened,
): Promise<Renewal> {
  const { token, spent } = await refresh(credential, newest, opened)
  hideIssued(token, opened.run)
  return { token, unsaved: await save(token, spent, opened) }
}

/** The newest token, and if that is refused, the one that was given: it may have been replaced by hand. */
async function refresh(
  credential: RefreshCredential,
  newest: Secret | undefined,
  { store, inputs, run, http }: Opened,
): Promise<{ token: AccessToken; spent: Secret }> {
  const { host, given } = run
  const candidates = [newest, inputs['refresh-token']].filter((one) => one !== undefined)
  const [first = credential.refreshToken, second] = candidates
  const send = async (refreshToken: Secret) => ({
    token: await obtain({ ...credential, refreshToken }, endpointsOf(http, inputs, run)).catch((error) => {
      throw isRefusal(error) ? withTheWayOut(error, store) : error
    }),
    spent: refreshToken,
  })
  if (second === undefined || second.equals(first)) return send(first)
  const name = given.nameOf('refresh-token')
  host.log.info(`The refresh token in ${store.name} is used, not the one in ${name}.`)
  try {
    return await send(first)
  } catch (error) {
    if (!isRefusal(error)) throw error
    host.log.warning(`Bitbucket refused it, so the one in ${name} is tried. ${error.message}`)
    return send(second)
  }
}

/** @returns why the new refresh token is not in the store */
async function save(
  token: AccessToken,
  spent: Secret,
  { store, inputs, run, left, askThrough }: Opened,
): Promise<TokenError | undefined> {
  const { world, host } = run
  // Clients whose tokens do not rotate yet; a store that is shared still tells the others of the access token.
  if (token.refreshToken === undefined && store.alone === undefined) return undefined
  const spentAt = world.now()
  const limit = Math.max(left(), leastTimeToSave)
  // The first signal must not cost the new token; a second one ends the process anyway.
  const calm: World = { ...world, stop: new AbortController().signal }
  askThrough(await openHttp(inputs, { ...run, world: calm }, limit))
  const tokens = {
    refreshToken: token.refreshToken ?? spent,
    access: {
      token: token.token,
      issuedAt: spentAt,
      expiresAt: spentAt + (token.expiresIn ?? 0) * 1_000,
      scopes: token.scopes,
    },
  }
  try {
    await saveInTime(store, tokens, { limit, retries: inputs.retries, world: calm, host })
    if (token.refreshToken !== undefined) host.log.info(`The new refresh token is in ${store.name}.`)
    return undefined
  } catch (error) {
    if (token.refreshToken === undefined) return undefined
    return unsavedError(store, token.refreshToken, error, spentAt, run)
  }
}

const isRefusal = (error: unknown): error is TokenError =>
  error instanceof TokenError && error.code === 'credential-refused'

/** A run that was killed between the refresh and the saving leaves a token that dies ten minutes later. */
function withTheWayOut(error: TokenError, { name }: Store): TokenError {
  return new TokenError(
    error.code,
    error.message,
    `${error.nextStep}\nIf the last run was stopped before it could save, its token is lost: authorise a new one (docs/refresh-tokens.md) and put it into ${name}.`,
    error,
  )
}

/** As long as nothing is spent. */
async function beforeSpending<T>(store: Store, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw notUsed(store, error)
  }
}

const notUsed = ({ name }: Store, error: unknown) =>
  unwritable(error, `The new refresh token could not be saved in ${name}, so the old one was not used`)

async function whenAlone(store: Store, work: () => Promise<Renewal>): Promise<Renewal> {
  let isAlone = false
  const begin = () => {
    isAlone = true
    return work()
  }
  try {
    return await (store.alone?.(begin) ?? begin())
  } catch (error) {
    throw isAlone ? error : notUsed(store, error)
  }
}
