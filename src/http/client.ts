import { interrupted, messageOf, TokenError } from '../errors.ts'
import type { World } from '../world.ts'
import { type Http, type HttpRequest, type HttpResponse, NoAnswer, type Transport } from './exchange.ts'
import { delayBefore, isTransient, readRetryAfter } from './retry.ts'

export interface HttpOptions {
  /** The time limit for all requests of one run together, waiting included, in milliseconds. */
  readonly timeout: number
  /** How many times to retry each request. */
  readonly retries: number
  readonly world: Pick<World, 'now' | 'elapsed' | 'sleep' | 'random' | 'stop'>
  readonly transport: Transport
  /** Called with a line of text before each retry. */
  readonly onRetry: (line: string) => void
  /** Prepares a server's words for a log: see `TextRedactor.quote`. */
  readonly quote: (text: string) => string
}

export interface OpenOptions extends Pick<HttpOptions, 'timeout' | 'retries' | 'world' | 'quote'> {
  readonly log: { debug(text: string): void; info(text: string): void }
  /** Sends each request once, instead of the default transport. */
  readonly transport?: Transport | undefined
}

/**
 * Creates an {@link Http} that logs its requests and whose deadline starts now. Loads the transport only here, after
 * the inputs were checked, because it takes half of the start-up time.
 */
export async function openHttp({
  timeout,
  retries,
  world,
  log,
  quote,
  transport,
}: OpenOptions): Promise<Http> {
  const send = transport ?? (await import('./transport.ts')).send
  return createHttp({
    timeout,
    retries,
    world,
    transport: async (request, signal) => {
      const started = world.elapsed()
      const logOutcome = (outcome: string) =>
        log.debug(
          `${request.method} ${request.url.origin}${request.url.pathname}: ${outcome} after ${Math.round(world.elapsed() - started)} ms`,
        )
      try {
        const response = await send(request, signal)
        logOutcome(`status ${response.status}`)
        return response
      } catch (error) {
        logOutcome(error instanceof NoAnswer ? error.message : quote(messageOf(error)))
        throw error
      }
    },
    onRetry: (line) => log.info(line),
    quote,
  })
}

/** The share of the timeout that one try may use, so that a silent server leaves time for two more tries. */
const shareOfOneTry = 1 / 3

/**
 * Creates an {@link Http} whose deadline starts now. A request fails with a `TokenError`: `unreachable` if no try
 * brought an answer in time, `interrupted` on a signal.
 */
export function createHttp({ timeout, retries, world, transport, onRetry, quote }: HttpOptions): Http {
  const deadline = world.elapsed() + timeout
  const remaining = () => deadline - world.elapsed()

  return async (request) => {
    const tries = retries + 1
    for (let number = 1; ; number++) {
      const outcome = await oneTry(request, Math.min(timeout * shareOfOneTry, Math.max(0, remaining())))
      const answer = outcome instanceof NoAnswer ? undefined : { ...outcome, quote }
      const busyCode = answer && request.busyCode?.(answer)
      const isFinal = answer !== undefined && !isTransient(answer.status, answer.headers)
      if (isFinal && busyCode === undefined) return answer

      const failed = describe(outcome, request.url, busyCode)
      const giveUp = (why: string) =>
        new TokenError('unreachable', `${failed} ${why}`, nextStepFor(outcome), outcome)
      if (outcome instanceof NoAnswer && !outcome.isTransient) throw giveUp('Retrying will not help.')
      if (number >= tries) {
        throw giveUp(tries === 1 ? 'Retries are off.' : `Gave up after ${tries} tries.`)
      }
      const asked =
        outcome instanceof NoAnswer ? undefined : readRetryAfter(outcome.headers['retry-after'], world.now())
      const left = remaining()
      if ((asked ?? 0) >= left) {
        throw giveUp(
          asked === undefined
            ? `The timeout of ${seconds(timeout)} leaves no time to retry.`
            : `It asked to wait ${seconds(asked)}, but the timeout of ${seconds(timeout)} ends before that.`,
        )
      }
      const isRateLimited = !(outcome instanceof NoAnswer) && outcome.status === 429
      const wait = delayBefore(number + 1, {
        asked,
        left,
        triesLeftAfter429: isRateLimited ? tries - number : undefined,
        random: world.random,
      })
      onRetry(`${failed} Retrying in ${seconds(wait)} (try ${number + 1} of ${tries}).`)
      await world.sleep(wait, world.stop).catch(() => {
        throw interrupted()
      })
    }
  }

  async function oneTry(request: HttpRequest, limit: number): Promise<HttpResponse | NoAnswer> {
    const attempt = new AbortController()
    const settled = new AbortController()
    const stopped = () => attempt.abort(interrupted())
    if (world.stop.aborted) stopped()
    world.stop.addEventListener('abort', stopped, { once: true })
    world.sleep(Math.max(0, limit), settled.signal).then(
      () => attempt.abort(new NoAnswer(`no answer within ${seconds(limit)}`, true, timeoutAdvice)),
      () => {},
    )
    try {
      return await transport(request, attempt.signal)
    } catch (error) {
      // After an abort, the transport's error only shows how it noticed. The reason of the abort is the real one.
      const reason: unknown = attempt.signal.aborted ? attempt.signal.reason : error
      if (reason instanceof NoAnswer) return reason
      throw reason
    } finally {
      settled.abort()
      world.stop.removeEventListener('abort', stopped)
    }
  }
}

const timeoutAdvice =
  'Check that this machine can reach the address (if it needs a proxy, set HTTPS_PROXY), or set a longer timeout.'

const describe = (outcome: HttpResponse | NoAnswer, url: URL, busyCode: string | undefined): string =>
  outcome instanceof NoAnswer
    ? `${url.host}: ${outcome.message}.`
    : `${url.host} answered with status ${outcome.status}${busyCode === undefined ? '' : ` (${busyCode})`}.`

/** Returns what to do next. Fits any service, because requests to a store use this client too. */
function nextStepFor(outcome: HttpResponse | NoAnswer): string {
  if (outcome instanceof NoAnswer) return outcome.nextStep
  if (outcome.status === 429) {
    return 'Each OAuth client, token or user has a limit of requests per hour. Run fewer jobs at once, share one token within a job, or set a longer timeout.'
  }
  return 'See the status page of that service (Bitbucket: https://bitbucket.status.atlassian.com), then run the job again. A longer timeout or more retries may help.'
}

const seconds = (milliseconds: number): string =>
  `${milliseconds >= 9_950 ? Math.round(milliseconds / 1_000) : (milliseconds / 1_000).toFixed(1)} s`

/**
 * Loads node's TLS early, if one of these addresses needs it. Node 24 then reads the root certificates in another
 * thread (node: lib/tls.js, `startLoadingCertificatesOffThread`) while this one loads the rest of the transport. If
 * node:https loaded TLS last, the first connection would wait for the certificates. Does nothing before node 20.16,
 * which has no `process.getBuiltinModule`.
 */
export function loadTlsEarly(...addresses: readonly URL[]): void {
  if (addresses.some(({ protocol }) => protocol === 'https:')) process.getBuiltinModule?.('node:tls')
}
