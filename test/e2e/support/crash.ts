import type { Run } from './run.ts'

export type Happening = 'SIGKILL' | 'SIGTERM' | 'SIGINT' | 'throw' | 'uncaught' | 'full'

/** Returns the URL of a module that injects the fault at that boundary, counted from 1; see crash.mjs. */
export function crash(happening: Happening, at: number): string {
  const modes = { throw: { do: 'throw', in: 'fs' }, uncaught: { do: 'throw', in: 'await' } }
  const mode = happening === 'throw' || happening === 'uncaught' ? modes[happening] : { do: happening }
  const module = new URL('./crash.mjs', import.meta.url)
  module.search = new URLSearchParams({ at: `${at}`, ...mode }).toString()
  return module.href
}

/** Returns where the fault was injected, or undefined if the run ended before. */
export function crashOf({ events }: Pick<Run, 'events'>): string | undefined {
  return events.find((event) => event.did === 'crash')?.path
}

/**
 * Runs the cases 1, 2, 3, …, three at a time, until a run ends before its fault is injected.
 * @param step 1 for every boundary, 7 for every seventh
 * @returns how many faults were injected
 */
export async function atEachBoundary(
  step: number,
  oneCase: (at: number) => Promise<string | undefined>,
): Promise<number> {
  let next = 1
  let cases = 0
  let isOver = false
  const worker = async () => {
    while (!isOver) {
      const at = next
      next += step
      if ((await oneCase(at)) === undefined) isOver = true
      else cases++
    }
  }
  await Promise.all([worker(), worker(), worker()])
  return cases
}
