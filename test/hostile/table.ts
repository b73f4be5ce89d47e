import { afterAll, expect, test } from 'vitest'
import type { ProgramName } from '../support/programs.ts'

/** One try to make the program do what it must not. */
export interface HostileCase {
  /** What it tries to get: `a secret in a server's words`. Cases of one kind are counted together. */
  readonly kind: string
  /** How. */
  readonly name: string
  /** The programs that it needs. */
  readonly tags?: readonly ProgramName[]
  /** @returns what got through; undefined if nothing did */
  attempt(): Promise<string | undefined>
}

/** Makes a test of each case, and at the end prints of each kind how many were tried and how many got through. */
export function hostile(cases: readonly HostileCase[]): void {
  const figures = new Map<string, { tried: number; through: number }>()
  for (const one of cases)
    test(`${one.kind}: ${one.name}`, { tags: [...(one.tags ?? [])] }, async () => {
      const figure = figures.get(one.kind) ?? { tried: 0, through: 0 }
      figures.set(one.kind, figure)
      figure.tried++
      // A case that cannot be played has not been held off either.
      figure.through++
      expect(await one.attempt(), 'what got through').toBeUndefined()
      figure.through--
    })
  afterAll(() => {
    const lines = [...figures].map(
      ([kind, { tried, through }]) => `${String(tried).padStart(5)} tried, ${through} got through: ${kind}`,
    )
    console.log(lines.join('\n'))
  })
}

/** Each combination of one of each list. */
export function combinations<A, B>(first: readonly A[], second: readonly B[]): (readonly [A, B])[] {
  return first.flatMap((one) => second.map((other) => [one, other] as const))
}
