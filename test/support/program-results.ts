import type { TestCase } from 'vitest/node'

/** The results of the tests of one program. */
export interface ProgramResults {
  readonly name: string
  readonly version: string
  readonly tests: readonly TestCase[]
  /** Why the program is not installed; undefined if it is. */
  readonly whyMissing: string | undefined
}

/**
 * Prints a table of programs: name, version, cases, passed, and a note.
 *
 * @param untested programs without tests, with the reason
 */
export function printProgramResults(
  programs: readonly ProgramResults[],
  untested: Readonly<Record<string, string>>,
): void {
  const rows = programs.map(({ name, version, tests, whyMissing }) => {
    const ran = tests.filter((test) => test.result().state !== 'skipped')
    const passed = ran.filter((test) => test.result().state === 'passed').length
    const skipped = tests.length - ran.length
    return [name, version, ran.length, passed, whyMissing ?? (skipped > 0 ? `${skipped} skipped` : '')]
  })
  const others = Object.entries(untested).map(([name, reason]) => [name, '-', '-', '-', reason])
  const table = [['program', 'version', 'cases', 'passed', ''], ...rows, ...others]
  const widthOf = (column: number) => Math.max(...table.map((row) => String(row[column]).length))
  const [name, version] = [widthOf(0), widthOf(1)]
  const lines = table.map((row) => {
    const [first = '', second = '', cases = '', passed = '', note = ''] = row.map(String)
    return `${first.padEnd(name)} ${second.padEnd(version)} ${cases.padStart(5)} ${passed.padStart(6)}  ${note}`.trimEnd()
  })
  console.log(['', ...lines, ''].join('\n'))
}
