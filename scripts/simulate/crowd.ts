import { createHttp } from '../../src/http/client.ts'
import type { HttpRequest, Transport } from '../../src/http/exchange.ts'
import { RateLimit } from '../../src/sandbox/rate-limit.ts'
import { seededRandom, VirtualClock } from './clock.ts'

export interface Crowd {
  /** When each job sends its first request, in milliseconds. */
  readonly starts: readonly number[]
  /** What the server admits within each rolling second. */
  readonly perSecond: number
  /** What a refusal says in Retry-After, in seconds; undefined where it says nothing. */
  readonly retryAfter?: number | undefined
  readonly seed: number
  /** 503 from a server that says "later", not "too many": then retries are spaced as after any failure. */
  readonly refusal?: 429 | 503
  /** False for a client that waits its whole window, as all clients of its kind do at the same moment. */
  readonly jitter?: boolean
  /** False for a client that does not read the header. */
  readonly readsRetryAfter?: boolean
  readonly timeout?: number
  readonly retries?: number
}

export interface Outcome {
  readonly tokens: number
  readonly requests: number
  /** Requests that the limit turned away. */
  readonly refused: number
  /** Those that came before their own last refusal allowed it: certain to be wasted. */
  readonly tooEarly: number
  /** Milliseconds from the first start to the last token. */
  readonly lastToken: number
  /** When each request reached the server, in milliseconds, and whether it was admitted. */
  readonly arrivals: readonly { readonly at: number; readonly admitted: boolean }[]
}

/** Milliseconds from the client to the server, and as long back. */
const oneWay = 40

const request: HttpRequest = {
  method: 'POST',
  url: new URL('https://bitbucket.org/site/oauth2/access_token'),
  headers: {},
}

/** Jobs that start within a second, evenly spread by chance: a matrix that a CI has let go at once. */
export function matrix(jobs: number, seed: number): number[] {
  const random = seededRandom(seed)
  return Array.from({ length: jobs }, () => random() * 1_000)
}

/** A crowd of jobs, each with the client of the program as it is, against the rate limit of the sandbox as it is. */
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
    const http = createHttp({
      timeout,
      retries,
      world: {
        now: clock.now,
        elapsed: clock.now,
        sleep: clock.sleep,
        random: jitter ? random : () => 1,
        stop,
      },
      transport,
      onRetry() {},
      quote: (text) => text,
    })
    try {
      await http(request)
      tokens++
      lastToken = clock.now()
    } catch {
      // A job without a token; the sum tells.
    }
  }

  const crowd = Promise.all(starts.map(job))
  await clock.run()
  await crowd
  const refused = arrivals.filter(({ admitted }) => !admitted).length
  return { tokens, requests: arrivals.length, refused, tooEarly, lastToken, arrivals }
}

/** How many requests arrived in each span of so many milliseconds. */
export function histogram(
  arrivals: Outcome['arrivals'],
  span: number,
): { admitted: number; refused: number }[] {
  const length = 1 + Math.floor(Math.max(0, ...arrivals.map(({ at }) => at)) / span)
  const spans = Array.from({ length }, () => ({ admitted: 0, refused: 0 }))
  for (const { at, admitted } of arrivals) {
    const bar = spans[Math.floor(at / span)]
    if (bar !== undefined) bar[admitted ? 'admitted' : 'refused']++
  }
  return spans
}
