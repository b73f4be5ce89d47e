import type { Reporter, TestModule } from 'vitest/node'
import type { CaseResult } from './run-case.ts'

/** The results of a group of cases. A test passes them to the reporter below in its `meta`. */
export interface Figures {
  readonly cases: number
  readonly tries: number
  readonly succeeded: number
  readonly silent: number
  readonly leaks: number
  readonly lost: number
  readonly hangs: number
  /** How late the latest case ended after its timeout, in milliseconds. */
  readonly latest: number
  readonly seconds: number
}

declare module 'vitest' {
  interface TaskMeta {
    figures?: Figures
  }
}

export function figuresOf(results: readonly CaseResult[], seconds: number): Figures {
  const count = (is: (one: CaseResult) => boolean) => results.filter(is).length
  return {
    cases: results.length,
    tries: results.reduce((sum, { tries }) => sum + tries, 0),
    succeeded: count(({ succeeded }) => succeeded),
    silent: count(({ silent }) => silent),
    leaks: count(({ leaked }) => leaked),
    lost: count(({ lost }) => lost),
    hangs: count(({ hung }) => hung),
    latest: results.reduce((most, { late }) => Math.max(most, late), 0),
    seconds,
  }
}

/** Ends `npm run test:faults` with a table of figures. */
export default class FiguresReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const rows = modules
      .flatMap((module) => [...module.children.allTests()])
      .flatMap((test) => {
        const { figures } = test.meta()
        return figures === undefined ? [] : [{ name: test.fullName, figures }]
      })
    if (rows.length === 0) return
    const all = rows.map(({ figures }) => figures)
    const sum = (of: (figures: Figures) => number) => all.reduce((total, one) => total + of(one), 0)
    const total: Figures = {
      cases: sum(({ cases }) => cases),
      tries: sum(({ tries }) => tries),
      succeeded: sum(({ succeeded }) => succeeded),
      silent: sum(({ silent }) => silent),
      leaks: sum(({ leaks }) => leaks),
      lost: sum(({ lost }) => lost),
      hangs: sum(({ hangs }) => hangs),
      latest: Math.max(...all.map(({ latest }) => latest)),
      seconds: sum(({ seconds }) => seconds),
    }
    console.log(
      [
        '  cases   tries  succeeded  failed | silent successes  leaks  lost tokens  hangs  ms late | seconds',
        ...rows.map(({ name, figures }) => line(name, figures)),
        line('all', total),
      ].join('\n'),
    )
  }
}

function line(name: string, figures: Figures): string {
  const { cases, tries, succeeded, silent, leaks, lost, hangs, latest, seconds } = figures
  const cells: [value: number, width: number][] = [
    [cases, 7],
    [tries, 8],
    [succeeded, 11],
    [cases - succeeded, 8],
    [silent, 19],
    [leaks, 7],
    [lost, 13],
    [hangs, 7],
    [latest, 9],
    [seconds, 10],
  ]
  return `${cells.map(([value, width]) => String(Math.round(value)).padStart(width)).join('')}  ${name}`
}
