import { basename } from 'node:path'
import type { Reporter, TestModule } from 'vitest/node'
import { printProgramResults } from '../support/program-results.ts'
import { type RunnerName, runners, unavailable, whyMissing } from './install.ts'

/** Ends `npm run test:runners` with a table of the programs. The tests of a program are in the file of its name. */
export default class RunnersReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const programs = (Object.keys(runners) as RunnerName[]).map((name) => {
      const tests = modules
        .filter(({ moduleId }) => basename(moduleId) === `${name}.test.ts`)
        .flatMap((module) => [...module.children.allTests()])
      return { name, version: runners[name].version, tests, whyMissing: whyMissing(name) }
    })
    printProgramResults(programs, unavailable)
  }
}
