import { expect } from 'vitest'
import { assertNothingLeft, runAction, runPost, runRunStep } from './support/action.ts'
import { inputsFor, startBitbucket, test, variablesFor } from './support/bitbucket.ts'
import { complaint, differences, transcript, usualTranscript } from './support/transcript.ts'

/** The transcript of the first test. The other tests show only how they differ from it. */
const usual = usualTranscript((bitbucket) => runAction({ bitbucket }))

test('acquires a token with client credentials, and post removes every file', async ({ bitbucket }) => {
  const main = await runAction({ bitbucket })
  expect(transcript(main)).toMatchInlineSnapshot(`
    "state    bitbucket_token_main=started
    stdout   ::add-mask::<client secret>
             ::add-mask::<base64 of <client id>:client secret>
             Using url <bitbucket> instead of https://bitbucket.org. Your secrets will be sent there.
             Using api-url <api> instead of https://api.bitbucket.org. Your secrets will be sent there.
    request  POST <bitbucket>/site/oauth2/access_token, Basic <client id>:<client secret>, grant_type=client_credentials -> 200
    stdout   ::add-mask::<issued access token>
             ::add-mask::<issued access token, percent-encoded>
             ::add-mask::<base64 of x-token-auth:issued access token>
    state    bitbucket_token_directory=<temp>/bitbucket-token-<uuid>
    mkdir    <temp>/bitbucket-token-<uuid>
    file     <temp>/bitbucket-token-<uuid>/git-credentials 0600
             http://x-token-auth:<issued access token, percent-encoded>@<bitbucket host, percent-encoded>
    output   access-token=<issued access token>
             token-type=bearer
             authorization=Bearer <issued access token>
             expires-in=7200
             expires-at=<time>
             scopes=account repository repository:write pullrequest
             credential-kind=client-credentials
             git-username=x-token-auth
             git-credentials-file=<temp>/bitbucket-token-<uuid>/git-credentials
    state    bitbucket_token_git_config=<uuid>
    mkdir    <temp>/bitbucket-token-git
    file     <temp>/bitbucket-token-git/config 0644
             # Written by bitbucket-token: git configuration for this job. It contains no secret.
             # use {"id":"<uuid>","entries":[["credential.<bitbucket>.helper",""],["credential.<bitbucket>.helper","!<credential helper>"],["lfs.<bitbucket>.access","basic"]]}
             [credential "<bitbucket>"] helper = ""
             [credential "<bitbucket>"] helper = "!<credential helper>"
             [lfs "<bitbucket>"] access = "basic"
    env      BITBUCKET_ACCESS_TOKEN=<issued access token>
             BITBUCKET_AUTHORIZATION=Bearer <issued access token>
             BITBUCKET_TOKEN_EXPIRES_AT=<time>
             BITBUCKET_GIT_USERNAME=x-token-auth
             BITBUCKET_GIT_CREDENTIALS_FILE=<temp>/bitbucket-token-<uuid>/git-credentials
             BITBUCKET_GIT_PASSWORD_<BITBUCKET_HOST>=<issued access token>
             BITBUCKET_GIT_LOGIN_<BITBUCKET_HOST>=x-token-auth <seconds> <time> <uuid>
             GIT_CONFIG_KEY_0=include.path
             GIT_CONFIG_VALUE_0=<temp>/bitbucket-token-git/config
             GIT_CONFIG_COUNT=1
    stdout   Bitbucket credential: Kind OAuth client credentials; Scopes account, repository, repository:write, pullrequest; Expires in 2 hours (<time>).
    summary  ### Bitbucket credential

             | | |
             | --- | --- |
             | Kind | OAuth client credentials |
             | Scopes | account, repository, repository:write, pullrequest |
             | Expires | in 2 hours (<time>) |
    exit     0"
  `)
  const post = await runPost(main)
  expect(transcript(post)).toMatchInlineSnapshot(`
    "remove   <temp>/bitbucket-token-<uuid>
    stdout   The git-credentials file was removed.
    remove   <temp>/bitbucket-token-git
    stdout   git's configuration was removed.
    exit     0"
  `)
  assertNothingLeft(post)
})

