import type { Credential } from '../bitbucket/credential.ts'
import { untilAborted } from '../http/until-aborted.ts'
import { Redactor } from '../secret.ts'
import { processWorld, type World } from '../world.ts'
import { BitbucketToken } from './bitbucket-token.ts'
import { UnsavedTokenError, withoutSecrets } from './errors.ts'
import { type Memory, memoryOf, type Renewal } from './memory.ts'
import type { SuccessEvent, TokenOptions } from './options.ts'
import { isCurrent, renew } from './renewal.ts'
import { readOptions, readTokenOptions, type Settings } from './settings.ts'

/**
 * A token for Bitbucket Cloud, from whatever credential is given.
 *
 * It is kept in memory, and in the storage where there is one, and handed out again until shortly before it ends (five
 * minutes, or a tenth of a short life). Callers that come at once wait for one request. A refresh token that Bitbucket
 * replaces is saved before the token is handed out.
 *
 * @example
 * const { authorization } = await getAccessToken()
 * await fetch('https://api.bitbucket.org/2.0/user', { headers: { authorization } })
 *
 * @throws {TokenError} with a stable `code`, and `nextStep`. No error holds a secret that can be seen.
 * @throws {UnsavedTokenError} where the storage fails after the token was issued
 * @throws the reason of `signal`
 */
export function getAccessToken(options?: TokenOptions | null): Promise<BitbucketToken> {
  return getAccessTokenIn(processWorld(process, new AbortController().signal), options)
}

/** The same with a clock, an environment and an error stream from outside. */
export async function getAccessTokenIn(
  world: World,
  given: TokenOptions | null | undefined,
): Promise<BitbucketToken> {
  const redactor = new Redactor()
  let signal: AbortSignal | undefined
  let isNew = false
  try {
    const options = readTokenOptions(given)
    signal = options.signal
    signal?.throwIfAborted()
    const settings = await untilAborted(readOptions(options, world, redactor), signal)
    const held = await shared(memoryOf(settings), settings, signal, () => {
      isNew = true
    })
    const token = new BitbucketToken(held, world.now())
    if (isNew) await tellOf(token, options, settings)
    return token
  } catch (error) {
    if (signal?.aborted && error === signal.reason) throw error
    throw await tellOfFailure(withoutSecrets(error, redactor), given)
  }
}

/**
 * Calls `handleError`, which hears of wrong options too.
 * @returns the error, or the reason that `handleError` has chosen instead
 */
async function tellOfFailure(error: Error, given: TokenOptions | null | undefined): Promise<unknown> {
  const { handleError, appName } = given ?? {}
  let reason: unknown = error
  if (typeof handleError === 'function') {
    const reject = (other: unknown = error) => {
      reason = other
    }
    await handleError({ error, appName, reject })
  }
  return reason
}

/** No token is lost because nobody could be told of it. */
async function tellOf(
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

/** Also tells a function that was written for bitbucket-auth that it no longer gets what it got there. */
function successEvent(token: BitbucketToken, appName: string | undefined): SuccessEvent {
  const event = { token, appName }
  for (const name of ['res', 'err', 'body', 'config', 'resolve', 'saveConfig', 'storage']) {
    const get = () => {
      throw new Error(`it gets { token, appName }, not ${name}; the result is made and saved without it`)
    }
    Object.defineProperty(event, name, { get })
  }
  return event
}

/** The token in memory while it lives, else the one that a renewal brings, of which there is one at a time. */
async function shared(
  memory: Memory,
  settings: Settings,
  signal: AbortSignal | undefined,
  onIssued: () => void,
): Promise<Credential> {
  memory.refused = settings.refused ?? memory.refused
  const { current, unsaved } = memory
  if (current !== undefined && unsaved === undefined && isCurrent(current, memory, settings)) return current
  memory.renewal ??= begin(memory, settings, onIssued)
  return wait(memory.renewal, memory, signal)
}

function begin(memory: Memory, settings: Settings, onIssued: () => void): Renewal {
  const stop = new AbortController()
  const own = { ...settings, world: { ...settings.world, stop: stop.signal } }
  const result = renew(memory, own, onIssued).catch((error: unknown) => {
    const { current, unsaved } = memory
    if (current === undefined || unsaved === undefined) throw withoutSecrets(error, settings.redactor)
    const { message } = withoutSecrets(error, settings.redactor)
    settings.log.error(`The new token could not be saved: ${message}`)
    throw new UnsavedTokenError(message, new BitbucketToken(current, settings.world.now()))
  })
  const renewal: Renewal = { result, stop, waiting: 0 }
  const end = () => {
    if (memory.renewal === renewal) memory.renewal = undefined
  }
  result.then(end, end)
  return renewal
}

/** Who is no longer waited for by anybody stops asking. */
async function wait(renewal: Renewal, memory: Memory, signal: AbortSignal | undefined): Promise<Credential> {
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
