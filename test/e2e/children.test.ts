import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { inputsFor, startBitbucket, test } from './support/bitbucket.ts'
import { pathWithoutProject } from './support/program.ts'
import { makeTree } from './support/run.ts'
import { secretsIn } from './support/secrets.ts'
import { modesIn, runShell } from './support/shell.ts'

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

test.each(['dangling', 'file', 'directory'])(
  'never follows a link (target: %s): exits 2 for the output directory, replaces an output file',
  async (kind) => {
    const bitbucket = await startBitbucket()
    const inputs = { ...inputsFor.consumer(bitbucket), debug: 'true' }
    const elsewhere = (tree: string) => {
      const target = join(tree, 'elsewhere')
      if (kind === 'file') writeFileSync(target, 'kept', { mode: 0o644 })
      if (kind === 'directory') mkdirSync(target)
      return target
    }
    const first = makeTree()
    mkdirSync(join(first, 'work'))
    symlinkSync(elsewhere(first), join(first, 'work/.bitbucket-token'))
    expect((await runShell({ bitbucket, inputs, tree: first })).status).toBe(2)

    const second = makeTree()
    const own = join(second, 'work/.bitbucket-token')
    mkdirSync(own, { recursive: true })
    const target = elsewhere(second)
    for (const name of ['env.sh', 'git-credentials']) symlinkSync(target, join(own, name))
    expect((await runShell({ bitbucket, inputs, tree: second })).status).toBe(0)
    expect(modesIn(own)).toEqual({
      '.': '0700',
      '.gitignore': '0600',
      'env.sh': '0600',
      'git-credentials': '0600',
    })
    for (const tree of [first, second]) {
      const there = join(tree, 'elsewhere')
      if (kind === 'file') expect(readFileSync(there, 'utf8')).toBe('kept')
      else expect(existsSync(there)).toBe(kind === 'directory')
    }
  },
)

test('replaces existing files that everybody can read by private ones', async ({ bitbucket, tree }) => {
  const own = join(tree, 'work/.bitbucket-token')
  mkdirSync(own, { recursive: true, mode: 0o777 })
  for (const name of ['env.sh', 'git-credentials']) writeFileSync(join(own, name), 'old', { mode: 0o666 })
  const run = await runShell({ bitbucket, tree, inputs: inputsFor.consumer(bitbucket) })
  expect(run.status).toBe(0)
  expect(modesIn(own)).toEqual({
    '.': '0700',
    '.gitignore': '0600',
    'env.sh': '0600',
    'git-credentials': '0600',
  })
})
