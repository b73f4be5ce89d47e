import { existsSync, readdirSync } from 'node:fs'
import { expect } from 'vitest'
import { assertNothingLeft, newJob, runAction, runPost } from './support/action.ts'
import { inputsFor, startBitbucket, test } from './support/bitbucket.ts'
import { silence } from './support/faults.ts'
import { killSwitch } from './support/program.ts'
import { git } from './support/shell.ts'
import { complaint, requestsOf, transcript } from './support/transcript.ts'

test('two uses in one job each have their own directory and post', async ({ bitbucket }) => {
  const first = await runAction({ bitbucket })
  const second = await runAction({ bitbucket, job: first.job, inputs: inputsFor.apiToken(bitbucket) })
  expect(second.status).toBe(0)
  // Two private directories, and one configuration for git.
  expect(readdirSync(first.job.temp)).toHaveLength(3)
  expect(first.state['bitbucket_token_directory']).not.toBe(second.state['bitbucket_token_directory'])

  // The runner runs the posts last in, first out.
  await runPost(second)
  expect(existsSync(first.outputs['git-credentials-file'] ?? '')).toBe(true)
  expect(existsSync(second.outputs['git-credentials-file'] ?? '')).toBe(false)
  const url = `${bitbucket.url}/sandbox/hello.git`
  expect(await git(first.job.workspace, first.job.env, 'ls-remote', url)).toContain('refs/heads/main')
  assertNothingLeft(await runPost(first))
  expect(readdirSync(first.job.temp)).toEqual([])
})

test('post after bad input removes nothing and acquires nothing', async ({ bitbucket }) => {
  const main = await runAction({ bitbucket, inputs: { 'client-id': 'key-without-secret' } })
  expect(main.status).toBe(2)
  const post = await runPost(main)
  expect(transcript(post)).toMatchInlineSnapshot(`
    "stdout   There is nothing to remove: this step wrote no git-credentials file.
    exit     0"
  `)
  expect(requestsOf(post)).toEqual([])
})

test('a failure after the file was written removes it at once', async ({ bitbucket }) => {
  const job = newJob()
  const main = await runAction({
    bitbucket,
    job,
    // Appending to a directory fails, even for root.
    env: { GITHUB_OUTPUT: job.workspace },
  })
  const changes = main.events.map(({ did }) => did).filter((did) => ['mkdir', 'file', 'remove'].includes(did))
  expect(changes).toEqual(['mkdir', 'file', 'remove'])
  expect(complaint(main)).toMatchInlineSnapshot(`
    "::error title=bitbucket-token::GITHUB_OUTPUT could not be written: EISDIR: illegal operation on a directory, open '<workspace>'.
    Check the runner and its disk: the runner's own file is not writable.
    exit 1"
  `)
  expect(readdirSync(job.temp)).toEqual([])
  const post = await runPost(main)
  expect(post.status).toBe(0)
})

test('post removes the file if main was killed while writing it', async ({ bitbucket }) => {
  const main = await runAction({
    bitbucket,
    preload: new URL('./support/die-at-rename.mjs', import.meta.url).href,
  })
  expect(main.signal).toBe('SIGKILL')
  expect(readdirSync(main.job.temp)).toHaveLength(1)
  const post = await runPost(main)
  expect(readdirSync(main.job.temp)).toEqual([])
  assertNothingLeft(post)
})

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s stops a request that the server does not answer',
  async (signal) => {
    const bitbucket = await startBitbucket()
    const { onStart, kill } = killSwitch()
    bitbucket.script((req, res, answer) => {
      kill(signal)
      silence(req, res, answer)
    })
    const main = await runAction({ bitbucket, onStart })
    // The timeout is 60 s and the runner kills 7.5 s after SIGINT, so only the signal can have ended this.
    expect([main.status, main.signal]).toEqual([signal === 'SIGINT' ? 130 : 143, null])
    expect(main.stdout).toContain(
      '::error title=bitbucket-token::A signal stopped the run before it finished.%0ARun it again.\n',
    )
    expect(requestsOf(main)).toEqual(['POST /site/oauth2/access_token -> 0'])
    expect(readdirSync(main.job.temp)).toEqual([])
    const post = await runPost(main)
    expect([post.status, post.stdout]).toEqual([0, expect.stringContaining('There is nothing to remove')])
    assertNothingLeft(post)
  },
)
