import type { Credential } from '../bitbucket/credential.ts'
import { bearer } from '../credentials/bearer.ts'
import { chooseCredential } from '../credentials/choose.ts'
import { type CredentialInputs, type GivenCredential, obtain } from '../credentials/index.ts'
import { documentUrl } from '../documentation.ts'
import { TokenError } from '../errors.ts'
import type { Http } from '../http/exchange.ts'
import { grantContext, hide, hideCredential, inputSource, openHttp, type Run } from '../run.ts'
import { encodedForms, Secret } from '../secret.ts'
import { parseStorePlace } from '../stores/place.ts'
import type { RenewedAccess, Store, StoredTokens } from '../stores/store.ts'
import type { World } from '../world.ts'
import { openPlace, saveInTime, unsavedError, unwritable } from './saving.ts'

/** A refresh token that is kept in a store from one run to the next. */
export interface Rotation {
  /** The inputs of the credential, with the newest refresh token in them. */
  readonly inputs: CredentialInputs
  readonly http: Http
  /**
   * Refreshes the token and saves the new refresh token. If it cannot be saved, the error is deferred to the end of the run,
   * because the access token is valid.
   */
  renew(given: GivenCredential): Promise<Credential>
}

/** Milliseconds for saving a new refresh token, even if the run's own timeout has passed. */
const leastTimeToSave = 15_000

/** An open store, and what a refresh uses. */
interface Opened {
  readonly store: Store
  readonly run: Run
  /** Asks Bitbucket within the timeout of the run. */
  readonly http: Http
  /** Milliseconds that are left of that timeout. */
  readonly left: () => number
  /** Makes the store send its requests through this from now on. */
  readonly useHttp: (http: Http) => void
}

/**
 * Opens the store that `save-refresh-token` names, and checks as far as possible that it can be written. Without that check,
 * a refresh could spend the old token although the new one cannot be saved.
 * @throws {TokenError} `input`, `store-unwritable`, `interrupted`
 */
export async function openRotation(destination: string, run: Run): Promise<Rotation> {
  const { world, host, given } = run
  const inputs = run.inputs()
  const name = given.nameOf('save-refresh-token')
  const place = parseStorePlace(destination, name)
  requireRefreshGrant(name, run)
  const end = world.elapsed() + inputs.timeout * 1_000
  const http = await openHttp(run)
  let storeHttp = http
  const opened: Opened = {
    store: openPlace(place, run, (request) => storeHttp(request)),
    run,
    http,
    left: () => end - world.elapsed(),
    useHttp: (other) => {
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
      `There is no refresh token: ${given.nameOf('refresh-token')} is empty, and none can be read from ${store.name}, which ${name} names.`,
      `Give the first refresh token in ${given.nameOf('refresh-token')}.\n${host.emptySecretHint}`,
    )
  }
  return {
    inputs: { ...inputs, 'refresh-token': newest },
    http,
    async renew(credential) {
      if (store.alone === undefined) return refreshAndSave(credential, stored?.refreshToken, opened)
      const early = await beforeSpending(store, () => sharedCredential(opened))
      if (early !== undefined) return early
      return whenAlone(store, async () => {
        const late = await beforeSpending(store, () => sharedCredential(opened))
        if (late !== undefined) return late
        const latest = await beforeSpending(store, () => load(opened))
        return refreshAndSave(credential, latest?.refreshToken, opened)
      })
    },
  }
}

/** Reports wrong inputs before anything is sent. The refresh token itself may come from the store. */
function requireRefreshGrant(name: string, run: Run): void {
  const { given } = run
  const inputs = run.inputs()
  if (inputs.grant !== 'auto' && inputs.grant !== 'refresh-token') {
    throw new TokenError(
      'input',
      `${name} is given, but ${given.nameOf('grant')} is ${inputs.grant}. Only the refresh grant returns a refresh token.`,
      `Remove ${name} or ${given.nameOf('grant')}.`,
    )
  }
  const anyToken = inputs['refresh-token'] ?? new Secret('any')
  chooseCredential({ ...inputs, 'refresh-token': anyToken }, inputs.grant, inputSource(run))
}

async function load({ store, run }: Opened): Promise<StoredTokens | undefined> {
  const stored = await store.load()
  if (stored !== undefined) hide(encodedForms(stored.refreshToken), run)
  return stored
}

/** Returns the credential that another run has just obtained; undefined if there is none. */
async function sharedCredential(opened: Opened): Promise<Credential | undefined> {
  const { store, run } = opened
  const { world, host } = run
  const access = (await load(opened))?.access
  if (access === undefined || !isAsGoodAsNew(access, world)) return undefined
  const credential: Credential = {
    ...bearer('refresh-token', access.token),
    expiresIn: Math.floor((access.expiresAt - world.now()) / 1_000),
    expiresAt: access.expiresAt,
    scopes: access.scopes,
  }
  hideCredential(credential, run)
  host.log.info(`Another run has just refreshed the token in ${store.name}. This run shares it.`)
  return credential
}

