import { afterAll, expect, test } from 'vitest'
import type { ProgramName } from '../support/programs.ts'

/** One attempt to make the program do something that it must not do. */
export interface HostileCase {
  /** The unwanted result, such as `a secret in a server's words`. Cases of one kind are counted together. */
  readonly kind: string
  /** How the case tries it. */
  readonly name: string
  /** The programs that the case needs. */
  readonly tags?: readonly ProgramName[]
  /** @returns what got through, or undefined if nothing did */
  attempt(): Promise<string | undefined>
}

/** Makes a test of each case. At the end, prints how many cases of each kind were tried and how many got through. */
export function hostile(cases: readonly HostileCase[]): void {
  const figures = new Map<string, { tried: number; through: number }>()
  for (const one of cases)
    test(`${one.kind}: ${one.name}`, { tags: [...(one.tags ?? [])] }, async () => {
      const figure = figures.get(one.kind) ?? { tried: 0, through: 0 }
      figures.set(one.kind, figure)
      figure.tried++
      // Until the attempt has passed it counts as got through, so a case that throws is not counted as held off.
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

/** Returns every pair of one item of each list. */
export function combinations<A, B>(first: readonly A[], second: readonly B[]): (readonly [A, B])[] {
  return first.flatMap((one) => second.map((other) => [one, other] as const))
}
