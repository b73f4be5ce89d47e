import { expect, type TestContext, test } from 'vitest'
import { figuresOf } from './figures.ts'
import { inParallel, type Played } from './play.ts'

/** A test of many cases, so many at once: none may have anything to complain of, and its figures are kept. */
export function testOfCases(name: string, most: number, cases: () => (() => Promise<Played>)[]): void {
  test(name, { timeout: 1_200_000 }, async ({ task }: TestContext) => {
    const started = performance.now()
    const played = await inParallel(most, cases())
    task.meta.figures = figuresOf(played, (performance.now() - started) / 1_000)
    const wrong = played.filter(({ complaints }) => complaints.length > 0)
    expect(wrong.map((one) => `${one.name}: ${one.complaints.join('; ')}`)).toEqual([])
  })
}
