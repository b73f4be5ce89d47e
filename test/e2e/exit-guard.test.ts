import { expect, test } from 'vitest'
import { runAction } from './support/action.ts'
import { inputsFor, startBitbucket } from './support/bitbucket.ts'
import { silence } from './support/faults.ts'
import { runShell } from './support/shell.ts'

// Node exits with status 0 when nothing is left to wait for, even in the middle of an `await`. With that, a dropped
// connection once made a similar action report success (@actions/http-client's readBody waits forever).

const preload = new URL('./support/nothing-to-wait-for.mjs', import.meta.url).href

test.each([
  ['on GitHub', runAction, 'consumer'],
  ['in a shell', runShell, 'accessToken'],
] as const)('exits 1 if a promise never settles, %s', async (_, runThere, credential) => {
  const bitbucket = await startBitbucket()
  bitbucket.script(silence)
  const run = await runThere({ bitbucket, inputs: inputsFor[credential](bitbucket), preload })
  expect(run.stderr).toContain('error: bitbucket-token ended before its work was done.\n')
  expect([run.signal, run.status]).toEqual([null, 1])
})
