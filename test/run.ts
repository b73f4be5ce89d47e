/**
 * Runs a suite of tests (support/suites.ts):
 *
 *   node test/run.ts [SUITE] [arguments of Vitest: files, -t PATTERN, --maxWorkers=1 …]
 *
 * Without SUITE, runs the suite `all`, as `npm test` does. With CI set, it fails at once if a program is missing.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { missingPrograms, programs } from './support/programs.ts'
import { suites } from './support/suites.ts'

const given = process.argv.slice(2)
const isNamed = given[0] !== undefined && given[0] in suites
const [name = '', ...own] = isNamed ? given : ['all', ...given]
const { needs = [], files = [], env = {}, demands, args = [], needsBuild, prepare } = suites[name] ?? {}

process.chdir(join(import.meta.dirname, '..'))
const missing = process.env['CI']
  ? missingPrograms().filter((program) => needs.some((need) => need === program))
  : []
if (missing.length > 0) {
  const howTo = missing.map((program) => `  ${program}: ${programs.get(program)?.install}`)
  fail(
    [`Missing: ${missing.join(', ')}. With CI set, tests may not be skipped. Install:`, ...howTo].join('\n'),
  )
}
if (demands !== undefined && !process.env[demands[0]])
  fail(`Missing: the variable ${demands[0]}. Set it: ${demands.join('=')} npm run test:${name}`)

for (const [variable, value] of Object.entries(env)) process.env[variable] ??= value
process.env['SUITE'] = name
if (prepare !== undefined) {
  const { status } = spawnSync(process.execPath, [prepare], { stdio: 'inherit' })
  if (status === 77) process.exit(0)
  exitIfFailed(status)
}
if (needsBuild) exitIfFailed(spawnSync('npm run --silent build', { shell: true, stdio: 'inherit' }).status)
const reporters = own.some((arg) => arg.startsWith('--reporter')) ? [] : ['--reporter=default']
const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--reporter=./test/support/missing-programs.ts']
const all = [...vitest, ...reporters, ...files, ...args, ...own]
exitIfFailed(spawnSync(process.execPath, all, { stdio: 'inherit' }).status)

function exitIfFailed(status: number | null): void {
  if (status !== 0) process.exit(status ?? 1)
}

function fail(message: string): never {
  console.error(message)
  process.exit(1)
}
