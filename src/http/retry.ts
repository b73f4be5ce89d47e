import type { HttpResponse } from './exchange.ts'

/** How retries are spaced. All in milliseconds. */
export const backoff = { first: 1_000, most: 20_000 } as const

/** By how much each window is wider than the one before, after a 429. */
const crowdGrowth = 1.25

/**
 * Whether an answer says "not now" rather than "no". 408 and 425 are made to be repeated, 429 is Bitbucket's
 * rate limit; every other 4xx will be the same again, and repeating a refused secret only looks like an attack.
 * GitHub's rate limits are also a 403 that says so in its headers (docs.github.com, "Rate limits for the REST API").
 */
export function isPassing(status: number, headers: HttpResponse['headers'] = {}): boolean {
  if (status === 403) return headers['retry-after'] !== undefined || headers['x-ratelimit-remaining'] === '0'
  return status === 408 || status === 425 || status === 429 || (status >= 500 && status <= 599)
}

/** What a wait depends on, besides which try it comes before. All times in milliseconds. */
export interface Waiting {
  /** What the server asked for with Retry-After. */
  readonly asked: number | undefined
  /** Until the deadline; more than what was asked for. */
  readonly left: number
  /** After a 429: how many tries there still are. Undefined after anything else. */
  readonly triesLeftInCrowd: number | undefined
  /** A number from 0 up to 1. */
  readonly random: () => number
}

/**
 * How long to wait before try number `next` (the second try is 2), in milliseconds.
 *
 * Full jitter (a random share of a doubling window) so that a matrix of jobs that failed together does not come
 * back together. What the server asked for with Retry-After is kept whole, and the jitter comes on top.
 *
 * A 429 says that there are too many of us for the time being, and how many nobody knows: coming back within a second
 * or two only fills the next second. So its windows are as wide as the time until the deadline allows. They grow by
 * a quarter only: doubling ones begin so narrow that a crowd fills the first of them in vain. scripts/simulate/simulate.ts
 * shows what that does to a crowd (scripts/simulate/README.md).
 *
 * Jitter never takes so much of the time that none is left for the try itself.
 */
export function delayBefore(next: number, { asked = 0, left, triesLeftInCrowd, random }: Waiting): number {
  const free = left - asked
  const usual = Math.min(backoff.most, backoff.first * 2 ** (next - 2), free / 2)
  if (triesLeftInCrowd === undefined) return Math.round(asked + random() * usual)
  // The first of n windows that fill the free time (a geometric series); of a window, half is waited on average.
  const first = (free * (crowdGrowth - 1)) / (crowdGrowth ** triesLeftInCrowd - 1)
  const crowd = Math.min(2 * first, free * 0.9)
  // After the last try there is none to make up for it, and the crowd is smallest late.
  const share = triesLeftInCrowd === 1 ? (1 + random()) / 2 : random()
  return Math.round(asked + share * Math.max(usual, crowd))
}

/**
 * Retry-After in milliseconds from now: seconds or an HTTP date (RFC 9110, 10.2.3). Undefined where there is
 * none, or none that can be read or lies ahead.
 */
export function readRetryAfter(header: string | undefined, now: number): number | undefined {
  const value = header?.trim() ?? ''
  // Of hundreds of digits, `Number` makes Infinity.
  if (/^\d+$/.test(value)) return Math.min(Number(value) * 1_000, Number.MAX_VALUE)
  // Only the date forms of RFC 9110 begin with a day's name; Date.parse alone would take "1.5" for a date.
  if (!/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(value)) return undefined
  // Of the three forms, asctime's names no zone and means GMT.
  const wait = Date.parse(value.endsWith('GMT') ? value : `${value} GMT`) - now
  return Number.isNaN(wait) || wait <= 0 ? undefined : wait
}
