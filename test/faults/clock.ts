/** A clock for one run in this process. It never really waits. */
export interface FaultClock {
  readonly elapsed: () => number
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>
  /** Jumps to the next deadline, because the server will send nothing more. */
  readonly silence: () => void
}

/**
 * Makes a clock for a client with real sockets. It stands still while bytes may arrive. It jumps over the waits between
 * two tries, and to a try's deadline when the server says that it will send nothing more.
 *
 * @param stop the signal that ends the waits between two tries; each deadline has its own signal
 */
export function faultClock(stop: AbortSignal): FaultClock {
  let elapsed = 0
  const deadlines = new Set<{ due: number; reach: () => void }>()
  return {
    elapsed: () => elapsed,
    sleep: (milliseconds, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason)
        const due = elapsed + milliseconds
        if (signal === stop) {
          elapsed = due
          setImmediate(resolve)
          return
        }
        const deadline = { due, reach: resolve }
        deadlines.add(deadline)
        signal.addEventListener('abort', () => deadlines.delete(deadline) && reject(signal.reason), {
          once: true,
        })
      }),
    silence() {
      const [next] = [...deadlines].sort((a, b) => a.due - b.due)
      if (next === undefined) return
      deadlines.delete(next)
      elapsed = Math.max(elapsed, next.due)
      next.reach()
    },
  }
}
