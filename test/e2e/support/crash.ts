import type { Run } from './run.ts'

export type Happening = 'SIGKILL' | 'SIGTERM' | 'SIGINT' | 'throw' | 'uncaught' | 'full'

/** The module that lets it happen at that boundary, counted from 1; see crash.mjs. */
export function crash(happening: Happening, at: number): string {
  const modes = { throw: { do: 'throw', in: 'fs' }, uncaught: { do: 'throw', in: 'await' } }
  const mode = happening === 'throw' || happening === 'uncaught' ? modes[happening] : { do: happening }
  const module = new URL('./crash.mjs', import.meta.url)
  module.search = new URLSearchParams({ at: `${at}`, ...mode }).toString()
  return module.href
}

/** Where it happened; undefined where the run was over before that. */
export function crashOf({ events }: Pick<Run, 'events'>): string | undefined {
  const event = (events as readonly { readonly did: string; readonly path?: string }[]).find(
    ({ did }) => did === 'crash',
  )
  return event?.path
}

/**
 * Runs the cases 1, 2, 3, … until one is over before its crash came, a few at a time.
 * @param step 1 for each boundary; 7 for each seventh
 * @returns how many crashes came
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
