import { execFile, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect } from 'vitest'
import { type Bitbucket, inputsFor, startBitbucket, test } from './support/bitbucket.ts'
import { bundle, pathWithoutProject } from './support/program.ts'
import { makeTree } from './support/run.ts'
import { secretsIn } from './support/secrets.ts'
import { gitEnvironment, modesIn, privateModes, runShell, shells } from './support/shell.ts'
import { differences, transcript, usualTranscript } from './support/transcript.ts'

const run = promisify(execFile)

/** The transcript of the first test. The other tests show only how they differ from it. */
const usual = usualTranscript((bitbucket) => runShell({ bitbucket, inputs: inputsFor.consumer(bitbucket) }))

test('acquires a token with client credentials', async ({ bitbucket }) => {
  const acquired = await runShell({ bitbucket, inputs: inputsFor.consumer(bitbucket) })
  expect(transcript(acquired)).toMatchInlineSnapshot(`
    "stderr   Using BITBUCKET_URL <bitbucket> instead of https://bitbucket.org. Your secrets will be sent there.
             Using BITBUCKET_API_URL <api> instead of https://api.bitbucket.org. Your secrets will be sent there.
    request  POST <bitbucket>/site/oauth2/access_token, Basic <client id>:<client secret>, grant_type=client_credentials -> 200
    mkdir    <work>/.bitbucket-token
    file     <work>/.bitbucket-token/.gitignore 0600
             *
    file     <work>/.bitbucket-token/git-credentials 0600
             http://x-token-auth:<issued access token, percent-encoded>@<bitbucket host, percent-encoded>
    file     <work>/.bitbucket-token/env.sh 0600
             { set +x; } 2>/dev/null
             { set +v; } 2>/dev/null
             export BITBUCKET_ACCESS_TOKEN='<issued access token>'
             export BITBUCKET_AUTHORIZATION='Bearer <issued access token>'
             export BITBUCKET_TOKEN_EXPIRES_AT='<time>'
             export BITBUCKET_GIT_USERNAME='x-token-auth'
             export BITBUCKET_GIT_CREDENTIALS_FILE='<work>/.bitbucket-token/git-credentials'
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
             For this shell: . '<work>/.bitbucket-token/env.sh'
    exit     0"
  `)
  expect(acquired.stdout).toBe('')
})

test('writes the new refresh token of a refresh to a private file', async ({ bitbucket }) => {
  const acquired = await runShell({ bitbucket, inputs: inputsFor.refreshToken(bitbucket), umask: 0o000 })
  expect(differences(await usual(), acquired)).toMatchInlineSnapshot(`
    "           Using BITBUCKET_API_URL <api> instead of https://api.bitbucket.org. Your secrets will be sent there.
    - request  POST <bitbucket>/site/oauth2/access_token, Basic <client id>:<client secret>, grant_type=client_credentials -> 200
    + request  POST <bitbucket>/site/oauth2/access_token, Basic <client id>:<client secret>, grant_type=refresh_token&refresh_token=<refresh token> -> 200
               *
    + file     <work>/.bitbucket-token/refresh-token 0600
    +          <issued refresh token>
    + stderr   warning: Bitbucket returned a new refresh token. The one that you gave stops working in about ten minutes.
    +          The new one is the file <work>/.bitbucket-token/refresh-token. Replace the old one with it, or Bitbucket will refuse the next run.
    +          To save it in each run, add:
    +            BITBUCKET_SAVE_REFRESH_TOKEN=file:/a/directory/that/stays/refresh-token
    +            or BITBUCKET_SAVE_REFRESH_TOKEN='command:vault kv put -mount=secret bitbucket refresh-token=-'
               unset bitbucket_token_n bitbucket_token_i
    - stderr   Bitbucket credential: Kind OAuth client credentials; Scopes account, repository, repository:write, pullrequest; Expires in 2 hours (<time>).
    + stderr   Bitbucket credential: Kind OAuth refresh token; Scopes account, repository, repository:write, pullrequest; Expires in 2 hours (<time>)."
  `)
  expect(bitbucket.isLive(readFileSync(join(acquired.cwd, '.bitbucket-token/refresh-token'), 'utf8'))).toBe(
    true,
  )
  expect(modesIn(join(acquired.cwd, '.bitbucket-token'))).toEqual({
    ...privateModes,
    'refresh-token': '0600',
  })
})

/** A job that uses the results: REST with the header, git with the file, then git with its configuration only. */
const job = `
set -eu
cd "$1"
. '../work/.bitbucket-token/env.sh'
curl --fail --silent --show-error --header "Authorization: $BITBUCKET_AUTHORIZATION" "$API/2.0/repositories/$REPOSITORY"
git -c credential.helper="store --file '$BITBUCKET_GIT_CREDENTIALS_FILE'" clone --quiet "$URL/$REPOSITORY.git" by-file
git clone --quiet "$URL/$REPOSITORY.git" by-configuration
`

