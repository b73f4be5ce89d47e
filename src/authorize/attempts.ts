import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { World } from '../world.ts'

/** One try to get consent: a browser that was sent to Bitbucket and may come back. */
export interface Attempt {
  readonly state: string
  /** PKCE (RFC 7636). The verifier stays here; the browser carries the `challenge`. */
  readonly verifier: string
  readonly challenge: string
}

/** How long an attempt is valid, in milliseconds. */
export const timeForConsent = 10 * 60 * 1000

/** How many attempts are remembered: more than one person has tabs open. Beyond it, the oldest is forgotten. */
const maxAttempts = 32

/** Remembers the attempts, to recognise answers with an unknown, used or expired state. */
export class Attempts {
  readonly #elapsed: World['elapsed']
  readonly #begun: { readonly attempt: Attempt; readonly at: number; used: boolean }[] = []

  constructor({ elapsed }: Pick<World, 'elapsed'>) {
    this.#elapsed = elapsed
  }

  begin(): Attempt {
    const verifier = randomText()
    const attempt = {
      state: randomText(),
      verifier,
      challenge: createHash('sha256').update(verifier).digest('base64url'),
    }
    this.#begun.push({ attempt, at: this.#elapsed(), used: false })
    if (this.#begun.length > maxAttempts) this.#begun.shift()
    return attempt
  }

  /** Returns the attempt with this state and marks it as used, or says why there is none. */
  take(state: string): Attempt | 'unknown' | 'used' | 'expired' {
    // All are compared, each in constant time, so that the time taken reveals nothing.
    const [found] = this.#begun.filter(({ attempt }) => isSame(attempt.state, state))
    if (found === undefined) return 'unknown'
    if (found.used) return 'used'
    found.used = true
    return this.#elapsed() - found.at < timeForConsent ? found.attempt : 'expired'
  }

  /** When the newest attempt expires, on the clock of {@link World.elapsed}. Undefined before the first attempt. */
  get end(): number | undefined {
    const last = this.#begun.at(-1)
    return last && last.at + timeForConsent
  }
}

/** Returns 256 random bits as 43 characters, the length that RFC 7636 requires of a verifier. */
const randomText = (): string => randomBytes(32).toString('base64url')

function isSame(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