test('hands over the new refresh token of a refresh', async ({ bitbucket }) => {
  const main = await runAction({ bitbucket, inputs: inputsFor.refreshToken(bitbucket) })
  expect(differences(await usual(), main)).toMatchInlineSnapshot(`
    "  stdout   ::add-mask::<client secret>
    +          ::add-mask::<refresh token>
    +          ::add-mask::<refresh token, percent-encoded>
               Using api-url <api> instead of https://api.bitbucket.org. Your secrets will be sent there.
    - request  POST <bitbucket>/site/oauth2/access_token, Basic <client id>:<client secret>, grant_type=client_credentials -> 200
    + request  POST <bitbucket>/site/oauth2/access_token, Basic <client id>:<client secret>, grant_type=refresh_token&refresh_token=<refresh token> -> 200
               ::add-mask::<base64 of x-token-auth:issued access token>
    +          ::add-mask::<issued refresh token>
    +          ::add-mask::<issued refresh token, percent-encoded>
    + output   refresh-token=<issued refresh token>
    + stdout   ::warning title=bitbucket-token::Bitbucket returned a new refresh token. The one that you gave stops working in about ten minutes.
    +          The new one is the output refresh-token of this step. Replace the old one with it, or Bitbucket will refuse the next run.
    +          To save it in each run, add:
    +            save-refresh-token: github-secret
    +            github-token: \${{ secrets.TOKEN_THAT_MAY_WRITE_SECRETS }}
               scopes=account repository repository:write pullrequest
    -          credential-kind=client-credentials
    +          credential-kind=refresh-token
               GIT_CONFIG_COUNT=1
    - stdout   Bitbucket credential: Kind OAuth client credentials; Scopes account, repository, repository:write, pullrequest; Expires in 2 hours (<time>).
    + stdout   Bitbucket credential: Kind OAuth refresh token; Scopes account, repository, repository:write, pullrequest; Expires in 2 hours (<time>).
               | --- | --- |
    -          | Kind | OAuth client credentials |
    +          | Kind | OAuth refresh token |"
  `)
  expect(bitbucket.isLive(main.outputs['refresh-token'] ?? '')).toBe(true)
  assertNothingLeft(await runPost(main))
})

