import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { World } from '../world.ts'

/** A person on the way to Bitbucket and back. */
export interface Attempt {
  readonly state: string
  /** PKCE (RFC 7636): kept here, while `challenge` goes along with the browser. */
  readonly verifier: string
  readonly challenge: string
}

/** Milliseconds for that way. */
export const timeForConsent = 10 * 60 * 1000

/** Tabs that one person may have open; of more, the oldest is forgotten. */
const most = 32

/** Who was sent to Bitbucket, so that an answer which nobody asked for, or asked for before, is told from the one awaited. */
export class Attempts {
  readonly #elapsed: World['elapsed']
  readonly #begun: { readonly attempt: Attempt; readonly at: number; used: boolean }[] = []

  constructor({ elapsed }: Pick<World, 'elapsed'>) {
    this.#elapsed = elapsed
  }

  begin(): Attempt {
    const verifier = unguessable()
    const attempt = {
      state: unguessable(),
      verifier,
      challenge: createHash('sha256').update(verifier).digest('base64url'),
    }
    this.#begun.push({ attempt, at: this.#elapsed(), used: false })
    if (this.#begun.length > most) this.#begun.shift()
    return attempt
  }

  /** The attempt with this state, for once; or why there is none. */
  take(state: string): Attempt | 'unknown' | 'used' | 'expired' {
    // All are compared, each in constant time, so the time taken tells nothing.
    const [found] = this.#begun.filter(({ attempt }) => isSame(attempt.state, state))
    if (found === undefined) return 'unknown'
    if (found.used) return 'used'
    found.used = true
    return this.#elapsed() - found.at < timeForConsent ? found.attempt : 'expired'
  }

  /** When the last one that was begun is over, on {@link World.elapsed}'s clock; undefined before the first. */
  get end(): number | undefined {
    const last = this.#begun.at(-1)
    return last && last.at + timeForConsent
  }
}

/** 43 characters of 256 bits, as RFC 7636 asks of a verifier. */
const unguessable = (): string => randomBytes(32).toString('base64url')

function isSame(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
