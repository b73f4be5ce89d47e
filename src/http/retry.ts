import type { HttpResponse } from './exchange.ts'

/** How retries are spaced. All in milliseconds. */
export const backoff = { first: 1_000, most: 20_000 } as const

/**
 * Whether an answer says "not now" rather than "no". 408 and 425 are made to be repeated, 429 is Bitbucket's
 * rate limit; every other 4xx will be the same again, and repeating a refused secret only looks like an attack.
 * GitHub's rate limits are also a 403 that says so in its headers (docs.github.com, "Rate limits for the REST API").
 */
export function isPassing(status: number, headers: HttpResponse['headers'] = {}): boolean {
  if (status === 403) return headers['retry-after'] !== undefined || headers['x-ratelimit-remaining'] === '0'
  return status === 408 || status === 425 || status === 429 || (status >= 500 && status <= 599)
}

/**
 * How long to wait before try number `next` (the second try is 2), in milliseconds.
 *
 * Full jitter (a random share of a doubling window) so that a matrix of jobs that failed together does not come
 * back together. What the server asked for with Retry-After is kept whole, and the jitter comes on top.
 */
export function delayBefore(next: number, retryAfter: number | undefined, random: () => number): number {
  const window = Math.min(backoff.most, backoff.first * 2 ** (next - 2))
  return Math.round((retryAfter ?? 0) + random() * window)
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
