import { basename } from 'node:path'
import type { Reporter, TestModule } from 'vitest/node'
import { type RunnerName, runners, unavailable, whyMissing } from './install.ts'

/** Ends `npm run test:runners` with a table: program, version, cases, passed. A file of tests has its program's name. */
export default class RunnersReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const rows = (Object.keys(runners) as RunnerName[]).map((name) => {
      const tests = modules
        .filter(({ moduleId }) => basename(moduleId) === `${name}.test.ts`)
        .flatMap((module) => [...module.children.allTests()])
      const ran = tests.filter((test) => test.result().state !== 'skipped')
      const passed = ran.filter((test) => test.result().state === 'passed').length
      const note =
        whyMissing(name) ?? (ran.length < tests.length ? `${tests.length - ran.length} skipped` : '')
      return line(name, runners[name].version, String(ran.length), String(passed), note)
    })
    const others = Object.entries(unavailable).map(([name, reason]) => line(name, '-', '-', '-', reason))
    console.log(['', line('program', 'version', 'cases', 'passed', ''), ...rows, ...others, ''].join('\n'))
  }
}

const line = (name: string, version: string, cases: string, passed: string, note: string): string =>
  `${name.padEnd(18)} ${version.padEnd(8)} ${cases.padStart(5)} ${passed.padStart(6)}  ${note}`.trimEnd()
