import type { Reporter, TestModule } from 'vitest/node'
import { whyMissing } from './install.ts'
import { clients, notTried } from './table.ts'

/** Ends `npm run test:clients` with a table: program, version, cases, passed. */
export default class ClientsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    const rows = Object.entries(clients).map(([name, client]) => {
      const ran = tests.filter((test) => test.meta().client?.name === name)
      const passed = ran.filter((test) => test.result().state === 'passed').length
      const version = ran[0]?.meta().client?.version ?? client.version
      return line(name, version, String(ran.length), String(passed), whyMissing(name) ?? '')
    })
    const others = Object.entries(notTried).map(([name, reason]) => line(name, '-', '-', '-', reason))
    console.log(['', line('program', 'version', 'cases', 'passed', ''), ...rows, ...others, ''].join('\n'))
  }
}

const line = (name: string, version: string, cases: string, passed: string, note: string): string =>
  `${name.padEnd(25)} ${version.padEnd(20)} ${cases.padStart(5)} ${passed.padStart(6)}  ${note}`.trimEnd()
