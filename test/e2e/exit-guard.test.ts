import { expect, test } from 'vitest'
import { runAction } from './support/action.ts'
import { inputsFor, startBitbucket } from './support/bitbucket.ts'
import { silence } from './support/faults.ts'
import { runShell } from './support/shell.ts'

// Node exits with status 0 when nothing is left to wait for, even in the middle of an `await`. With that, a dropped
// connection once made a similar action report success (@actions/http-client's readBody waits forever).

const nothingToWaitFor = new URL('./support/nothing-to-wait-for.mjs', import.meta.url).href

test('a promise that never settles is no success: on GitHub', async () => {
  const bitbucket = await startBitbucket()
  bitbucket.script(silence)
  const run = await runAction({
    bitbucket,
    inputs: inputsFor.consumer(bitbucket),
    preload: nothingToWaitFor,
  })
  expect(run.stderr).toContain('error: bitbucket-token ended before its work was done.\n')
  expect([run.signal, run.status]).toEqual([null, 1])
})

test('a promise that never settles is no success: in a shell', async () => {
  const bitbucket = await startBitbucket()
  bitbucket.script(silence)
  const run = await runShell({
    bitbucket,
    inputs: inputsFor.accessToken(bitbucket),
    preload: nothingToWaitFor,
  })
  expect(run.stderr).toContain('error: bitbucket-token ended before its work was done.\n')
  expect([run.signal, run.status]).toEqual([null, 1])
})