/**
 * Whether a token of another job is as good as a new one. It is if the job got it after this process started, or a short
 * time before: less than a hundredth of its lifetime (72 s of two hours). The jobs of a pipeline do not start at once.
 */
function isAsGoodAsNew({ issuedAt, expiresAt }: RenewedAccess, world: World): boolean {
  const little = (expiresAt - issuedAt) / 100
  const age = world.now() - issuedAt
  // The clock of another machine may be ahead of ours.
  return age > -little && age < Math.max(little, world.elapsed()) && expiresAt > world.now()
}

/**
 * Refreshes the token and saves the new one.
 * @param newest the refresh token in the store, if it can be read
 */
async function refreshAndSave(
  given: GivenCredential,
  newest: Secret | undefined,
  opened: Opened,
): Promise<Credential> {
  const { credential, spent } = await refresh(given, newest, opened)
  hideCredential(credential, opened.run)
  await save(credential, spent, opened)
  return credential
}

/** Tries the newest refresh token, and if Bitbucket refuses it, the given one, because a person may have replaced it. */
async function refresh(
  given: GivenCredential,
  newest: Secret | undefined,
  { store, run, http }: Opened,
): Promise<{ credential: Credential; spent: Secret }> {
  const { host } = run
  const inputs = run.inputs()
  const candidates = [newest, inputs['refresh-token'], given.inputs['refresh-token']]
  const [first, second] = candidates.filter((one) => one !== undefined)
  if (first === undefined) throw new Error('there is no refresh token to spend')
  const send = async (refreshToken: Secret) => {
    const withToken = { ...given, inputs: { ...given.inputs, 'refresh-token': refreshToken } }
    const credential = await obtain(withToken, grantContext(http, run)).catch((error) => {
      throw isRefusal(error) ? withWayOut(error, store) : error
    })
    return { credential, spent: refreshToken }
  }
  if (second === undefined || second.equals(first)) return send(first)
  const name = run.given.nameOf('refresh-token')
  host.log.info(`Using the refresh token in ${store.name} instead of the one in ${name}.`)
  try {
    return await send(first)
  } catch (error) {
    if (!isRefusal(error)) throw error
    host.log.warning(`Bitbucket refused it. Trying the one in ${name}. ${error.message}`)
    return send(second)
  }
}

/** Saves the new refresh token. A failure is deferred to the end of the run, because the access token is valid. */
async function save(
  credential: Credential,
  spent: Secret,
  { store, run, left, useHttp }: Opened,
): Promise<void> {
  const { world, host } = run
  const { refreshToken } = credential
  // Some clients still get no new refresh token. A store that jobs share must still save the access token for the other
  // jobs.
  if (refreshToken === undefined && store.alone === undefined) return
  const spentAt = world.now()
  const limit = Math.max(left(), leastTimeToSave)
  // The first signal must not lose the new token. A second signal ends the process anyway.
  const uninterrupted: World = { ...world, stop: new AbortController().signal }
  useHttp(await openHttp({ ...run, world: uninterrupted }, limit))
  const access = {
    token: credential.secret,
    issuedAt: spentAt,
    expiresAt: spentAt + (credential.expiresIn ?? 0) * 1_000,
    scopes: credential.scopes,
  }
  const tokens = { refreshToken: refreshToken ?? spent, access }
  try {
    await saveInTime(store, tokens, { limit, retries: run.inputs().retries, world: uninterrupted, host })
    if (refreshToken !== undefined) host.log.info(`The new refresh token was saved in ${store.name}.`)
  } catch (error) {
    if (refreshToken !== undefined) run.deferred.push(unsavedError(store, refreshToken, error, spentAt, run))
  }
}

const isRefusal = (error: unknown): error is TokenError =>
  error instanceof TokenError && error.code === 'credential-refused'

/** Adds what to do if the last run was killed after the refresh, because its token stopped working ten minutes later. */
function withWayOut(error: TokenError, { name }: Store): TokenError {
  return new TokenError(
    error.code,
    error.message,
    `${error.nextStep}\nIf the last run was stopped before it could save its new token, that token is lost. Authorise a new one and save it in ${name}: ${documentUrl('refresh-tokens.md#the-first-refresh-token')}`,
    error,
  )
}

/** Runs work that comes before a refresh token is spent. Its errors say that the token was not spent. */
async function beforeSpending<T>(store: Store, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw notSpent(store, error)
  }
}

const notSpent = ({ name }: Store, error: unknown) =>
  unwritable(error, `The new refresh token could not be saved in ${name}, so the old one was not spent`)

/** Runs work while no other run uses the store. */
async function whenAlone<T>(store: Store, work: () => Promise<T>): Promise<T> {
  let isAlone = false
  const begin = () => {
    isAlone = true
    return work()
  }
  try {
    return await (store.alone?.(begin) ?? begin())
  } catch (error) {
    throw isAlone ? error : notSpent(store, error)
  }
}
