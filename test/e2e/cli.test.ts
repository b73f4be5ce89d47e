import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect } from 'vitest'
import { printFormats } from '../../src/command-line.ts'
import { shells } from '../support/programs.ts'
import { type Bitbucket, inputsFor, startBitbucket, test, variablesFor } from './support/bitbucket.ts'
import { filesBelow } from './support/canary.ts'
import { bundle, type Finished, runBundle } from './support/program.ts'
import { makeTree, nameSecrets } from './support/run.ts'
import { secretsIn } from './support/secrets.ts'
import { gitEnvironment, modesIn, runShell } from './support/shell.ts'
import { complaint, namer, requestsOf } from './support/transcript.ts'

type Given = Readonly<Record<string, string>>

/** Runs `print`. Its stdout is a secret on purpose, but nothing else may show a secret, and no file may appear. */
async function print(
  bitbucket: Bitbucket,
  inputs: Given,
  { args = [], env = {} }: { args?: string[]; env?: Given } = {},
): Promise<Finished & { readonly tree: string }> {
  const tree = makeTree()
  const given = { ...variablesFor(bitbucket, inputs), ...env }
  nameSecrets(given, bitbucket)
  const printed = await runBundle({ args: ['print', ...args], env: given, cwd: tree })
  expect(secretsIn(printed.stderr + printed.commandLines.join('\n'), bitbucket.secrets)).toEqual([])
  expect(filesBelow(tree)).toEqual([])
  return { ...printed, tree }
}

/** Returns the only token of this kind that the sandbox has issued so far. */
function issued(bitbucket: Bitbucket, kind: 'access' | 'refresh' = 'access'): string {
  const [token] = bitbucket.secrets.all.find(([, name]) => name === `issued ${kind} token`) ?? []
  if (token === undefined) throw new Error('no token was issued')
  return token
}

const execute = promisify(execFile)

/** Runs a shell asynchronously, because the sandbox is in this process. */
const inShell = (shell: readonly [string, ...string[]], script: string, cwd: string, env: Given = {}) =>
  execute(shell[0], [...shell.slice(1), '-c', script], { cwd, env: { ...gitEnvironment, HOME: cwd, ...env } })

