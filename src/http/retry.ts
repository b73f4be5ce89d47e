import type { HttpResponse } from './exchange.ts'

/** The first and the largest backoff window, in milliseconds. */
export const backoff = { first: 1_000, most: 20_000 } as const

/** After a 429, each window is wider than the one before by this factor. */
const growthAfter429 = 1.25

/**
 * Whether an answer is a transient failure that a retry may fix: 5xx, 408, 425, and 429, Bitbucket's rate limit. Every
 * other 4xx would be the same again, and repeating a refused secret looks like an attack. GitHub also reports its rate
 * limits by a 403 with certain headers (docs.github.com, "Rate limits for the REST API").
 */
export function isTransient(status: number, headers: HttpResponse['headers'] = {}): boolean {
  if (status === 403) return headers['retry-after'] !== undefined || headers['x-ratelimit-remaining'] === '0'
  return status === 408 || status === 425 || status === 429 || (status >= 500 && status <= 599)
}

/** What a delay depends on, apart from the number of the try. All times are in milliseconds. */
export interface Waiting {
  /** The delay that the server requested with Retry-After. */
  readonly retryAfter: number | undefined
  /** The time until the deadline; longer than `retryAfter`. */
  readonly timeLeft: number
  /** After a 429: how many tries are left. Otherwise undefined. */
  readonly triesLeftAfter429: number | undefined
  /** Returns a number from 0 up to, but not including, 1. */
  readonly random: () => number
}

/**
 * Returns how long to wait before try number `next` (the second try is 2), in milliseconds.
 *
 * Uses full jitter (a random share of a doubling window), so that jobs of a matrix that failed together do not retry
 * together. Always waits for the whole Retry-After, and adds the jitter to it.
 *
 * A 429 means that too many jobs are asking at once, and none of them knows how many there are. A retry within a second
 * or two only fills the next second. So after a 429 the windows are as wide as the time until the deadline allows. They
 * grow only by a quarter: doubling windows start so narrow that most retries in the first ones fail again.
 * scripts/simulate/simulate.ts shows the effect (scripts/simulate/README.md).
 *
 * The jitter always leaves some time for the try itself.
 */
export function delayBefore(
  next: number,
  { retryAfter = 0, timeLeft, triesLeftAfter429, random }: Waiting,
): number {
  const free = timeLeft - retryAfter
  const usual = Math.min(backoff.most, backoff.first * 2 ** (next - 2), free / 2)
  if (triesLeftAfter429 === undefined) return Math.round(retryAfter + random() * usual)
  // The first of n windows that together fill the free time (a geometric series). A job waits half a window on average.
  const first = (free * (growthAfter429 - 1)) / (growthAfter429 ** triesLeftAfter429 - 1)
  const wide = Math.min(2 * first, free * 0.9)
  // The last try uses the later half of its window, because fewer jobs are left then and no try follows.
  const share = triesLeftAfter429 === 1 ? (1 + random()) / 2 : random()
  return Math.round(retryAfter + share * Math.max(usual, wide))
}

/**
 * Reads Retry-After: seconds or an HTTP date (RFC 9110, 10.2.3).
 * @returns milliseconds from now; undefined if it is missing, invalid, or a date in the past
 */
export function readRetryAfter(header: string | undefined, now: number): number | undefined {
  const value = header?.trim() ?? ''
  // `Number` returns Infinity for hundreds of digits.
  if (/^\d+$/.test(value)) return Math.min(Number(value) * 1_000, Number.MAX_VALUE)
  // The date formats of RFC 9110 all begin with the name of a day. Date.parse alone would accept "1.5" as a date.
  if (!/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(value)) return undefined
  // The asctime format names no time zone and means GMT.
  const wait = Date.parse(value.endsWith('GMT') ? value : `${value} GMT`) - now
  return Number.isNaN(wait) || wait <= 0 ? undefined : wait
}
