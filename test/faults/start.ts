import { PassThrough } from 'node:stream'
import { main } from '../../src/main.ts'
import { uniqueName } from '../../src/world.ts'
import { runBundle } from '../e2e/support/program.ts'
import { faultClock } from './clock.ts'

/** The program's environment and directory, and the answers to its name lookups. */
export interface Start {
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  /** The addresses for lookups.mjs. */
  readonly lookups?: string | undefined
}

export interface Ended {
  /** `null` after a signal, or if the program did not end. */
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  readonly commandLines: readonly string[]
  readonly childEnvironments: readonly string[]
  /** The time from start to end in milliseconds, by the program's own clock. */
  readonly took: number
}

/** The running program. Call `silence` when the server sends nothing more. */
export interface Running {
  readonly ended: Promise<Ended>
  readonly silence: () => void
}

/** Starts the program. */
export type Starter = (start: Start) => Running

/** Runs `dist/index.js` as a process. */
export const asProcess: Starter = ({ env, cwd, lookups }) => {
  const started = performance.now()
  const ended = runBundle({
    cwd,
    env: { ...env, ...(lookups !== undefined && { LOOKUPS: lookups }) },
    ...(lookups !== undefined && { preload: new URL('./lookups.mjs', import.meta.url).href }),
  }).then((finished) => ({ ...finished, took: performance.now() - started }))
  return { ended, silence() {} }
}

/** After this many milliseconds a run in this process counts as hung, however busy the machine is. */
const timeout = 60_000

/** Runs `src/main.ts` in this process, with a clock that never waits: many hundreds of runs per second. */
export const inProcess: Starter = ({ env, cwd }) => {
  const stop = new AbortController().signal
  const { elapsed, sleep, silence } = faultClock(stop)
  const output = { stdout: '', stderr: '' }
  const began = Date.now()
  const done = main(
    {
      env,
      cwd,
      program: [process.execPath, ''],
      platform: process.platform,
      stdout: (text) => {
        output.stdout += text
      },
      stdoutAsync: async (text) => {
        output.stdout += text
      },
      stderr: (text) => {
        output.stderr += text
      },
      output: () => new PassThrough(),
      isOneOutput: () => false,
      isTerminal: () => false,
      terminalWidth: () => undefined,
      stdin: () => '',
      now: () => began + elapsed(),
      elapsed,
      sleep,
      random: () => 0,
      uniqueName,
      stop,
      passSignals() {},
    },
    [],
    () => {},
  )
  let timer: NodeJS.Timeout | undefined
  const hung = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), timeout)
  })
  const ended = Promise.race([done, hung]).then((status) => {
    clearTimeout(timer)
    const took = status === null ? Number.POSITIVE_INFINITY : elapsed()
    return { status, signal: null, ...output, commandLines: [], childEnvironments: [], took }
  })
  return { ended, silence }
}