test('verifies and exports an API token', async ({ bitbucket }) => {
  const main = await runAction({ bitbucket, inputs: inputsFor.apiToken(bitbucket) })
  const alike = (await usual())
    .replaceAll('issued access token', 'api token')
    .replaceAll('x-token-auth', 'x-bitbucket-api-token-auth')
  expect(differences(alike, main)).toMatchInlineSnapshot(`
    "  state    bitbucket_token_main=started
    - stdout   ::add-mask::<client secret>
    -          ::add-mask::<base64 of <client id>:client secret>
    -          Using url <bitbucket> instead of https://bitbucket.org. Your secrets will be sent there.
    -          Using api-url <api> instead of https://api.bitbucket.org. Your secrets will be sent there.
    - request  POST <bitbucket>/site/oauth2/access_token, Basic <client id>:<client secret>, grant_type=client_credentials -> 200
               ::add-mask::<api token, percent-encoded>
    +          ::add-mask::<base64 of <email>:api token>
    +          Using url <bitbucket> instead of https://bitbucket.org. Your secrets will be sent there.
    +          Using api-url <api> instead of https://api.bitbucket.org. Your secrets will be sent there.
               ::add-mask::<base64 of x-bitbucket-api-token-auth:api token>
    + request  GET <api>/2.0/user, Basic <email>:<api token> -> 200
      output   access-token=<api token>
    -          token-type=bearer
    -          authorization=Bearer <api token>
    -          expires-in=7200
    -          expires-at=<time>
    -          scopes=account repository repository:write pullrequest
    -          credential-kind=client-credentials
    +          token-type=basic
    +          authorization=Basic <base64 of <email>:api token>
    +          scopes=read:user:bitbucket read:workspace:bitbucket read:repository:bitbucket write:repository:bitbucket
    +          credential-kind=api-token
      env      BITBUCKET_ACCESS_TOKEN=<api token>
    -          BITBUCKET_AUTHORIZATION=Bearer <api token>
    -          BITBUCKET_TOKEN_EXPIRES_AT=<time>
    +          BITBUCKET_AUTHORIZATION=Basic <base64 of <email>:api token>
               BITBUCKET_GIT_PASSWORD_<BITBUCKET_HOST>=<api token>
    -          BITBUCKET_GIT_LOGIN_<BITBUCKET_HOST>=x-bitbucket-api-token-auth <seconds> <time> <uuid>
    +          BITBUCKET_GIT_LOGIN_<BITBUCKET_HOST>=x-bitbucket-api-token-auth <seconds> - <uuid>
               GIT_CONFIG_COUNT=1
    - stdout   Bitbucket credential: Kind OAuth client credentials; Scopes account, repository, repository:write, pullrequest; Expires in 2 hours (<time>).
    + stdout   Bitbucket credential: Kind API token (api_token); Account Sandbox User; Scopes read:user:bitbucket, read:workspace:bitbucket, read:repository:bitbucket, write:repository:bitbucket.
               | --- | --- |
    -          | Kind | OAuth client credentials |
    -          | Scopes | account, repository, repository:write, pullrequest |
    -          | Expires | in 2 hours (<time>) |
    +          | Kind | API token (api&#95;token) |
    +          | Account | Sandbox User |
    +          | Scopes | read:user:bitbucket, read:workspace:bitbucket, read:repository:bitbucket, write:repository:bitbucket |"
  `)
  assertNothingLeft(await runPost(main))
})

test('verifies and exports a repository access token, which cannot read an account', async ({
  bitbucket,
}) => {
  const main = await runAction({ bitbucket, inputs: inputsFor.accessToken(bitbucket) })
  expect(
    differences((await usual()).replaceAll('issued access token', 'access token'), main),
  ).toMatchInlineSnapshot(`
    "  state    bitbucket_token_main=started
    - stdout   ::add-mask::<client secret>
    -          ::add-mask::<base64 of <client id>:client secret>
    -          Using url <bitbucket> instead of https://bitbucket.org. Your secrets will be sent there.
    -          Using api-url <api> instead of https://api.bitbucket.org. Your secrets will be sent there.
    - request  POST <bitbucket>/site/oauth2/access_token, Basic <client id>:<client secret>, grant_type=client_credentials -> 200
               ::add-mask::<access token, percent-encoded>
    +          Using url <bitbucket> instead of https://bitbucket.org. Your secrets will be sent there.
    +          Using api-url <api> instead of https://api.bitbucket.org. Your secrets will be sent there.
               ::add-mask::<base64 of x-token-auth:access token>
    + request  GET <api>/2.0/user, Bearer <access token> -> 403
               authorization=Bearer <access token>
    -          expires-in=7200
    -          expires-at=<time>
    -          scopes=account repository repository:write pullrequest
    -          credential-kind=client-credentials
    +          scopes=repository repository:write pullrequest
    +          credential-kind=access-token
               BITBUCKET_AUTHORIZATION=Bearer <access token>
    -          BITBUCKET_TOKEN_EXPIRES_AT=<time>
               BITBUCKET_GIT_PASSWORD_<BITBUCKET_HOST>=<access token>
    -          BITBUCKET_GIT_LOGIN_<BITBUCKET_HOST>=x-token-auth <seconds> <time> <uuid>
    +          BITBUCKET_GIT_LOGIN_<BITBUCKET_HOST>=x-token-auth <seconds> - <uuid>
               GIT_CONFIG_COUNT=1
    - stdout   Bitbucket credential: Kind OAuth client credentials; Scopes account, repository, repository:write, pullrequest; Expires in 2 hours (<time>).
    + stdout   Bitbucket credential: Kind access token (repo_access_token); Account not shown: reading it needs account; Scopes repository, repository:write, pullrequest.
               | --- | --- |
    -          | Kind | OAuth client credentials |
    -          | Scopes | account, repository, repository:write, pullrequest |
    -          | Expires | in 2 hours (<time>) |
    +          | Kind | access token (repo&#95;access&#95;token) |
    +          | Account | not shown: reading it needs account |
    +          | Scopes | repository, repository:write, pullrequest |"
  `)
  assertNothingLeft(await runPost(main))
})

