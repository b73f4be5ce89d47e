import { spawn } from 'node:child_process'
import { closeSync, existsSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Bitbucket, inputsFor, startBitbucket, variablesFor } from './support/bitbucket.ts'
import { bundle, pathWithoutProject } from './support/program.ts'
import { makeTree } from './support/run.ts'

// `bitbucket-token … | head -1`: the reader closes the pipe before everything is written.

type Stream = 'stdout' | 'stderr'

/** Makes retries immediate. Its trace, on a file descriptor of its own, is dropped. */
const traceModule = new URL('./support/trace.mjs', import.meta.url).href

/** Runs the program with some of its streams closed by their reader. */
async function runUnread(
  args: readonly string[],
  unread: readonly Stream[],
  inputsOf: (bitbucket: Bitbucket) => Record<string, string> = inputsFor.consumer,
) {
  const bitbucket = await startBitbucket()
  const tree = makeTree()
  const env = { PATH: pathWithoutProject, ...variablesFor(bitbucket, inputsOf(bitbucket)) }
  const traced = openSync('/dev/null', 'w')
  const child = spawn(process.execPath, ['--import', traceModule, bundle, ...args], {
    cwd: tree,
    env,
    stdio: ['ignore', 'pipe', 'pipe', traced],
  })
  closeSync(traced)
  for (const stream of unread) child[stream]?.destroy()
  let said = ''
  child.stderr?.on('data', (text) => {
    said += text
  })
  const status = await new Promise((resolve) => child.once('close', resolve))
  return { status, said, tree }
}

test.each(['print', 'check', '--help', 'audit', 'sandbox'])(
  '%s exits 141, as with SIGPIPE, and reports no error',
  async (command) => {
    const { status, said } = await runUnread([command], ['stdout'])
    expect([status, said]).toEqual([141, expect.not.stringContaining('error')])
  },
)

test('hands over the token if nobody reads the log', async () => {
  const { status, tree } = await runUnread([], ['stdout', 'stderr'])
  expect([status, existsSync(join(tree, '.bitbucket-token/env.sh'))]).toEqual([0, true])
})

test('exits 4 and says so if the refresh token could not be saved', async () => {
  const { status, said } = await runUnread(['print'], ['stdout'], (bitbucket) => ({
    ...inputsFor.refreshToken(bitbucket),
    'save-refresh-token': 'command:exit 1',
  }))
  expect([status, said]).toEqual([4, expect.stringContaining('The new refresh token could not be saved')])
})
