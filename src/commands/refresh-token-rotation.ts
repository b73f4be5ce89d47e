import type { Credential } from '../bitbucket/credential.ts'
import { type ChosenCredential, obtain, spendsRefreshToken } from '../credentials/index.ts'
import { type Candidates, newestFirst, rotate } from '../credentials/rotate.ts'
import { documentUrl } from '../documentation.ts'
import { TokenError } from '../errors.ts'
import type { Http } from '../http/exchange.ts'
import { hide, hideCredential } from '../masking.ts'
import type { Run } from '../run.ts'
import { encodedForms } from '../secret.ts'
import { parseStorePlace } from '../stores/place.ts'
import type { RenewedTokens, SaveResult, StoredTokens, TokenStore } from '../stores/store.ts'
import type { World } from '../world.ts'
import { givenRefreshToken } from './choose-credential.ts'
import { keepUnsavedToken, openStoreFor, saveWithRetries, unwritableError } from './refresh-token-saving.ts'
import { grantContext, httpFor } from './requests.ts'

/** A refresh token that is kept in a store from one run to the next. */
export interface Rotation {
  /**
   * Refreshes the token and saves the new refresh token. If it cannot be saved, the error is deferred to the end of the run,
   * because the access token is valid.
   */
  renew(): Promise<Credential>
}

/** Milliseconds for saving a new refresh token, even if the run's own timeout has passed. */
const minimumSaveTime = 15_000

/** An open store, and what a refresh uses. */
interface Opened {
  readonly store: TokenStore
  readonly chosen: ChosenCredential
  readonly run: Run
  /** When the timeout of the run ends, in milliseconds of `world.elapsed()`. */
  readonly end: number
  /** Sends the requests of the refresh, and those of the store. */
  http: Http
}

/**
 * Opens the store that `save-refresh-token` names, and checks as far as possible that it can be written. Without that check,
 * a refresh could spend the old token although the new one cannot be saved.
 * @throws {TokenError} `input`, `store-unwritable`, `interrupted`
 */
export async function openRotation(
  destination: string,
  chosen: ChosenCredential,
  http: Http,
  run: Run,
): Promise<Rotation> {
  const name = run.rawInputs.nameOf('save-refresh-token')
  const place = parseStorePlace(destination, name)
  requireRefreshGrant(chosen, name, run)
  const end = run.world.elapsed() + run.inputs().timeout * 1_000
  const store = openStoreFor(place, run, (request) => opened.http(request))
  const opened: Opened = { store, chosen, run, end, http }
  await store.check().catch((error) => {
    throw notSpentError(store, error)
  })
  return { renew: () => renew(opened) }
}

async function renew(opened: Opened): Promise<Credential> {
  const { store, run, http } = opened
  const { world, host } = run
  const name = run.rawInputs.nameOf('refresh-token')
  let isSpending = false
  const renewed = rotate({
    store,
    candidates: (stored) => candidates(stored, opened),
    acceptShared(saved) {
      const shared = freshEnough(saved, world)
      if (shared !== undefined)
        host.log.info(`Another run has just refreshed the token in ${store.name}. This run shares it.`)
      return shared
    },
    async obtain(candidate, isLast) {
      isSpending = true
      if (!isLast) host.log.info(`Using the refresh token in ${store.name} instead of the one in ${name}.`)
      const credential = await obtain(candidate, grantContext(http, run)).catch((error) => {
        throw withLostTokenHint(error, store)
      })
      hideCredential(credential, run)
      return credential
    },
    onRefusal: ({ message }) =>
      host.log.warning(`Bitbucket refused it. Trying the one in ${name}. ${message}`),
    async save({ refreshToken, access }, credential) {
      if (refreshToken === undefined) return
      await save({ refreshToken, access }, credential.refreshToken !== undefined, opened)
    },
    hide: (secret) => hide(encodedForms(secret), run),
  })
  return renewed.catch((error) => {
    throw isSpending ? error : notSpentError(store, error)
  })
}

