import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import { inputsFor, startBitbucket, test } from './support/bitbucket.ts'
import { git, gitEnvironment, modesIn, privateModes, runPipe, runShell } from './support/shell.ts'
import { requestsOf, transcript } from './support/transcript.ts'

const run = promisify(execFile)

test('acquires a token with client credentials, and writes the same as in a shell', async ({ bitbucket }) => {
  const acquired = await runPipe({ bitbucket, inputs: inputsFor.consumer(bitbucket) })
  const other = await startBitbucket()
  const shell = await runShell({ bitbucket: other, inputs: inputsFor.consumer(other) })
  expect(transcript(acquired)).toBe(transcript(shell).replaceAll('<work>', '<clone>'))
  expect(modesIn(join(acquired.cwd, '.bitbucket-token'))).toEqual(privateModes)
  expect(await git(acquired.cwd, {}, 'status', '--porcelain')).toBe('')
})

test('the rest of the step sources env.sh and calls REST and git', { tags: ['curl'] }, async ({
  bitbucket,
}) => {
  const { cwd } = await runPipe({ bitbucket, inputs: inputsFor.refreshToken(bitbucket) })
  const step = `
    set -eu
    . .bitbucket-token/env.sh
    cd /
    curl --fail --silent --show-error --header "Authorization: $BITBUCKET_AUTHORIZATION" "$API/2.0/user"
    git clone --quiet "$URL" "$CLONE/dependency"`
  const { stdout } = await run('sh', ['-c', step], {
    cwd,
    env: {
      ...gitEnvironment,
      API: bitbucket.apiUrl,
      URL: `${bitbucket.url}/${bitbucket.repository}.git`,
      CLONE: cwd,
    },
  })
  expect(JSON.parse(stdout)).toMatchObject({ username: 'sandbox-user' })
  expect(readFileSync(join(cwd, 'dependency/README.md'), 'utf8')).toContain('hello')
})

test('accepts an API token while the other variables arrive as their names', async ({ bitbucket }) => {
  const acquired = await runPipe({ bitbucket, inputs: inputsFor.apiToken(bitbucket) })
  expect(acquired.given['BITBUCKET_ACCESS_TOKEN']).toBe('$BITBUCKET_ACCESS_TOKEN')
  expect(requestsOf(acquired)).toEqual(['GET /2.0/user -> 200'])
  expect(acquired.status).toBe(0)
})

test('accepts an access token', async ({ bitbucket }) => {
  const acquired = await runPipe({ bitbucket, inputs: inputsFor.accessToken(bitbucket) })
  expect(requestsOf(acquired)).toEqual(['GET /2.0/user -> 403'])
  expect(acquired.status).toBe(0)
})

test('accepts scopes as an array, as Pipelines passes it', async () => {
  const bitbucket = await startBitbucket({ scopes: ['repository'] })
  const scopes = {
    BITBUCKET_SCOPES_COUNT: '2',
    BITBUCKET_SCOPES_0: 'repository',
    BITBUCKET_SCOPES_1: 'pullrequest',
  }
  const acquired = await runPipe({ bitbucket, inputs: inputsFor.consumer(bitbucket), env: scopes })
  expect(acquired.stderr).toContain('The credential lacks pullrequest.')
  expect(acquired.status).toBe(4)
})

test('logs more with DEBUG: true, and no secret', async ({ bitbucket }) => {
  bitbucket.revoke(bitbucket.credentials.clientSecret)
  const failed = await runPipe({
    bitbucket,
    inputs: inputsFor.consumer(bitbucket),
    env: { DEBUG: 'true', PIPELINES_JWT_TOKEN: 'a-token-that-is-none-of-our-business' },
  })
  expect(failed.stderr).toMatch(/^debug: /m)
  expect(failed.stderr).not.toContain('a-token-that-is-none-of-our-business')
  expect(failed.status).toBe(3)
})

test('writes env.sh to the working directory if the clone is not mounted, as with docker run in a step', async ({
  bitbucket,
}) => {
  const acquired = await runPipe({
    bitbucket,
    inputs: inputsFor.consumer(bitbucket),
    env: { BITBUCKET_CLONE_DIR: '/opt/atlassian/pipelines/agent/build-that-is-not-there' },
  })
  expect(acquired.status).toBe(0)
  expect(Object.keys(modesIn(join(acquired.cwd, '.bitbucket-token')))).toContain('env.sh')
})
