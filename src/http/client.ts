import { interrupted, messageOf, TokenError } from '../errors.ts'
import type { World } from '../world.ts'
import { type Http, type HttpRequest, type HttpResponse, NoAnswer, type Transport } from './exchange.ts'
import { delayBefore, isTransient, readRetryAfter, type Waiting } from './retry.ts'

export interface HttpOptions {
  /** The time limit for all requests of one run together, waiting included, in milliseconds. */
  readonly timeout: number
  /** How many times to retry each request. */
  readonly retries: number
  readonly world: Pick<World, 'now' | 'elapsed' | 'sleep' | 'random' | 'stop'>
  /** Gets a line about each try (`debug`) and each retry (`info`). */
  readonly log: { debug(text: string): void; info(text: string): void }
  /** Prepares a server's words for a log: see `TextRedactor.quote`. */
  readonly quote: (text: string) => string
  /** Sends each request once, instead of the default transport. */
  readonly transport?: Transport | undefined
}

/**
 * Creates an {@link Http} whose deadline starts now. Loads the transport only here, after the inputs were checked, because
 * it takes half of the start-up time.
 */
export async function openHttp({ transport, ...options }: HttpOptions): Promise<Http> {
  return createHttp(transport ?? (await import('./transport.ts')).send, options)
}

/** The share of the timeout that one try may use, so that a silent server leaves time for two more tries. */
const shareOfOneTry = 1 / 3

/**
 * Creates an {@link Http} whose deadline starts now. A request fails with a `TokenError`: `unreachable` if no try
 * brought an answer in time, `interrupted` on a signal.
 */
export function createHttp(
  send: Transport,
  { timeout, retries, world, log, quote }: Omit<HttpOptions, 'transport'>,
): Http {
  const deadline = world.elapsed() + timeout
  const tries = retries + 1

  return async (request) => {
    for (let number = 1; ; number++) {
      const outcome = await oneTry(request)
      const answer = finalAnswer(outcome, request)
      if (answer !== undefined) return { ...answer, quote }

      const failed = describe(outcome, request)
      const waiting = waitingAfter(outcome, number)
      const why = whyGiveUp(outcome, number, waiting)
      if (why !== undefined) {
        throw new TokenError('unreachable', `${failed} ${why}`, nextStepFor(outcome), outcome)
      }
      const delay = delayBefore(number + 1, waiting)
      log.info(`${failed} Retrying in ${seconds(delay)} (try ${number + 1} of ${tries}).`)
      await world.sleep(delay, world.stop).catch(() => {
        throw interrupted()
      })
    }
  }

  async function oneTry(request: HttpRequest): Promise<HttpResponse | NoAnswer> {
    const limit = Math.min(timeout * shareOfOneTry, Math.max(0, deadline - world.elapsed()))
    const attempt = new AbortController()
    const settled = new AbortController()
    const stopped = () => attempt.abort(interrupted())
    if (world.stop.aborted) stopped()
    world.stop.addEventListener('abort', stopped, { once: true })
    world.sleep(limit, settled.signal).then(
      () => attempt.abort(new NoAnswer(`no answer within ${seconds(limit)}`, true, timeoutAdvice)),
      () => {},
    )
    try {
      return await sendLogged(request, attempt.signal)
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

  async function sendLogged(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
    const { origin, pathname } = request.url
    const started = world.elapsed()
    const logOutcome = (outcome: string) => {
      const duration = Math.round(world.elapsed() - started)
      log.debug(`${request.method} ${origin}${pathname}: ${outcome} after ${duration} ms`)
    }
    try {
      const response = await send(request, signal)
      logOutcome(`status ${response.status}`)
      return response
    } catch (error) {
      logOutcome(error instanceof NoAnswer ? error.message : quote(messageOf(error)))
      throw error
    }
  }

  /** Returns what the delay after failed try `number` depends on. */
  function waitingAfter(outcome: HttpResponse | NoAnswer, number: number): Waiting {
    const { status = 0, headers = {} } = outcome instanceof NoAnswer ? {} : outcome
    return {
      asked: readRetryAfter(headers['retry-after'], world.now()),
      left: deadline - world.elapsed(),
      triesLeftAfter429: status === 429 ? tries - number : undefined,
      random: world.random,
    }
  }

  /** Returns why no retry follows failed try `number`. Undefined if one follows. */
  function whyGiveUp(
    outcome: HttpResponse | NoAnswer,
    number: number,
    { asked: retryAfter, left: timeLeft }: Waiting,
  ): string | undefined {
    if (outcome instanceof NoAnswer && !outcome.isTransient) return 'Retrying will not help.'
    if (number >= tries) return tries === 1 ? 'Retries are off.' : `Gave up after ${tries} tries.`
    if ((retryAfter ?? 0) < timeLeft) return undefined
    return retryAfter === undefined
      ? `The timeout of ${seconds(timeout)} leaves no time to retry.`
      : `It asked to wait ${seconds(retryAfter)}, but the timeout of ${seconds(timeout)} ends before that.`
  }
}

/** Returns the answer of a try. Undefined if it is a transient failure or there is none. */
function finalAnswer(outcome: HttpResponse | NoAnswer, request: HttpRequest): HttpResponse | undefined {
  const isFailure =
    outcome instanceof NoAnswer ||
    isTransient(outcome.status, outcome.headers) ||
    request.retryLaterCode?.(outcome) !== undefined
  return isFailure ? undefined : outcome
}

const timeoutAdvice =
  'Check that this machine can reach the address (if it needs a proxy, set HTTPS_PROXY), or set a longer timeout.'

function describe(outcome: HttpResponse | NoAnswer, { url, retryLaterCode }: HttpRequest): string {
  if (outcome instanceof NoAnswer) return `${url.host}: ${outcome.message}.`
  const code = retryLaterCode?.(outcome)
  return `${url.host} answered with status ${outcome.status}${code === undefined ? '' : ` (${code})`}.`
}

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