test('hands over a refresh token that comes with client credentials, as before May 2026', async () => {
  const bitbucket = await startBitbucket({ answers: 'legacy' })
  const main = await runAction({ bitbucket })
  expect(differences(await usual(), main)).toMatchInlineSnapshot(`
    "           ::add-mask::<base64 of x-token-auth:issued access token>
    +          ::add-mask::<issued refresh token>
    +          ::add-mask::<issued refresh token, percent-encoded>
    + output   refresh-token=<issued refresh token>
    + stdout   Bitbucket also returned a refresh token, which this grant does not need. It is the output refresh-token of this step."
  `)
  assertNothingLeft(await runPost(main))
})

test('hands over no refresh token if it does not rotate, as before May 2026', async () => {
  const bitbucket = await startBitbucket({ answers: 'legacy' })
  const main = await runAction({ bitbucket, inputs: inputsFor.refreshToken(bitbucket) })
  expect(main.stdout).not.toContain('::warning')
  expect(main.outputs).not.toHaveProperty('refresh-token')
  expect(main.status).toBe(0)
  assertNothingLeft(await runPost(main))
})

test('reads the repository with the new token', async ({ bitbucket }) => {
  const inputs = { ...inputsFor.consumer(bitbucket), repository: bitbucket.repository }
  const main = await runAction({ bitbucket, inputs })
  expect(differences(await usual(), main)).toMatchInlineSnapshot(`
    "           ::add-mask::<base64 of x-token-auth:issued access token>
    + request  GET <api>/2.0/repositories/sandbox/hello, Bearer <issued access token> -> 200
    + stdout   The credential can read sandbox/hello."
  `)
})

test('export-env: false exports no variable and no git configuration', async ({ bitbucket }) => {
  const main = await runAction({
    bitbucket,
    inputs: { ...inputsFor.consumer(bitbucket), 'export-env': 'false' },
  })
  expect(differences(await usual(), main)).toMatchInlineSnapshot(`
    "           git-credentials-file=<temp>/bitbucket-token-<uuid>/git-credentials
    - state    bitbucket_token_git_config=<uuid>
    - mkdir    <temp>/bitbucket-token-git
    - file     <temp>/bitbucket-token-git/config 0644
    -          # Written by bitbucket-token: git configuration for this job. It contains no secret.
    -          # use {"id":"<uuid>","entries":[["credential.<bitbucket>.helper",""],["credential.<bitbucket>.helper","!<credential helper>"],["lfs.<bitbucket>.access","basic"]]}
    -          [credential "<bitbucket>"] helper = ""
    -          [credential "<bitbucket>"] helper = "!<credential helper>"
    -          [lfs "<bitbucket>"] access = "basic"
    - env      BITBUCKET_ACCESS_TOKEN=<issued access token>
    -          BITBUCKET_AUTHORIZATION=Bearer <issued access token>
    -          BITBUCKET_TOKEN_EXPIRES_AT=<time>
    -          BITBUCKET_GIT_USERNAME=x-token-auth
    -          BITBUCKET_GIT_CREDENTIALS_FILE=<temp>/bitbucket-token-<uuid>/git-credentials
    -          BITBUCKET_GIT_PASSWORD_<BITBUCKET_HOST>=<issued access token>
    -          BITBUCKET_GIT_LOGIN_<BITBUCKET_HOST>=x-token-auth <seconds> <time> <uuid>
    -          GIT_CONFIG_KEY_0=include.path
    -          GIT_CONFIG_VALUE_0=<temp>/bitbucket-token-git/config
    -          GIT_CONFIG_COUNT=1"
  `)
  assertNothingLeft(await runPost(main))
})

