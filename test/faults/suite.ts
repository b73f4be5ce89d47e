import { expect, type TestContext, test } from 'vitest'
import { figuresOf } from './figures.ts'
import { type CaseResult, inParallel } from './run-case.ts'

/** Makes one test of many cases, of which `concurrency` run at the same time. It fails if a case has problems, and keeps the figures. */
export function testOfCases(
  name: string,
  concurrency: number,
  cases: () => (() => Promise<CaseResult>)[],
): void {
  test(name, { timeout: 1_200_000 }, async ({ task }: TestContext) => {
    const started = performance.now()
    const results = await inParallel(concurrency, cases())
    task.meta.figures = figuresOf(results, (performance.now() - started) / 1_000)
    const wrong = results.filter(({ problems }) => problems.length > 0)
    expect(wrong.map((one) => `${one.name}: ${one.problems.join('; ')}`)).toEqual([])
  })
}
