import type { Credential } from '../bitbucket/credential.ts'
import { untilAborted } from '../http/until-aborted.ts'
import { TextRedactor } from '../redaction/text-redactor.ts'
import { processWorld, type World } from '../world.ts'
import { BitbucketToken } from './bitbucket-token.ts'
import { UnsavedTokenError, withoutSecrets } from './errors.ts'
import { type Memory, memoryOf, type Renewal } from './memory.ts'
import type { SuccessEvent, TokenOptions } from './options.ts'
import { isCurrent, renew } from './renewal.ts'
import { readSettings, readTokenOptions, type Settings, tokenRules } from './settings.ts'

/**
 * Returns a token for Bitbucket Cloud.
 *
 * The token is kept in memory, and in the storage if there is one. Later calls return the same token until shortly before it
 * expires (five minutes, or the last tenth of a short lifetime). Calls at the same time share one request. If Bitbucket
 * replaces the refresh token, the new one is saved before the call resolves.
 *
 * @example
 * const { authorization } = await getAccessToken()
 * await fetch('https://api.bitbucket.org/2.0/user', { headers: { authorization } })
 *
 * @throws {TokenError} has a stable `code`, and says in `nextStep` what to do. No error shows a secret.
 * @throws {UnsavedTokenError} if the storage fails after Bitbucket has issued the token
 * @throws the reason of `signal` if it is aborted
 */
export function getAccessToken(options?: TokenOptions | null): Promise<BitbucketToken> {
  return getAccessTokenIn(processWorld(process, new AbortController().signal), options)
}

/** Does the same, with the given clock, environment and error stream. */
export async function getAccessTokenIn(
  world: World,
  rawOptions: TokenOptions | null | undefined,
): Promise<BitbucketToken> {
  const redactor = new TextRedactor()
  let signal: AbortSignal | undefined
  let isNew = false
  try {
    const options = readTokenOptions(rawOptions, 'getAccessToken', tokenRules)
    signal = options.signal
    signal?.throwIfAborted()
    const settings = await untilAborted(readSettings(options, world, redactor), signal)
    const credential = await currentOrRenewed(memoryOf(settings), settings, signal, () => {
      isNew = true
    })
    const token = new BitbucketToken(credential, world.now())
    if (isNew) await callSuccessHandler(token, options, settings)
    return token
  } catch (error) {
    if (signal?.aborted && error === signal.reason) throw error
    throw await callErrorHandler(withoutSecrets(error, redactor), rawOptions)
  }
}

/**
 * Calls `handleError`, also for an error in the options.
 * @returns the reason that `handleError` has chosen, or else the error
 */
async function callErrorHandler(error: Error, rawOptions: TokenOptions | null | undefined): Promise<unknown> {
  const { handleError, appName } = rawOptions ?? {}
  if (typeof handleError !== 'function') return error
  let reason: unknown = error
  const reject = (other: unknown = error) => {
    reason = other
  }
  await handleError({ error, appName, reject })
  return reason
}

/** Calls `handleSuccess`. If that fails, it only logs the error, because the token must not be lost. */
async function callSuccessHandler(
  token: BitbucketToken,
  { handleSuccess, appName }: TokenOptions,
  { log, redactor }: Settings,
): Promise<void> {
  try {
    await handleSuccess?.(successEvent(token, appName))
  } catch (error) {
    log.alert('error', `handleSuccess failed: ${withoutSecrets(error, redactor).message}`)
  }
}

/**
 * Returns the event. If code written for bitbucket-auth reads a field that no longer exists, it gets an error that says so.
 */
function successEvent(token: BitbucketToken, appName: string | undefined): SuccessEvent {
  const event = { token, appName }
  for (const name of ['res', 'err', 'body', 'config', 'resolve', 'saveConfig', 'storage']) {
    const get = () => {
      throw new Error(
        `it gets { token, appName }, not ${name}. The library returns and saves the token itself.`,
      )
    }
    Object.defineProperty(event, name, { get })
  }
  return event
}

/**
 * Returns the token in memory while it is valid, or else the result of a renewal. There is one renewal at a time. With
 * `shareCache` the token in memory does not count, because another process may have replaced it.
 */
async function currentOrRenewed(
  memory: Memory,
  settings: Settings,
  signal: AbortSignal | undefined,
  onIssued: () => void,
): Promise<Credential> {
  memory.refused = settings.refused ?? memory.refused
  const { current, unsaved } = memory
  const isKnown = current !== undefined && unsaved === undefined && !settings.isShared
  if (isKnown && isCurrent(current, memory, settings)) return current
  memory.renewal ??= startRenewal(memory, settings, onIssued)
  return waitFor(memory.renewal, memory, signal)
}

function startRenewal(memory: Memory, settings: Settings, onIssued: () => void): Renewal {
  const stop = new AbortController()
  const own = { ...settings, world: { ...settings.world, stop: stop.signal } }
  const result = renew(memory, own, onIssued).catch((error: unknown) => {
    const { current, unsaved } = memory
    const shown = withoutSecrets(error, settings.redactor)
    if (current === undefined || unsaved === undefined) throw shown
    settings.log.error(`The new token could not be saved: ${shown.message}`)
    throw new UnsavedTokenError(shown.message, new BitbucketToken(current, settings.world.now()))
  })
  const renewal: Renewal = { result, stop, waiting: 0 }
  const end = () => {
    if (memory.renewal === renewal) memory.renewal = undefined
  }
  result.then(end, end)
  return renewal
}

/** Waits for a renewal, and aborts it when its last waiter leaves. */
async function waitFor(
  renewal: Renewal,
  memory: Memory,
  signal: AbortSignal | undefined,
): Promise<Credential> {
  renewal.waiting += 1
  try {
    return await untilAborted(renewal.result, signal)
  } finally {
    renewal.waiting -= 1
    if (renewal.waiting === 0) {
      renewal.stop.abort()
      if (memory.renewal === renewal) memory.renewal = undefined
    }
  }
}
