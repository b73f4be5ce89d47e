import type { Reporter, TestModule } from 'vitest/node'
import { printProgramResults } from '../support/program-results.ts'
import { whyMissing } from './install.ts'
import { clients, untested } from './table.ts'

/** Ends `npm run test:clients` with a table of the clients. */
export default class ClientsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const all = modules.flatMap((module) => [...module.children.allTests()])
    const programs = Object.entries(clients).map(([name, client]) => {
      const tests = all.filter((test) => test.meta().client?.name === name)
      const version = tests[0]?.meta().client?.version ?? client.version
      return { name, version, tests, whyMissing: whyMissing(name) }
    })
    printProgramResults(programs, untested)
  }
}
