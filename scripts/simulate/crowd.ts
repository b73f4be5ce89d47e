import { createHttp } from '../../src/http/client.ts'
import type { HttpRequest, Transport } from '../../src/http/exchange.ts'
import { RateLimit } from '../../src/sandbox/rate-limit.ts'
import { seededRandom, VirtualClock } from './clock.ts'

export interface Crowd {
  /** When each job sends its first request, in milliseconds. */
  readonly starts: readonly number[]
  /** How many requests the server admits within each rolling second. */
  readonly perSecond: number
  /** The seconds in Retry-After; undefined if a refusal has no such header. */
  readonly retryAfter?: number | undefined
  readonly seed: number
  /** 503 for a server that says "later" instead of "too many". The client then spaces retries as after any failure. */
  readonly refusal?: 429 | 503
  /** False for a client without random delays, so that all such clients retry at the same moment. */
  readonly jitter?: boolean
  /** False for a client that does not read the header. */
  readonly readsRetryAfter?: boolean
  readonly timeout?: number
  readonly retries?: number
}

export interface Outcome {
  readonly tokens: number
  readonly requests: number
  /** Requests that the rate limit refused. */
  readonly refused: number
  /** Requests that came earlier than the last refusal allowed, and were certain to be refused. */
  readonly tooEarly: number
  /** The time from the first start to the last token in milliseconds. */
  readonly lastToken: number
  /** When each request reached the server, in milliseconds, and whether it was admitted. */
  readonly arrivals: readonly { readonly at: number; readonly admitted: boolean }[]
}

/** The time from the client to the server in milliseconds. The way back takes as long. */
const oneWay = 40

const request: HttpRequest = {
  method: 'POST',
  url: new URL('https://bitbucket.org/site/oauth2/access_token'),
  headers: {},
}

/** Returns random start times within one second, as of a matrix of jobs that a CI starts at once. */
export function matrix(jobs: number, seed: number): number[] {
  const random = seededRandom(seed)
  return Array.from({ length: jobs }, () => random() * 1_000)
}

/** Simulates a crowd of jobs. Each uses the program's own client, against the sandbox's own rate limit. */
export async function simulate({
  starts,
  perSecond,
  retryAfter,
  seed,
  refusal = 429,
  jitter = true,
  readsRetryAfter = true,
  timeout = 60_000,
  retries = 4,
}: Crowd): Promise<Outcome> {
  const clock = new VirtualClock()
  const limit = new RateLimit({ requests: perSecond, perSeconds: 1 }, clock.now)
  const random = seededRandom(seed)
  const stop = new AbortController().signal
  const arrivals: { at: number; admitted: boolean }[] = []
  let [tokens, tooEarly, lastToken] = [0, 0, 0]

  const job = async (start: number) => {
    await clock.sleep(start)
    let notBefore = 0
    const transport: Transport = async (_, signal) => {
      await clock.sleep(oneWay, signal)
      const admitted = limit.refusal() === undefined
      arrivals.push({ at: clock.now(), admitted })
      if (clock.now() < notBefore) tooEarly++
      notBefore = clock.now() + (retryAfter ?? 0) * 1_000
      await clock.sleep(oneWay, signal)
      if (admitted) return { status: 200, headers: {}, body: '' }
      const says = retryAfter !== undefined && readsRetryAfter
      return { status: refusal, headers: says ? { 'retry-after': String(retryAfter) } : {}, body: '' }
    }
    const http = createHttp(transport, {
      timeout,
      retries,
      world: {
        now: clock.now,
        elapsed: clock.now,
        sleep: clock.sleep,
        random: jitter ? random : () => 1,
        stop,
      },
      log: { debug() {}, info() {} },
      quote: (text) => text,
    })
    try {
      await http(request)
      tokens++
      lastToken = clock.now()
    } catch {
      // This job gets no token, which the total shows.
    }
  }

  const crowd = Promise.all(starts.map(job))
  await clock.run()
  await crowd
  const refused = arrivals.filter(({ admitted }) => !admitted).length
  return { tokens, requests: arrivals.length, refused, tooEarly, lastToken, arrivals }
}

/** Counts the requests in each second. */
export function histogram(arrivals: Outcome['arrivals']): { admitted: number; refused: number }[] {
  const length = 1 + Math.floor(Math.max(0, ...arrivals.map(({ at }) => at)) / 1_000)
  const bars = Array.from({ length }, () => ({ admitted: 0, refused: 0 }))
  for (const { at, admitted } of arrivals) {
    const bar = bars[Math.floor(at / 1_000)]
    if (bar !== undefined) bar[admitted ? 'admitted' : 'refused']++
  }
  return bars
}