for (const name of Object.keys(shells) as (keyof typeof shells)[]) {
  const shell = shells[name]
  describe(`a job in ${name}`, { tags: [name] }, () => {
    test.each(['consumer', 'apiToken', 'accessToken'] as const)(
      'sources env.sh from another directory and calls REST and git with: %s',
      { tags: ['curl'] },
      async (kind) => {
        const bitbucket = await startBitbucket()
        const acquired = await runShell({ bitbucket, inputs: inputsFor[kind](bitbucket), umask: 0o000 })
        const elsewhere = join(acquired.tree, 'elsewhere')
        mkdirSync(elsewhere)
        const stdout = await shell(job, [elsewhere], jobEnvironment(bitbucket))
        expect(JSON.parse(stdout)).toMatchObject({ full_name: bitbucket.repository })
        expect(readdirSync(elsewhere).sort()).toEqual(['by-configuration', 'by-file'])
        // git's own helper has written to the file by now.
        expect(modesIn(join(acquired.cwd, '.bitbucket-token'))).toEqual(privateModes)
      },
    )
  })
}

const jobEnvironment = (bitbucket: Bitbucket) => ({
  HOME: '/nonexistent',
  API: bitbucket.apiUrl,
  URL: bitbucket.url,
  REPOSITORY: bitbucket.repository,
})

test('a second run replaces the files of the first', async ({ bitbucket }) => {
  const first = await runShell({ bitbucket, inputs: inputsFor.apiToken(bitbucket) })
  const second = await runShell({ bitbucket, tree: first.tree, inputs: inputsFor.accessToken(bitbucket) })
  expect(second.status).toBe(0)
  const files = filesOf(first.cwd)
  for (const name of ['env.sh', 'git-credentials']) {
    expect(secretsIn(files[name] ?? '', bitbucket.secrets)).toEqual(['access token'])
  }
  expect(Object.keys(files).sort()).toEqual(['.gitignore', 'env.sh', 'git-credentials'])
})

test('a second run with git-credentials: false leaves BITBUCKET_GIT_CREDENTIALS_FILE empty', async ({
  bitbucket,
}) => {
  const first = await runShell({ bitbucket, inputs: inputsFor.apiToken(bitbucket) })
  const inputs = { ...inputsFor.accessToken(bitbucket), 'git-credentials': 'false' }
  await runShell({ bitbucket, tree: first.tree, inputs })
  const { stdout } = await run(
    'sh',
    ['-c', '. ./.bitbucket-token/env.sh; echo "<$BITBUCKET_GIT_CREDENTIALS_FILE>"'],
    { cwd: first.cwd, env: gitEnvironment },
  )
  expect(stdout).toBe('<>\n')
})

test.each(['', 'print --format sh', 'exec -- true', 'audit', 'git-credential get', '--version'])(
  'exits 2 with one error if the working directory was removed: %s',
  (args) => {
    const gone = join(makeTree(), 'gone')
    mkdirSync(gone)
    const script = `cd "$0" && rmdir "$0" && "$1" "$2" ${args}`
    const { status, stdout, stderr } = spawnSync('sh', ['-c', script, gone, process.execPath, bundle], {
      env: { PATH: pathWithoutProject },
      encoding: 'utf8',
    })
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr:
        'error: The working directory was removed.\nChange to a directory that exists, then run it again.\n',
    })
    // `eval` must not take this for a success.
    expect(stdout).toBe(args.endsWith('sh') ? '(exit 2)\n' : '')
  },
)

// macOS refuses to make such a directory.
test.skipIf(process.platform === 'darwin').each(['acquire', 'cleanup'])(
  '%s exits 2 and makes nothing if the path of the working directory is not UTF-8',
  (command) => {
    const tree = makeTree()
    const script = `cd "$0" && mkdir "$(printf 'd\\351')" && cd d* && "$1" "$2" ${command}`
    const { status, stderr } = spawnSync('sh', ['-c', script, tree, process.execPath, bundle], {
      env: {
        PATH: pathWithoutProject,
        BITBUCKET_ACCESS_TOKEN: 'a-token-0123456789',
        BITBUCKET_VERIFY: 'false',
      },
      encoding: 'utf8',
    })
    expect([status, stderr]).toEqual([2, expect.stringMatching(/^error: The path .* is not valid UTF-8, /)])
    expect(readdirSync(tree)).toHaveLength(1)
  },
)

test('export-env: false writes the git-credentials file and no variables', async ({ bitbucket }) => {
  const inputs = { ...inputsFor.consumer(bitbucket), 'export-env': 'false' }
  const { cwd, status } = await runShell({ bitbucket, inputs })
  expect(Object.keys(filesOf(cwd))).toEqual(['.gitignore', 'git-credentials'])
  expect(status).toBe(0)
})

test('uses the consumer instead of a token from an earlier run', async ({ bitbucket }) => {
  const env = { BITBUCKET_ACCESS_TOKEN: 'a-token-that-an-earlier-run-exported' }
  const acquired = await runShell({ bitbucket, inputs: inputsFor.consumer(bitbucket), env })
  expect(differences(await usual(), acquired)).toMatchInlineSnapshot(`
    "- stderr   Using BITBUCKET_URL <bitbucket> instead of https://bitbucket.org. Your secrets will be sent there.
    + stderr   Found and not used: BITBUCKET_ACCESS_TOKEN (perhaps left by an earlier run). This run uses BITBUCKET_CLIENT_ID, BITBUCKET_CLIENT_SECRET.
    +          Using BITBUCKET_URL <bitbucket> instead of https://bitbucket.org. Your secrets will be sent there."
  `)
})

/** Returns the content of each file in the output directory. */
function filesOf(cwd: string): Record<string, string> {
  const directory = join(cwd, '.bitbucket-token')
  return Object.fromEntries(
    readdirSync(directory).map((name) => [name, readFileSync(join(directory, name), 'utf8')]),
  )
}
