import type { SandboxOptions } from './contract.ts'
import { type Answer, text } from './exchange.ts'

type Limit = NonNullable<SandboxOptions['rateLimit']>

/** Limits requests in a rolling time window. */
export class RateLimit {
  readonly #limit: Limit
  readonly #now: () => number
  #taken: number[] = []

  constructor(limit: Limit, now: () => number) {
    this.#limit = limit
    this.#now = now
  }

  /** Counts a request, or returns the 429 if the limit is reached. A refused request is not counted. */
  refusal(): Answer | undefined {
    const { requests, perSeconds, retryAfter } = this.#limit
    const now = this.#now()
    this.#taken = this.#taken.filter((time) => time > now - perSeconds * 1000)
    if (this.#taken.length < requests) {
      this.#taken.push(now)
      return undefined
    }
    // Bitbucket Cloud's 429 is plain text (SharpBucket issue 108), and Bitbucket documents no Retry-After.
    const headers = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }
    return text(429, 'Rate limit for this resource has been exceeded', headers)
  }
}
