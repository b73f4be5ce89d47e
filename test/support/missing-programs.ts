import type { Reporter, TestModule, Vitest } from 'vitest/node'
import { missingPrograms, programs } from './programs.ts'
import { suites } from './suites.ts'

/** Ends a run with a block that names each missing program, what its tests show, and the command that installs it. */
export default class MissingProgramsReporter implements Reporter {
  private isChosen: (name: string) => boolean = () => true

  onInit({ config: { testNamePattern } }: Vitest): void {
    // Tests that `-t` leaves out are skipped for another reason than a missing program.
    if (testNamePattern !== undefined)
      this.isChosen = (fullName) => testNamePattern.test(fullName.replaceAll(' > ', ' '))
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    expectNamed(modules)
    const missing = missingPrograms()
    const skipped = modules
      .flatMap((module) => [...module.children.allTests('skipped')])
      .filter(({ tags, fullName }) => missing.some((name) => tags.includes(name)) && this.isChosen(fullName))
    if (skipped.length === 0) return
    const rows = missing.flatMap((name) => {
      const count = skipped.filter(({ tags }) => tags.includes(name)).length
      const program = programs.get(name)
      return count === 0 || program === undefined ? [] : [{ name, count, ...program }]
    })
    const width = (of: (row: (typeof rows)[number]) => string) =>
      Math.max(...rows.map((row) => of(row).length))
    const [names, counts] = [width(({ name }) => name), width(({ count }) => String(count))]
    const lines = rows.flatMap(({ name, count, tests, install }) => [
      `  ${name.padEnd(names)}  ${String(count).padStart(counts)}  ${tests}`,
      `  ${' '.repeat(names + counts)}    ${install}`,
    ])
    console.log(
      [
        `Missing programs: ${skipped.length} tests were skipped. Each program, the tests that need it, and how to install it:`,
        ...lines,
        '',
      ].join('\n'),
    )
    if (!process.env['CI'] || rows.every(({ isOptional }) => isOptional)) return
    console.error('With CI set, a missing program is a failure.')
    process.exitCode = 1
  }
}

/** Fails the run if a test needs a program that its suite does not list, because CI would not know that it is missing. */
function expectNamed(modules: readonly TestModule[]): void {
  const suite = process.env['SUITE'] ?? ''
  const needs: readonly string[] | undefined = suites[suite]?.needs
  if (needs === undefined) return
  const tags = new Set(
    modules.flatMap((module) =>
      [...module.children.allTests()].flatMap((test) => (test.result().state === 'skipped' ? [] : test.tags)),
    ),
  )
  const unnamed = [...programs].filter(
    ([name, { isOptional }]) => tags.has(name) && !isOptional && !needs.includes(name),
  )
  if (unnamed.length === 0) return
  console.error(
    `Add to the suite "${suite}" in test/support/suites.ts: ${unnamed.map(([name]) => name).join(', ')}`,
  )
  process.exitCode = 1
}
