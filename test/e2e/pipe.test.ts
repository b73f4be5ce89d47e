import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { inputsFor, startBitbucket } from './support/bitbucket.ts'
import { git, gitEnvironment, modesIn, runPipe } from './support/shell.ts'
import { requestsOf, transcript } from './support/transcript.ts'

const run = promisify(execFile)

test('acquires a token with client credentials', async () => {
  const bitbucket = await startBitbucket()
  const acquired = await runPipe({ bitbucket, inputs: inputsFor.consumer(bitbucket) })
  expect(transcript(acquired)).toMatchInlineSnapshot(`
    "stderr   Using BITBUCKET_URL <bitbucket> instead of https://bitbucket.org. Your secrets will be sent there.
             Using BITBUCKET_API_URL <api> instead of https://api.bitbucket.org. Your secrets will be sent there.
    request  POST <bitbucket>/site/oauth2/access_token, Basic <client id>:<client secret>, grant_type=client_credentials -> 200
    mkdir    <clone>/.bitbucket-token
    file     <clone>/.bitbucket-token/.gitignore 0600
             *
    file     <clone>/.bitbucket-token/git-credentials 0600
             http://x-token-auth:<issued access token, percent-encoded>@<bitbucket host, percent-encoded>
    file     <clone>/.bitbucket-token/env.sh 0600
             { set +x; } 2>/dev/null
             { set +v; } 2>/dev/null
             export BITBUCKET_ACCESS_TOKEN='<issued access token>'
             export BITBUCKET_AUTHORIZATION='Bearer <issued access token>'
             export BITBUCKET_TOKEN_EXPIRES_AT='<time>'
             export BITBUCKET_GIT_USERNAME='x-token-auth'
             export BITBUCKET_GIT_CREDENTIALS_FILE='<clone>/.bitbucket-token/git-credentials'
             export BITBUCKET_GIT_PASSWORD_<BITBUCKET_HOST>='<issued access token>'
             export BITBUCKET_GIT_LOGIN_<BITBUCKET_HOST>='x-token-auth <seconds> <time> <uuid>'
             bitbucket_token_add_to_git() { <…> }
             bitbucket_token_add_to_git \\
               'credential.<bitbucket>.helper' '' \\
               'credential.<bitbucket>.helper' '!<credential helper>' \\
               'lfs.<bitbucket>.access' 'basic'
             unset -f bitbucket_token_add_to_git
             unset bitbucket_token_n bitbucket_token_i
    stderr   Bitbucket credential: Kind OAuth client credentials; Scopes account, repository, repository:write, pullrequest; Expires in 2 hours (<time>).
             For this shell: . '<clone>/.bitbucket-token/env.sh'
    exit     0"
  `)
  expect(modesIn(join(acquired.cwd, '.bitbucket-token'))).toEqual({
    '.': '0700',
    '.gitignore': '0600',
    'env.sh': '0600',
    'git-credentials': '0600',
  })
  expect(await git(acquired.cwd, {}, 'status', '--porcelain')).toBe('')
})

test('the rest of the step sources env.sh and calls REST and git', { tags: ['curl'] }, async () => {
  const bitbucket = await startBitbucket()
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

test('accepts an API token while the other variables arrive as their names', async () => {
  const bitbucket = await startBitbucket()
  const acquired = await runPipe({ bitbucket, inputs: inputsFor.apiToken(bitbucket) })
  expect(acquired.given['BITBUCKET_ACCESS_TOKEN']).toBe('$BITBUCKET_ACCESS_TOKEN')
  expect(requestsOf(acquired)).toEqual(['GET /2.0/user -> 200'])
  expect(acquired.status).toBe(0)
})

test('accepts an access token', async () => {
  const bitbucket = await startBitbucket()
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

test('logs more with DEBUG: true, and no secret', async () => {
  const bitbucket = await startBitbucket()
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

test('writes env.sh to the working directory if the clone is not mounted, as with docker run in a step', async () => {
  const bitbucket = await startBitbucket()
  const acquired = await runPipe({
    bitbucket,
    inputs: inputsFor.consumer(bitbucket),
    env: { BITBUCKET_CLONE_DIR: '/opt/atlassian/pipelines/agent/build-that-is-not-there' },
  })
  expect(acquired.status).toBe(0)
  expect(Object.keys(modesIn(join(acquired.cwd, '.bitbucket-token')))).toContain('env.sh')
})