function candidates(stored: StoredTokens | undefined, { store, chosen, run }: Opened): Candidates {
  const tokens = newestFirst(stored, givenRefreshToken(chosen))
  const [first, ...others] = tokens.map((token) => ({
    ...chosen,
    inputs: { ...chosen.inputs, 'refresh-token': token },
  }))
  if (first !== undefined) return [first, ...others]
  const { nameOf } = run.rawInputs
  throw new TokenError(
    'input',
    `There is no refresh token: ${nameOf('refresh-token')} is empty, and none can be read from ${store.name}, which ${nameOf('save-refresh-token')} names.`,
    `Give the first refresh token in ${nameOf('refresh-token')}.\n${run.host.emptySecretHint}`,
  )
}

/** Saves the new refresh token. A failure is deferred to the end of the run, because the access token is valid. */
async function save(tokens: RenewedTokens, isNew: boolean, opened: Opened): Promise<void> {
  const { store, run, end } = opened
  const { world, host } = run
  // Some clients get no new refresh token. Then only a store that jobs share needs a save, because the other jobs use the
  // access token.
  if (!isNew && store.alone === undefined) return
  const limit = Math.max(end - world.elapsed(), minimumSaveTime)
  // The first signal must not lose the new token. A second signal ends the process anyway.
  const uninterrupted: Run = { ...run, world: { ...world, stop: new AbortController().signal } }
  opened.http = await httpFor(uninterrupted, limit)
  try {
    const result = await saveWithRetries(store, tokens, limit, uninterrupted)
    if (isNew) host.log.info(savedMessage(result, store))
  } catch (error) {
    if (isNew) run.deferredError = keepUnsavedToken(store, tokens, error, run)
  }
}

const savedMessage = (result: SaveResult, { name }: TokenStore): string =>
  result === 'kept-newer'
    ? `Another run has already saved a newer refresh token in ${name}. That one was kept, and the one of this run was not saved.`
    : `The new refresh token was saved in ${name}.`

/** Reports an input that contradicts `save-refresh-token` before anything is sent. */
function requireRefreshGrant({ kind }: ChosenCredential, name: string, { rawInputs }: Run): void {
  if (spendsRefreshToken(kind)) return
  throw new TokenError(
    'input',
    `${name} is given, but ${rawInputs.nameOf('grant')} is ${kind}. Only the refresh grant returns a refresh token.`,
    `Remove ${name} or ${rawInputs.nameOf('grant')}.`,
  )
}

/**
 * Returns the credential of another job if it is as good as a new one: if the job got it after this process started, or less
 * than a hundredth of its lifetime ago (72 s of two hours), because jobs of one pipeline may start at different moments.
 */
function freshEnough(saved: Credential, world: World): Credential | undefined {
  const { expiresIn = 0, expiresAt = 0 } = saved
  const left = expiresAt - world.now()
  const age = expiresIn * 1_000 - left
  const little = expiresIn * 10
  // The clock of another machine may be ahead of ours.
  const isYoung = age > -little && age < Math.max(little, world.elapsed())
  return isYoung && left > 0
    ? { ...saved, expiresIn: Math.floor(left / 1_000), refreshToken: undefined }
    : undefined
}

/** Adds to a refusal what to do if the last run was killed before it saved the new token, because the old one has expired. */
function withLostTokenHint(error: unknown, { name }: TokenStore): unknown {
  if (!(error instanceof TokenError) || error.code !== 'credential-refused') return error
  return new TokenError(
    error.code,
    error.message,
    `${error.nextStep}\nIf the last run was stopped before it could save its new token, that token is lost. Authorise a new one and save it in ${name}.\nSee ${documentUrl('refresh-tokens.md#the-first-refresh-token')}`,
    error,
  )
}

const notSpentError = ({ name }: TokenStore, error: unknown) =>
  unwritableError(error, `The new refresh token could not be saved in ${name}, so the old one was not spent`)