test('git-credentials: false writes no file', async ({ bitbucket }) => {
  const inputs = { ...inputsFor.consumer(bitbucket), 'git-credentials': 'false' }
  const main = await runAction({ bitbucket, inputs })
  expect(differences(await usual(), main)).toMatchInlineSnapshot(`
    "           ::add-mask::<base64 of x-token-auth:issued access token>
    - state    bitbucket_token_directory=<temp>/bitbucket-token-<uuid>
    - mkdir    <temp>/bitbucket-token-<uuid>
    - file     <temp>/bitbucket-token-<uuid>/git-credentials 0600
    -          http://x-token-auth:<issued access token, percent-encoded>@<bitbucket host, percent-encoded>
               git-username=x-token-auth
    -          git-credentials-file=<temp>/bitbucket-token-<uuid>/git-credentials
               BITBUCKET_GIT_USERNAME=x-token-auth
    -          BITBUCKET_GIT_CREDENTIALS_FILE=<temp>/bitbucket-token-<uuid>/git-credentials"
  `)
  const post = await runPost(main)
  expect(transcript(post)).toMatchInlineSnapshot(`
    "stdout   There is nothing to remove: this step wrote no git-credentials file.
    remove   <temp>/bitbucket-token-git
    stdout   git's configuration was removed.
    exit     0"
  `)
})

test('summary: false writes no summary', async ({ bitbucket }) => {
  const main = await runAction({ bitbucket, inputs: { ...inputsFor.apiToken(bitbucket), summary: 'false' } })
  expect([main.status, main.summary]).toEqual([0, ''])
})

test.each([
  ['debug: true logs more', { debug: 'true' }, {}, /^debug: .*\n +at /m],
  ['the runner’s debug mode logs more', {}, { RUNNER_DEBUG: '1' }, /^::debug::.*%0A +at /m],
  ['without debug, the log shows no stack', {}, {}, /^(?!.* at .*\.js:\d)/s],
])('%s, and no secret', async (_, input, env, says) => {
  const bitbucket = await startBitbucket()
  bitbucket.revoke(bitbucket.credentials.clientSecret)
  const run = await runAction({ bitbucket, inputs: { ...inputsFor.consumer(bitbucket), ...input }, env })
  expect([run.status, run.stdout]).toEqual([3, expect.stringMatching(says)])
})

test('ignores a variable of an earlier step even if the input is empty', async ({ bitbucket }) => {
  const first = await runAction({ bitbucket })
  const second = await runAction({ bitbucket, job: first.job, inputs: { 'access-token': '' } })
  expect(complaint(second)).toContain(
    'No credential was given: every input for one is empty.\nGive one of:\n',
  )
  expect([second.status, second.requests]).toEqual([2, []])
})

test('npx bitbucket-token in a `run:` step reads variables, masks and exports', async ({ bitbucket }) => {
  const main = await runRunStep({ bitbucket, env: variablesFor(bitbucket) })
  expect(differences(await usual(), main)).toMatchInlineSnapshot(`
    "- state    bitbucket_token_main=started
               ::add-mask::<base64 of <client id>:client secret>
    -          Using url <bitbucket> instead of https://bitbucket.org. Your secrets will be sent there.
    -          Using api-url <api> instead of https://api.bitbucket.org. Your secrets will be sent there.
    +          Using BITBUCKET_URL <bitbucket> instead of https://bitbucket.org. Your secrets will be sent there.
    +          Using BITBUCKET_API_URL <api> instead of https://api.bitbucket.org. Your secrets will be sent there.
               ::add-mask::<base64 of x-token-auth:issued access token>
    - state    bitbucket_token_directory=<temp>/bitbucket-token-<uuid>
               git-credentials-file=<temp>/bitbucket-token-<uuid>/git-credentials
    - state    bitbucket_token_git_config=<uuid>"
  `)
})
