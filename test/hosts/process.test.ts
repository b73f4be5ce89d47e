/** @module-tag process */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runProcess } from '../../src/hosts/process.ts'
import { Secret } from '../../src/secret.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

/** Creates a CI's tool: a script that records and prints its input, and exits with the given status. */
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

test('a tool gets its input from stdin and the environment', () => {
  const { path, env, got } = tool(0)
  expect(runProcess(path, ['a', 'b c'], { stdin: new Secret('from stdin\n'), env })).toBe(true)
  expect(got()).toBe('a b c\nfrom stdin\nin the environment\n')
  expect(runProcess(path, ['a'], { env })).toBe(true)
  expect(got()).toBe('a\nin the environment\n')
})

test('returns false if the tool fails or is missing', () => {
  const { path, env } = tool(3)
  expect(runProcess(path, [], { env })).toBe(false)
  expect(runProcess(`${path}-not`, [], { env })).toBe(false)
  expect(runProcess('no-such-tool-at-all', [], { env })).toBe(false)
})

test('works with a tool that prints more than node would keep', () => {
  const env = { PATH: process.env['PATH'] }
  expect(runProcess('sh', ['-c', 'head -c 2000000 /dev/zero | tee /dev/stderr'], { env })).toBe(true)
})

test('works with a tool that does not read its input', () => {
  expect(
    runProcess('true', [], { stdin: new Secret('x'.repeat(1_000_000)), env: { PATH: process.env['PATH'] } }),
  ).toBe(true)
})
