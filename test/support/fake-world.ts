import { PassThrough } from 'node:stream'
import type { World } from '../../src/world.ts'

export interface FakeWorld extends World {
  /** Everything that was written, in order. */
  readonly written: { readonly to: 'stdout' | 'stderr'; readonly text: string }[]
  readonly out: () => string
  readonly err: () => string
  /** The waits between two tries, in milliseconds: those that {@link World.stop} can cut short. */
  readonly waits: number[]
  /** Returns how many sleeps are pending. A real timer that nobody needs would keep the process alive. */
  readonly asleep: () => number
  /** Stops the process, as SIGTERM does. */
  readonly stopNow: () => void
}

/** The time at which the fake clock starts. */
export const startOfTime = Date.parse('2026-11-21T10:00:00Z')

/**
 * Makes a world with a fake clock. The clock stands still until everything waits for it, then jumps to the time at which
 * the next sleeper wakes. So no test waits, and events keep the order that they have with a real clock.
 */
export function fakeWorld(given: Partial<World> = {}): FakeWorld {
  const stop = new AbortController()
  const written: FakeWorld['written'] = []
  const waits: number[] = []
  const sleepers = new Set<{ due: number; wake: () => void }>()
  let elapsed = 0
  let names = 0
  const jump = () => {
    const next = [...sleepers].sort((a, b) => a.due - b.due)[0]
    if (next === undefined) return
    elapsed = Math.max(elapsed, next.due)
    next.wake()
    setImmediate(jump)
  }
  const textOf = (to: 'stdout' | 'stderr') =>
    written
      .filter((piece) => piece.to === to)
      .map((piece) => piece.text)
      .join('')
  return {
    env: {},
    cwd: '/',
    program: ['/usr/bin/node', '/opt/bitbucket-token/dist/index.js'],
    platform: 'linux',
    stdout: (text) => written.push({ to: 'stdout', text }),
    stdoutAsync: async (text) => void written.push({ to: 'stdout', text }),
    stderr: (text) => written.push({ to: 'stderr', text }),
    output: () => new PassThrough(),
    isOneOutput: () => false,
    isTerminal: () => false,
    terminalWidth: () => undefined,
    stdin: () => '',
    now: () => startOfTime + elapsed,
    elapsed: () => elapsed,
    sleep: (milliseconds, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason)
        const sleeper = {
          due: elapsed + milliseconds,
          wake: () => {
            sleepers.delete(sleeper)
            if (signal === stop.signal) waits.push(milliseconds)
            resolve()
          },
        }
        sleepers.add(sleeper)
        const onAbort = () => {
          if (sleepers.delete(sleeper)) reject(signal.reason)
        }
        signal.addEventListener('abort', onAbort, { once: true })
        setImmediate(jump)
      }),
    random: () => 0.5,
    uniqueName: () => `unique-${++names}`,
    stop: stop.signal,
    passSignals() {},
    written,
    waits,
    asleep: () => sleepers.size,
    out: () => textOf('stdout'),
    err: () => textOf('stderr'),
    stopNow: () => stop.abort(),
    ...given,
  }
}