describe('print', () => {
  test('writes only the token, so that TOKEN=$(…) works', async ({ bitbucket }) => {
    const { stdout, stderr, status } = await print(bitbucket, inputsFor.consumer(bitbucket))
    expect([stdout, status]).toEqual([`${issued(bitbucket)}\n`, 0])
    expect(stderr).toContain('Bitbucket credential: Kind OAuth client credentials;')
    expect(stderr).not.toContain('terminal')
  })

  test("writes a Connect app's token, but not its JWT or its secret", async ({ bitbucket }) => {
    const { stdout, status } = await print(bitbucket, inputsFor.connectApp(bitbucket))
    expect([stdout, status]).toEqual([`${issued(bitbucket)}\n`, 0])
  })

  test('writes the whole header', async ({ bitbucket }) => {
    const inputs = inputsFor.apiToken(bitbucket)
    const { stdout } = await print(bitbucket, inputs, { args: ['--format', 'authorization'] })
    const { email, apiToken } = bitbucket.credentials
    expect(stdout).toBe(`Basic ${Buffer.from(`${email}:${apiToken}`).toString('base64')}\n`)
  })

  for (const { name, command, tags } of shells) {
    test(`writes what curl and git need in ${name}`, {
      tags: [...tags, 'curl'],
    }, async ({ bitbucket }) => {
      const { stdout, tree } = await print(bitbucket, inputsFor.consumer(bitbucket), {
        args: ['--format', 'sh'],
      })
      const script = `set -eu; eval "$DATA"
      git clone --quiet ${bitbucket.url}/${bitbucket.repository}.git clone
      curl --fail --silent --header "Authorization: $BITBUCKET_AUTHORIZATION" --output user ${bitbucket.apiUrl}/2.0/user
      printf '%s %s' "$BITBUCKET_ACCESS_TOKEN" "$BITBUCKET_GIT_USERNAME"`
      const used = await inShell(command, script, tree, { DATA: stdout })
      expect(used).toEqual({ stdout: `${issued(bitbucket)} x-token-auth`, stderr: '' })
      expect(existsSync(join(tree, 'clone/.git'))).toBe(true)
    })
  }

  test('writes nothing for git with configure-git: false', async ({ bitbucket }) => {
    const { stdout } = await print(bitbucket, inputsFor.consumer(bitbucket), {
      args: ['--format', 'sh', '--configure-git', 'false'],
    })
    expect(stdout).not.toContain('GIT_CONFIG')
  })

  test('writes plain variables for docker run --env-file', async ({ bitbucket }) => {
    const { stdout } = await print(bitbucket, inputsFor.consumer(bitbucket), { args: ['--format=dotenv'] })
    expect(stdout.replace(/(EXPIRES_AT=).*/, '$1<time>')).toBe(
      `BITBUCKET_ACCESS_TOKEN=${issued(bitbucket)}\nBITBUCKET_TOKEN_EXPIRES_AT=<time>\nBITBUCKET_GIT_USERNAME=x-token-auth\n`,
    )
  })

  test('writes the same variables and git configuration for PowerShell as for sh', {
    tags: ['sh'],
  }, async ({ bitbucket }) => {
    const inputs = inputsFor.accessToken(bitbucket)
    const script = async (format: string, ...more: string[]) =>
      (await print(bitbucket, inputs, { args: ['--format', format, ...more] })).stdout
        // Each run has its own name.
        .replace(/(?<=BITBUCKET_GIT_LOGIN_\w+ ?= ?'\S+ \S+ \S+ )[\w-]+/, 'run')
    const [sh, powershell] = [await script('sh'), await script('powershell')]
    const { stdout } = await inShell(['sh'], 'eval "$DATA"; env -0', makeTree(), { DATA: sh })
    const env = new Map(stdout.split('\0').map((line) => line.split(/=(.*)/s, 2) as [string, string]))
    env.delete('DATA')
    // Two runs have different names.
    const unnamed = (text: string) => text.replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<run>')
    for (const [name, value] of env) {
      if (!name.startsWith('BITBUCKET_')) continue
      expect(unnamed(powershell)).toContain(unnamed(`$env:${name} = '${value}'\n`))
    }
    const count = Number(env.get('GIT_CONFIG_COUNT'))
    expect(count).toBeGreaterThan(2)
    const quote = (text: string | undefined) => `'${text?.replaceAll("'", "''")}'`
    const entries = Array.from({ length: count }, (_, index) =>
      ['KEY', 'VALUE'].map((part) => quote(env.get(`GIT_CONFIG_${part}_${index}`))).join(', '),
    )
    expect(powershell).toContain(`@(${entries.join(', ')})`)
    expect(await script('powershell', '--configure-git', 'false')).not.toContain('GIT_CONFIG')
  })

  test('writes JSON', async ({ bitbucket }) => {
    const { stdout } = await print(bitbucket, inputsFor.consumer(bitbucket), { args: ['--format', 'json'] })
    expect(JSON.parse(stdout)).toEqual({
      access_token: issued(bitbucket),
      token_type: 'bearer',
      authorization: `Bearer ${issued(bitbucket)}`,
      expires_in: 7200,
      expires_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      scopes: ['account', 'repository', 'repository:write', 'pullrequest'],
      credential_kind: 'client-credentials',
      git_username: 'x-token-auth',
    })
  })

  test('writes a netrc with which curl uses an API token for both hosts', { tags: ['curl'] }, async ({
    bitbucket,
  }) => {
    // A netrc has no ports, so the two hosts need two names.
    const url = bitbucket.url.replace('127.0.0.1', 'localhost')
    const { stdout, tree } = await print(bitbucket, inputsFor.apiToken(bitbucket), {
      args: ['--format', 'netrc', '--url', url],
    })
    const ask = `curl --silent --output answer --write-out '%{http_code}' --netrc-file netrc`
    const script = `umask 077; printf %s "$DATA" >netrc
      ${ask} ${bitbucket.apiUrl}/2.0/user; echo
      ${ask} '${url}/${bitbucket.repository}.git/info/refs?service=git-upload-pack'; echo
      ${ask} --user "$EMAIL:wrong" ${bitbucket.apiUrl}/2.0/user`
    const used = await inShell(['sh'], script, tree, { DATA: stdout, EMAIL: bitbucket.credentials.email })
    expect(used.stdout.split('\n')).toEqual(['200', '200', '401'])
  })

  test.each(printFormats)(
    '--format %s writes no workflow command on GitHub, not even a mask',
    async (format) => {
      const bitbucket = await startBitbucket()
      const { stdout, status } = await print(bitbucket, inputsFor.consumer(bitbucket), {
        args: ['--format', format],
        env: { GITHUB_ACTIONS: 'true', BITBUCKET_CI: 'github' },
      })
      expect(status).toBe(0)
      expect(stdout).not.toMatch(/^::/m)
    },
  )

  test('does not use a refresh token with a format that would lose the new one', async ({ bitbucket }) => {
    const { stdout, stderr, status } = await print(bitbucket, inputsFor.refreshToken(bitbucket))
    expect([stdout, status]).toEqual(['', 2])
    expect(stderr).toContain('- Use --format json and save its refresh_token.')
    expect(bitbucket.requests).toEqual([])
  })

  test('writes the new refresh token in JSON', async ({ bitbucket }) => {
    const { stdout } = await print(bitbucket, inputsFor.refreshToken(bitbucket), { args: ['--format=json'] })
    expect(JSON.parse(stdout)).toMatchObject({
      credential_kind: 'refresh-token',
      refresh_token: issued(bitbucket, 'refresh'),
    })
  })

  test.runIf(process.platform === 'linux')(
    'warns in colour if stdout is a terminal',
    { tags: ['script'] },
    async ({ bitbucket, tree }) => {
      const env = {
        ...variablesFor(bitbucket, inputsFor.accessToken(bitbucket)),
        TERM: 'xterm',
      }
      // script (bsdutils) gives the program its own terminal.
      const onTerminal = `script --quiet --command "'${process.execPath}' '${bundle}' print 2>said" /dev/null`
      await inShell(['sh'], `${onTerminal} </dev/null`, tree, env)
      expect(readFileSync(join(tree, 'said'), 'utf8')).toMatch(/^warning: stdout is a terminal/m)
      await inShell(['sh'], `${onTerminal.replace('2>said', '>said')} >screen </dev/null`, tree, env)
      expect(readFileSync(join(tree, 'screen'), 'utf8')).not.toContain('is a terminal')
      const help = `script --quiet --command "'${process.execPath}' '${bundle}' help" /dev/null </dev/null`
      expect((await inShell(['sh'], help, tree, env)).stdout).toContain('\u001b[1mUsage:')
      expect((await inShell(['sh'], help, tree, { ...env, NO_COLOR: '1' })).stdout).not.toContain('\u001b')
    },
  )
})

describe('check', () => {
  test('explains an OAuth client that does what the job needs', async ({ bitbucket }) => {
    const run = await runShell({
      bitbucket,
      inputs: {
        ...inputsFor.consumer(bitbucket),
        repository: bitbucket.repository,
        scopes: 'repository:write',
      },
      args: ['check'],
    })
    expect(run.status).toBe(0)
    expect(readdirSync(run.cwd)).toEqual([])
    expect(requestsOf(run)).toEqual([
      'POST /site/oauth2/access_token -> 200',
      'GET /2.0/repositories/sandbox/hello -> 200',
      'GET /2.0/user -> 200',
    ])
    expect(namer(run)(run.stdout)).toMatchInlineSnapshot(`
      "The credential works.

        Kind        OAuth client credentials
        Account     Sandbox App (an app, not a person)
        Expires     in 2 hours (<time>)
        git         may clone, may push; user name x-token-auth
        Repository  sandbox/hello: readable

      Scopes
        account           read the account's profile and its workspaces
        repository        clone and fetch, read source code over REST; no pull requests
        repository:write  push, and change source code over REST; no pull requests
        pullrequest       read pull requests and comment on them

      Good to know
        - Scopes are an upper limit: the permissions of the account and the restrictions of a branch may still forbid a push.
      "
    `)
  })

  test('explains an API token, whose scopes imply nothing', async ({ bitbucket }) => {
    const apiToken = bitbucket.issue('api-token', {
      scopes: ['write:repository:bitbucket', 'read:mars:bitbucket'],
    })
    const inputs = { ...inputsFor.apiToken(bitbucket), 'api-token': apiToken }
    const run = await runShell({ bitbucket, inputs, args: ['check'] })
    expect(run.status).toBe(0)
    expect(namer(run)(run.stdout)).toMatchInlineSnapshot(`
      "The credential works.

        Kind     API token
        Account  not shown: reading it needs the scope read:user:bitbucket
        Expires  Bitbucket does not say; at most a year after it was created: id.atlassian.com → Security → API tokens
        git      may not clone, may push; user name x-bitbucket-api-token-auth

      Scopes
        write:repository:bitbucket  push, and change source code over REST; does not include read
        read:mars:bitbucket         unknown to this version

      Good to know
        - It may push, but not clone or fetch, because the scopes of API tokens imply nothing. Add the read scope to the write scope.
        - Scopes are an upper limit: the permissions of the account and the restrictions of a branch may still forbid a push.
      "
    `)
  })

  test('explains an access token and the scopes that its scopes include', async ({ bitbucket }) => {
    const inputs = { 'access-token': bitbucket.issue('access-token', { scopes: ['pullrequest:write'] }) }
    const run = await runShell({ bitbucket, inputs, args: ['check'] })
    expect(run.status).toBe(0)
    expect(namer(run)(run.stdout)).toMatchInlineSnapshot(`
      "The credential works.

        Kind     access token of a repository
        Account  none: it belongs to no person
        Expires  the API does not say; see the settings page → Access tokens
        git      may clone, may push; user name x-token-auth

      Scopes
        pullrequest:write  create, approve, decline and merge pull requests

      Scopes that these include
        pullrequest       read pull requests and comment on them
        repository:write  push, and change source code over REST; no pull requests
        repository        clone and fetch, read source code over REST; no pull requests

      Good to know
        - Scopes are an upper limit: the permissions of the account and the restrictions of a branch may still forbid a push.
      "
    `)
  })

  test('knows from an earlier run when a token expires', async ({ bitbucket }) => {
    const inputs = { 'access-token': bitbucket.issue('oauth-token') }
    const env = { BITBUCKET_TOKEN_EXPIRES_AT: new Date(Date.now() + 3_600_000).toISOString() }
    const { stdout } = await runShell({ bitbucket, inputs, env, args: ['check'] })
    expect(stdout).toMatch(/^ {2}Expires +in 1 hour \(.*\), according to BITBUCKET_TOKEN_EXPIRES_AT$/m)
  })

  test('reports all problems, and has the exit status of acquire', async ({ bitbucket }) => {
    const inputs = {
      ...inputsFor.consumer(bitbucket),
      scopes: 'repository pullrequest:write',
      repository: 'sandbox/no-such',
    }
    const run = await runShell({ bitbucket, inputs, args: ['check'] })
    expect(run.stdout).toContain(
      'Bitbucket accepts the credential, but it lacks something that the job requires.',
    )
    expect(run.stdout).toMatch(/^ {2}Repository +sandbox\/no-such: not readable$/m)
    expect(complaint({ ...run, stdout: '' })).toMatchInlineSnapshot(`
      "error: The credential lacks pullrequest:write. It has account, repository, repository:write, pullrequest.
      Add them to the OAuth client: Workspace settings → Apps and features → OAuth clients (formerly "OAuth consumers") → the client, tab Scopes (formerly Edit → Permissions).
      error: The credential is valid, but it cannot read sandbox/no-such (status 404: "You may not have access to this repository or it no longer exists in this workspace. If you think this repository exists and you have access, make sure you are authenticated.").
      Check that workspace and slug are the same as in the repository’s address.
      An OAuth client can read only its own workspace, and a repository or project access token only its own repository or project.
      exit 4"
    `)
  })

  test('writes one JSON object for scripts', async ({ bitbucket }) => {
    const inputs = { ...inputsFor.accessToken(bitbucket), scopes: 'pullrequest:write' }
    const run = await runShell({ bitbucket, inputs, args: ['check', '--format', 'json'] })
    expect(run.status).toBe(4)
    expect(JSON.parse(run.stdout)).toEqual({
      ok: false,
      credential_kind: 'access-token',
      credential_type: 'repo_access_token',
      token_type: 'bearer',
      account: null,
      git_username: 'x-token-auth',
      expires_at: null,
      expires_on: null,
      scopes: ['repository', 'repository:write', 'pullrequest'],
      implied_scopes: [],
      may_clone: true,
      may_push: true,
      repository: null,
      notes: [expect.stringContaining('Scopes are an upper limit')],
      git: {
        version: expect.any(String),
        url: `${bitbucket.url}/`,
        configured: false,
        intact: false,
        problems: [],
      },
      problems: [
        {
          code: 'scope-missing',
          message: expect.stringContaining('lacks pullrequest:write'),
          next_step: expect.any(String),
        },
      ],
    })
  })

  test('also writes JSON for a refused credential', async ({ bitbucket }) => {
    bitbucket.revoke(bitbucket.credentials.accessToken)
    const inputs = inputsFor.accessToken(bitbucket)
    const run = await runShell({ bitbucket, inputs, args: ['check', '--format', 'json'] })
    expect(run.status).toBe(3)
    expect(JSON.parse(run.stdout)).toMatchObject({ ok: false, problems: [{ code: 'credential-refused' }] })
    expect(run.stderr).toContain('error: Bitbucket refused the access token')
  })

  test.each(['text', 'json'])(
    'shows no secret that Bitbucket repeats, and shortens a long name, as %s',
    async (format) => {
      const bitbucket = await startBitbucket()
      const { accessToken } = bitbucket.credentials
      // The canary checks the output. If the token were cut in the middle, a piece of it would be there.
      const name = `${'x'.repeat(990)}${accessToken}${'y'.repeat(5_000)}`
      bitbucket.script({ status: 200, body: { type: 'user', display_name: name } })
      const inputs = inputsFor.accessToken(bitbucket)
      const run = await runShell({ bitbucket, inputs, args: ['check', '--format', format] })
      expect(run.status).toBe(0)
      expect(run.stdout).toContain('xxx')
      expect(run.stdout.length).toBeLessThan(3_000)
    },
  )

  test('writes only JSON on GitHub', async ({ bitbucket }) => {
    const env = { GITHUB_ACTIONS: 'true' }
    const args = ['check', '--format', 'json']
    const run = await runShell({ bitbucket, inputs: inputsFor.consumer(bitbucket), env, args })
    expect(JSON.parse(run.stdout)).toMatchObject({ ok: true, credential_kind: 'client-credentials' })
  })

  test('does not use a refresh token', async ({ bitbucket }) => {
    const run = await runShell({ bitbucket, inputs: inputsFor.refreshToken(bitbucket), args: ['check'] })
    expect(run.status).toBe(2)
    expect(run.stderr).toContain('A refresh token cannot be checked')
    expect(bitbucket.requests).toEqual([])
  })

  test('checks only the OAuth client with grant: client-credentials', async ({ bitbucket }) => {
    const inputs = { ...inputsFor.refreshToken(bitbucket), grant: 'client-credentials' }
    const run = await runShell({ bitbucket, inputs, args: ['check'] })
    expect(run.status).toBe(0)
    expect(bitbucket.requests.map(({ body }) => body).join('\n')).not.toContain('refresh')
  })
})

describe('cleanup', () => {
  test('removes the files of acquire, and can run again', async ({ bitbucket, tree }) => {
    // Without it, the cache of other runs on this machine would count.
    const env = { TMPDIR: tree }
    const { cwd } = await runShell({ bitbucket, tree, env, inputs: inputsFor.consumer(bitbucket) })
    expect(Object.keys(modesIn(join(cwd, '.bitbucket-token')))).toEqual([
      '.',
      '.gitignore',
      'env.sh',
      'git-credentials',
    ])
    const cleaned = await runShell({ bitbucket, tree, env, args: ['cleanup'] })
    expect(cleaned.status).toBe(0)
    expect(cleaned.stderr).toContain(`Removed ${cwd}/.bitbucket-token/env.sh\n`)
    expect(readdirSync(cwd)).toEqual([])
    const again = await runShell({ bitbucket, tree, env, args: ['cleanup'] })
    expect([again.stdout, again.stderr, again.status]).toEqual(['', 'There was nothing to remove.\n', 0])
  })

  test('needs no valid credential', async ({ bitbucket }) => {
    const { tree, cwd } = await runShell({ bitbucket, inputs: inputsFor.consumer(bitbucket) })
    const cleaned = await runShell({ bitbucket, tree, inputs: { email: 'nonsense' }, args: ['cleanup'] })
    expect(cleaned.status).toBe(0)
    expect(readdirSync(cwd)).toEqual([])
  })

  test('keeps a refresh token unless --all is given', async ({ bitbucket }) => {
    const { tree, cwd } = await runShell({ bitbucket, inputs: inputsFor.refreshToken(bitbucket) })
    const file = join(cwd, '.bitbucket-token/refresh-token')
    const cleaned = await runShell({ bitbucket, tree, args: ['cleanup'] })
    expect(cleaned.stderr).toContain(
      `warning: Kept ${file}, because there may be no other copy of the refresh token`,
    )
    expect(readFileSync(file, 'utf8').trim()).toBe(issued(bitbucket, 'refresh'))
    expect(readdirSync(join(cwd, '.bitbucket-token'))).toEqual(['.gitignore', 'refresh-token'])
    const all = await runShell({ bitbucket, tree, args: ['cleanup', '--all'] })
    expect(all.status).toBe(0)
    expect(readdirSync(cwd)).toEqual([])
  })

  test('removes the tokens that git-credential keeps', async ({ bitbucket, tree }) => {
    const inputs = inputsFor.consumer(bitbucket)
    const env = { RUNNER_TEMP: join(tree, 'temp') }
    const cache = await fillCache(bitbucket, tree, inputs, env)
    expect(readdirSync(cache)).toEqual([expect.stringMatching(/^token-[0-9a-f]{32}\.json$/)])
    await runShell({ bitbucket, tree, env, args: ['cleanup'] })
    expect(readdirSync(join(tree, 'temp'))).toEqual([])
  })

  test('keeps the refresh token of git-credential, and it still works', async ({ tree }) => {
    const bitbucket = await startBitbucket({ refreshTokenGrace: 0 })
    const inputs = inputsFor.refreshToken(bitbucket)
    const env = { RUNNER_TEMP: join(tree, 'temp') }
    const cache = await fillCache(bitbucket, tree, inputs, env)
    const [file = ''] = readdirSync(cache).map((name) => join(cache, name))
    expect(readFileSync(file, 'utf8')).toContain(issued(bitbucket))
    const before = issued(bitbucket)
    const cleaned = await runBundle({ args: ['cleanup'], env, cwd: tree })
    expect(cleaned.stderr).toContain(`warning: Kept ${file}`)
    expect(readFileSync(file, 'utf8')).not.toContain(before)
    await fillCache(bitbucket, tree, inputs, env)
    expect(readFileSync(file, 'utf8')).not.toContain('"token":""')
    await runBundle({ args: ['cleanup', '--all'], env, cwd: tree })
    expect(readdirSync(join(tree, 'temp'))).toEqual([])
  })

  test('on GitHub removes the files of a run: step, which no post step removes', async ({
    bitbucket,
    tree,
  }) => {
    const temp = join(tree, 'temp')
    const mine = join(temp, 'mine')
    const left = join(temp, 'bitbucket-token-00000000-0000-4000-8000-000000000000')
    for (const directory of [mine, left]) {
      mkdirSync(directory, { recursive: true })
      writeFileSync(join(directory, 'git-credentials'), 'x')
    }
    const env = { GITHUB_ACTIONS: 'true', RUNNER_TEMP: temp }
    for (const directory of [mine, left]) {
      const file = join(directory, 'git-credentials')
      const cleaned = await runShell({
        bitbucket,
        tree,
        env: { ...env, BITBUCKET_GIT_CREDENTIALS_FILE: file },
        args: ['cleanup'],
      })
      expect(cleaned.status).toBe(0)
    }
    expect(readdirSync(temp)).toEqual(['mine'])
  })
})

/** Makes git ask the helper once, and returns the directory of its cache. */
async function fillCache(bitbucket: Bitbucket, tree: string, inputs: Given, env: Given): Promise<string> {
  mkdirSync(join(tree, 'temp'), { recursive: true })
  const given = {
    ...variablesFor(bitbucket, inputs),
    ...env,
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: `credential.${bitbucket.url}.helper`,
    GIT_CONFIG_VALUE_0: `!'${process.execPath}' '${bundle}' git-credential`,
  }
  await inShell(['sh'], `git ls-remote ${bitbucket.url}/${bitbucket.repository}.git`, tree, given)
  const [name = ''] = readdirSync(join(tree, 'temp'))
  return join(tree, 'temp', name)
}

test('cleanup rejects an invalid output-dir and removes nothing', async ({ bitbucket }) => {
  const { tree } = await runShell({ bitbucket, inputs: inputsFor.consumer(bitbucket) })
  const inputs = { 'output-dir': '"mine"' }
  const run = await runShell({ bitbucket, tree, inputs, args: ['cleanup'] })
  expect([run.status, run.stderr]).toEqual([2, expect.stringContaining('has quotes around it')])
  expect(existsSync(join(tree, 'work/.bitbucket-token/env.sh'))).toBe(true)
})

describe('acquire --dry-run', () => {
  test.each([
    ['in a shell', {}],
    ['on GitHub', { GITHUB_ACTIONS: 'true' }],
    ['in Pipelines', { BITBUCKET_BUILD_NUMBER: '7' }],
  ])('%s sends nothing and writes nothing', async (_, env) => {
    const bitbucket = await startBitbucket()
    const inputs = inputsFor.refreshToken(bitbucket)
    const run = await runShell({ bitbucket, inputs, env, args: ['--dry-run'] })
    expect([run.status, run.requests, readdirSync(run.cwd)]).toEqual([0, [], []])
    expect(run.stdout + run.stderr).toContain(
      'This was a dry run: nothing was sent, and no file was written.',
    )
  })

  test('shows the plan', async ({ bitbucket }) => {
    const run = await runShell({
      bitbucket,
      inputs: { ...inputsFor.consumer(bitbucket), repository: bitbucket.repository, scopes: 'pullrequest' },
      args: ['acquire', '--dry-run', '--rewrite-ssh-urls', 'true'],
    })
    expect(complaint(run)).toMatchInlineSnapshot(`
      "The inputs are valid. This is what acquire would do:
        Credential  OAuth client credentials, from BITBUCKET_CLIENT_ID, BITBUCKET_CLIENT_SECRET
        Request     POST <bitbucket>/site/oauth2/access_token
        Request     GET <api>/2.0/repositories/sandbox/hello
        Requires    pullrequest, reading sandbox/hello
        CI          shell
        Exports     BITBUCKET_ACCESS_TOKEN, BITBUCKET_AUTHORIZATION, BITBUCKET_TOKEN_EXPIRES_AT, BITBUCKET_GIT_USERNAME, BITBUCKET_GIT_CREDENTIALS_FILE, in the directory <work>/.bitbucket-token
        git         uses the credential for <bitbucket>, also for its SSH addresses
        File        git-credentials, in <work>/.bitbucket-token
        Limits      60 s overall, 4 retries per request
      This was a dry run: nothing was sent, and no file was written.
      exit 0"
    `)
  })

  test('shows the plan for a given token without export-env and git-credentials', async ({ bitbucket }) => {
    const run = await runShell({
      bitbucket,
      inputs: { ...inputsFor.accessToken(bitbucket), 'export-env': 'false', 'git-credentials': 'false' },
      args: ['--dry-run', '--verify', 'false'],
    })
    expect(complaint(run)).toMatchInlineSnapshot(`
      "The inputs are valid. This is what acquire would do:
        Credential  access token, from BITBUCKET_ACCESS_TOKEN
        Request     none: the credential is not checked (verify: false)
        Requires    nothing: scopes and repository are not set
        CI          shell
        Exports     nothing (export-env: false)
        git         is not configured
        File        no git-credentials file (git-credentials: false)
        Limits      60 s overall, 4 retries per request
      This was a dry run: nothing was sent, and no file was written.
      exit 0"
    `)
  })
})
