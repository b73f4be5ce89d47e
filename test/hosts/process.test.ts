/** @module-tag process */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runProcess } from '../../src/hosts/process.ts'
import { Secret } from '../../src/secret.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

/** A tool of a CI: a script that writes down what it gets, prints it all, and ends as it is told. */
function tool(status: number) {
  const directory = temporaryDirectory()
  const path = join(directory, 'tool')
  writeFileSync(path, '#!/bin/sh\n{ echo "$@"; cat; echo "$VALUE"; } | tee "$0.got"\nexit "$STATUS"\n', {
    mode: 0o755,
  })
  const env = {
    PATH: process.env['PATH'],
    STATUS: String(status),
    VALUE: new Secret('in the environment'),
    NOT_SET: undefined,
  }
  return { path, env, got: () => readFileSync(`${path}.got`, 'utf8') }
}

test('a tool gets its input from standard input and environment', () => {
  const { path, env, got } = tool(0)
  expect(runProcess(path, ['a', 'b c'], { stdin: new Secret('from stdin\n'), env })).toBe(true)
  expect(got()).toBe('a b c\nfrom stdin\nin the environment\n')
  expect(runProcess(path, ['a'], { env })).toBe(true)
  expect(got()).toBe('a\nin the environment\n')
})

test('one that fails, or is not there, did not succeed', () => {
  const { path, env } = tool(3)
  expect(runProcess(path, [], { env })).toBe(false)
  expect(runProcess(`${path}-not`, [], { env })).toBe(false)
  expect(runProcess('no-such-tool-at-all', [], { env })).toBe(false)
})

test('one that does not read its input is no trouble', () => {
  expect(
    runProcess('true', [], { stdin: new Secret('x'.repeat(1_000_000)), env: { PATH: process.env['PATH'] } }),
  ).toBe(true)
})
