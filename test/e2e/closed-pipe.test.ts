import { spawn } from 'node:child_process'
import { closeSync, existsSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { asVariables, type Bitbucket, inputsFor, startBitbucket } from './support/bitbucket.ts'
import { bundle, pathWithoutProject } from './support/program.ts'
import { makeTree } from './support/run.ts'

// `bitbucket-token … | head -1`: whoever reads has closed the pipe before all is written.

type Stream = 'stdout' | 'stderr'

/** Takes the dice from its retries; what it tells, at a file descriptor of its own, is dropped. */
const traceModule = new URL('./support/trace.mjs', import.meta.url).href

/** Runs the program with nobody at the other end of some of its streams. */
async function runUnread(
  args: readonly string[],
  unread: readonly Stream[],
  inputsOf: (bitbucket: Bitbucket) => Record<string, string> = inputsFor.consumer,
) {
  const bitbucket = await startBitbucket()
  const tree = makeTree()
  const env = {
    PATH: pathWithoutProject,
    BITBUCKET_URL: bitbucket.url,
    BITBUCKET_API_URL: bitbucket.apiUrl,
    ...asVariables(inputsOf(bitbucket)),
  }
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
  '%s ends as SIGPIPE would end it, and complains of nothing',
  async (verb) => {
    const { status, said } = await runUnread([verb], ['stdout'])
    expect([status, said]).toEqual([141, expect.not.stringContaining('error')])
  },
)

test('a log that nobody reads does not keep a job from its token', async () => {
  const { status, tree } = await runUnread([], ['stdout', 'stderr'])
  expect([status, existsSync(join(tree, '.bitbucket-token/env.sh'))]).toEqual([0, true])
})

test('a refresh token that could not be saved is told all the same', async () => {
  const { status, said } = await runUnread(['print'], ['stdout'], (bitbucket) => ({
    ...inputsFor.refreshToken(bitbucket),
    'save-refresh-token': 'command:exit 1',
  }))
  expect([status, said]).toEqual([4, expect.stringContaining('The new refresh token could not be saved')])
})
