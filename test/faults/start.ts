import { main } from '../../src/main.ts'
import { uniqueName } from '../../src/world.ts'
import { runBundle } from '../e2e/support/program.ts'
import { faultClock } from './clock.ts'

/** What is given to the program, and what it is to be told of the server. */
export interface Start {
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  /** Addresses for lookups.mjs. */
  readonly lookups?: string | undefined
}

export interface Ended {
  /** `null` after a signal, and where it did not end at all. */
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  readonly commandLines: readonly string[]
  readonly childEnvironments: readonly string[]
  /** Milliseconds from the start to the end, by the program's own clock. */
  readonly took: number
}

/** The program under test, and how it hears that the server fell silent. */
export interface Running {
  readonly ended: Promise<Ended>
  readonly silence: () => void
}

/** Starts the program in one way. */
export type Starter = (start: Start) => Running

/** `dist/index.js`, as a process. */
export const asProcess: Starter = ({ env, cwd, lookups }) => {
  const started = performance.now()
  const ended = runBundle({
    cwd,
    env: { ...env, ...(lookups !== undefined && { LOOKUPS: lookups }) },
    ...(lookups !== undefined && { preload: new URL('./lookups.mjs', import.meta.url).href }),
  }).then((finished) => ({ ...finished, took: performance.now() - started }))
  return { ended, silence() {} }
}

/** A run in this process that has not ended by then, in milliseconds, never will, however busy the machine is. */
const patience = 60_000

/** `src/main.ts` in this process, on a clock that waits for nothing: many hundreds a second. */
export const inProcess: Starter = ({ env, cwd }) => {
  const stop = new AbortController().signal
  const { elapsed, sleep, silence } = faultClock(stop)
  const output = { stdout: '', stderr: '' }
  const began = Date.now()
  const done = main(
    {
      env,
      cwd,
      platform: process.platform,
      stdout: (text) => {
        output.stdout += text
      },
      stdoutInTurn: async (text) => {
        output.stdout += text
      },
      stderr: (text) => {
        output.stderr += text
      },
      isTerminal: () => false,
      terminalWidth: () => undefined,
      stdin: () => '',
      now: () => began + elapsed(),
      elapsed,
      sleep,
      random: () => 0,
      uniqueName,
      stop,
    },
    [],
    () => {},
  )
  let timer: NodeJS.Timeout | undefined
  const hung = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), patience)
  })
  const ended = Promise.race([done, hung]).then((status) => {
    clearTimeout(timer)
    const took = status === null ? Number.POSITIVE_INFINITY : elapsed()
    return { status, signal: null, ...output, commandLines: [], childEnvironments: [], took }
  })
  return { ended, silence }
}
