interface Sleeper {
  readonly due: number
  readonly wake: () => void
}

/**
 * A clock that jumps from one event to the next, so simulating a minute takes no time and every run has the same order of
 * events. Sleepers that are due at the same time wake in the order in which they started.
 */
export class VirtualClock {
  #now = 0
  #sleepers: Sleeper[] = []

  /** Milliseconds since the clock was made. */
  readonly now = (): number => this.#now

  readonly sleep = (milliseconds: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const sleeper = { due: this.#now + Math.max(0, milliseconds), wake: resolve }
      this.#add(sleeper)
      signal?.addEventListener(
        'abort',
        () => {
          const at = this.#sleepers.indexOf(sleeper)
          if (at < 0) return
          this.#sleepers.splice(at, 1)
          reject(signal.reason)
        },
        { once: true },
      )
    })

  /** Advances time until no sleeper is left. */
  async run(): Promise<void> {
    for (;;) {
      // Lets all promises settle, because microtasks run before the next macrotask.
      await new Promise(setImmediate)
      const next = this.#sleepers.shift()
      if (next === undefined) return
      this.#now = next.due
      next.wake()
      while (this.#sleepers[0]?.due === this.#now) this.#sleepers.shift()?.wake()
    }
  }

  #add(sleeper: Sleeper): void {
    let [low, high] = [0, this.#sleepers.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#sleepers[middle]?.due ?? 0) <= sleeper.due) low = middle + 1
      else high = middle
    }
    this.#sleepers.splice(low, 0, sleeper)
  }
}

/** Returns a generator of numbers from 0 up to 1 that are the same in every run (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
