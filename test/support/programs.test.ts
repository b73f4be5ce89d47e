/** @module-tag process */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { programs } from './programs.ts'
import { suites } from './suites.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const root = join(import.meta.dirname, '../..')

/** Runs a script of Node with an empty PATH, as on a machine without any program. */
function onEmptyMachine(args: readonly string[], env: Readonly<Record<string, string>>) {
  return spawnSync(process.execPath, args, {
    cwd: root,
    env: { PATH: temporaryDirectory(), NO_COLOR: '1', ...env },
    encoding: 'utf8',
  })
}

const gitLfs = ['node_modules/vitest/vitest.mjs', 'run', 'test/e2e/git-lfs.test.ts']

test('a missing program skips its tests, and a block says what they test and how to install it', () => {
  const { status, stdout } = onEmptyMachine(gitLfs, {})
  expect(status).toBe(0)
  expect(stdout).toMatch(/^Missing programs: \d+ tests were skipped/m)
  expect(stdout).toMatch(/^ {2}git-lfs {2}\d+ {2}Git LFS with the results.*\n +\.ci\/apt-install git-lfs$/m)
  expect(stdout).not.toMatch(/^ {2}(?!git-lfs)\S/m)
})

test('with CI set, a skipped test fails the run', () => {
  const { status, stderr } = onEmptyMachine(gitLfs, { CI: 'true' })
  expect(status).toBe(1)
  expect(stderr).toContain('With CI set, a missing program is a failure.')
})

const suitesWithNeeds = Object.entries(suites).filter(([, { needs }]) => needs.length > 0)

test.each(suitesWithNeeds)('with CI set, the suite %s ends before its first test', (suite, { needs }) => {
  const { status, stdout, stderr } = onEmptyMachine(['test/run.ts', suite], { CI: 'true', IMAGE: '' })
  expect([status, stdout]).toEqual([1, ''])
  const [first, ...rest] = stderr.split('\n')
  expect(first).toMatch(/^Missing: /)
  for (const name of needs) {
    expect(first).toMatch(new RegExp(`\\b${name}\\b`))
    expect(rest).toContain(`  ${name}: ${programs.get(name)?.install}`)
  }
})

test('the suite `image` says which variable is missing', () => {
  const { status, stderr } = onEmptyMachine(['test/run.ts', 'image'], {})
  expect([status, stderr]).toEqual([
    1,
    'Missing: the variable IMAGE. Set it: IMAGE=bitbucket-token:ci npm run test:image\n',
  ])
})
