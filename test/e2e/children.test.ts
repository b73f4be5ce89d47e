import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { inputsFor, startBitbucket, test } from './support/bitbucket.ts'
import { pathWithoutProject } from './support/program.ts'
import { secretsIn } from './support/secrets.ts'
import { runShell } from './support/shell.ts'

// The processes that the program starts, as /proc shows them: arguments to everybody, environment to the same user.

/** Makes a fake tool of a CI that records what /proc shows of it. */
function fakeTool(name: string): { path: string; seen: (what: 'cmdline' | 'environ') => string } {
  const directory = temporaryDirectory()
  const file = join(directory, name)
  const copy = (what: string) =>
    `tr '\\0' '\\n' < /proc/$$/${what} >> '${directory.replaceAll("'", "'\\''")}/${what}'\n`
  writeFileSync(file, `#!/bin/sh\n${copy('cmdline')}${copy('environ')}cat > /dev/null\n`)
  chmodSync(file, 0o755)
  return {
    path: `${directory}:${pathWithoutProject}`,
    seen: (what) => readFileSync(join(directory, what), 'utf8'),
  }
}

test.each([
  ['buildkite', 'buildkite-agent', []],
  ['codefresh', 'cf_export', ['issued access token']],
])(
  'on %s, %s gets no secret in its arguments, and in its environment only what it exports',
  async (ci, name, needed) => {
    const bitbucket = await startBitbucket()
    const tool = fakeTool(name)
    const run = await runShell({
      bitbucket,
      inputs: { ...inputsFor.consumer(bitbucket), ci },
      env: { PATH: tool.path, BITBUCKET_ACCESS_TOKEN: 'left-by-an-earlier-run-0123456789' },
    })
    expect(run.status).toBe(0)
    expect(tool.seen('cmdline')).toContain(name)
    expect(secretsIn(tool.seen('cmdline'), bitbucket.secrets)).toEqual([])
    expect(secretsIn(tool.seen('environ'), bitbucket.secrets)).toEqual(needed)
  },
)

test('sandbox gives its command its own credential and none of the caller’s', async ({ bitbucket }) => {
  const tool = fakeTool('command')
  const run = await runShell({
    bitbucket,
    inputs: { ...inputsFor.apiToken(bitbucket), 'access-token': 'a-real-access-token-0123' },
    args: ['sandbox', '--', 'command'],
    env: { PATH: tool.path },
  })
  expect(run.status).toBe(0)
  expect(tool.seen('environ')).toContain('BITBUCKET_CLIENT_SECRET=')
  expect(secretsIn(tool.seen('cmdline') + tool.seen('environ'), bitbucket.secrets)).toEqual([])
})
