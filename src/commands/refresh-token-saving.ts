import { reasonOf, TokenError } from '../errors.ts'
import type { Http } from '../http/exchange.ts'
import { delayBefore } from '../http/retry.ts'
import type { Run } from '../run.ts'
import { openStore } from '../stores/index.ts'
import type { StorePlace } from '../stores/place.ts'
import type { RenewedTokens, SaveResult, TokenStore } from '../stores/store.ts'

/** Opens the store that the inputs describe. */
export function openStoreFor(place: StorePlace, run: Run, http: Http): TokenStore {
  const { world, rawInputs, redactor } = run
  const inputs = run.inputs()
  return openStore(place, {
    world,
    http,
    clean: (text) => redactor.clean(text),
    quote: (text) => redactor.quote(text),
    timeout: inputs.timeout * 1_000,
    url: inputs.url,
    apiUrl: inputs['api-url'],
    clientId: inputs['client-id'] ?? '',
    repository: inputs.repository,
    tokens: inputs,
    nameOf: rawInputs.nameOf,
  })
}

/**
 * Returns the error for a store that cannot be used, whatever failed there. Wrong inputs and signals keep their own error.
 * @param what what could not be done, as the beginning of the message
 * @param then a last step, after the steps of the error
 */
export function unwritableError(error: unknown, what: string, then?: string): unknown {
  if (error instanceof TokenError && (error.code === 'input' || error.code === 'interrupted')) return error
  const nextStep =
    error instanceof TokenError ? error.nextStep : 'Fix that problem, or name another store for the token.'
  return new TokenError(
    'store-unwritable',
    `${what}: ${reasonOf(error)}`,
    then === undefined ? nextStep : `${nextStep}\n${then}`,
    error,
  )
}

/**
 * Saves the tokens, and retries until the time limit. Returns what `store.save` returns.
 * @param limit milliseconds
 */
export async function saveWithRetries(
  store: TokenStore,
  tokens: RenewedTokens,
  limit: number,
  { world, host, inputs }: Run,
): Promise<SaveResult> {
  const { retries } = inputs()
  const deadline = world.elapsed() + limit
  const over = new AbortController()
  const saved = new AbortController()
  world.sleep(limit, saved.signal).then(
    () => over.abort(),
    () => {},
  )
  try {
    for (let number = 1; ; number++) {
      try {
        return await store.save(tokens, over.signal)
      } catch (error) {
        const timeLeft = deadline - world.elapsed()
        const isFinal = error instanceof TokenError || over.signal.aborted
        if (isFinal || number > retries || timeLeft <= 0) throw error
        const wait = delayBefore(number + 1, {
          retryAfter: undefined,
          timeLeft,
          triesLeftAfter429: undefined,
          random: world.random,
        })
        host.log.info(`Saving in ${store.name} failed. Retrying: ${reasonOf(error)}.`)
        await world.sleep(wait, over.signal).catch(() => {})
      }
    }
  } finally {
    saved.abort()
  }
}

/**
 * Puts a new refresh token where the user finds it, because it could not be saved in its store.
 * @returns an error that says where the token is
 */
export function keepUnsavedToken(
  store: TokenStore,
  { refreshToken, access }: RenewedTokens,
  error: unknown,
  { host }: Run,
): TokenError {
  const until = `${new Date(access.issuedAt + 600_000).toISOString().slice(11, 16)} UTC`
  const again = `Fix the problem above and run this again before ${until}. Until then, ten minutes after the refresh, the old refresh token still works.`
  const steps = error instanceof TokenError ? [error.nextStep] : []
  try {
    const place = host.keep('refresh-token', refreshToken)
    steps.push(again, `Or save the new refresh token in ${store.name} yourself. It is ${place}.`)
  } catch (keeping) {
    steps.push(`The new refresh token could not be handed over either: ${reasonOf(keeping)}`, again)
  }
  steps.push('After that, a person must authorise a new refresh token.')
  return new TokenError(
    'store-unwritable',
    `The new refresh token could not be saved in ${store.name}: ${reasonOf(error)}`,
    steps.join('\n'),
    error,
  )
}
