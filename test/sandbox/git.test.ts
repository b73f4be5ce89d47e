import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type ClientRequest, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, onTestFinished, vi } from 'vitest'
import { type Sandbox, startSandbox } from '../../src/sandbox/index.ts'
import { gitEnvironment } from '../support/git.ts'
import { ask, basic, clock, start, test } from './start.ts'

interface Ran {
  code: number
  stdout: string
  stderr: string
}

/** Runs real git without the machine's configuration and without prompts. */
function git(cwd: string, ...args: string[]): Promise<Ran> {
  const env = { ...gitEnvironment(), HOME: cwd }
  return new Promise((resolve) => {
    execFile('git', args, { cwd, env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })
}

async function directory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'sandbox-test-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}

function remote(sandbox: Sandbox, user: string, password: string, path = '/sandbox/hello.git'): string {
  const url = new URL(`${sandbox.url}${path}`)
  url.username = user
  url.password = encodeURIComponent(password)
  return url.href
}

/** The commit id, which is always the same because the content of the repository is fixed. */
const commit = 'd8898abec0030fc53dba420a7d0f1116b38ad4eb'

const infoRefs = '/sandbox/hello.git/info/refs?service=git-upload-pack'
const noAccess = 'You may not have access to this repository or it no longer exists in this workspace.'

describe('with one sandbox', () => {
  let sandbox: Sandbox
  beforeAll(async () => {
    sandbox = await startSandbox()
  })
  afterAll(() => sandbox.close())

  test('git clones with each credential and gets the same commit', async () => {
    const { credentials } = sandbox
    for (const [user, password] of [
      ['x-token-auth', sandbox.issue('oauth-token')],
      ['x-token-auth', credentials.accessToken],
      ['x-bitbucket-api-token-auth', credentials.apiToken],
      [credentials.username, credentials.apiToken],
    ] as const) {
      const cwd = await directory()
      const cloned = await git(cwd, 'clone', remote(sandbox, user, password), 'copy')
      expect(cloned.stderr).toBe("Cloning into 'copy'...\n")
      const log = await git(join(cwd, 'copy'), 'log', '--format=%H %an %aI %s', 'origin/main')
      expect(log.stdout).toBe(`${commit} Sandbox 2026-01-01T00:00:00+00:00 Add README\n`)
      expect(await readFile(join(cwd, 'copy', 'README.md'), 'utf8')).toContain('# hello')
    }
  })

  test('accepts Bearer, and a URL without .git', async () => {
    const header = `http.extraHeader=Authorization: Bearer ${sandbox.issue('oauth-token')}`
    const listed = await git(tmpdir(), '-c', header, 'ls-remote', `${sandbox.url}/sandbox/hello`)
    expect(listed.stdout).toMatch(/^[0-9a-f]{40}\tHEAD\n[0-9a-f]{40}\trefs\/heads\/main\n$/)
  })

  test('speaks protocol version 2 if the client asks for it', async () => {
    const authorization = basic('x-token-auth', sandbox.credentials.accessToken)
    const refs = (headers: Record<string, string>) =>
      ask(`${sandbox.url}${infoRefs}`, { headers: { authorization, ...headers } })
    expect((await refs({ 'git-protocol': 'version=2' })).text).toContain('version 2')
    const version0 = await refs({})
    expect(version0.text).toContain('refs/heads/main')
    expect(version0.text).toContain('symref=HEAD:refs/heads/main')
    expect(version0.type).toBe('application/x-git-upload-pack-advertisement')
    expect(version0.headers.get('cache-control')).toContain('no-cache')
  })

  test('accepts a request body with gzip compression', async () => {
    const answer = await ask(`${sandbox.url}/sandbox/hello.git/git-upload-pack`, {
      method: 'POST',
      headers: {
        authorization: basic('x-token-auth', sandbox.credentials.accessToken),
        'content-type': 'application/x-git-upload-pack-request',
        'content-encoding': 'gzip',
        'git-protocol': 'version=2',
      },
      body: gzipSync('0014command=ls-refs\n00010000'),
    })
    expect(answer.status).toBe(200)
    expect(answer.text).toContain('refs/heads/main')
  })

  test.each<[string, (s: Sandbox) => string | undefined]>([
    ['no credential', () => undefined],
    ['wrong token', () => basic('x-token-auth', 'wrong')],
    ['email with an API token', (s) => basic(s.credentials.email, s.credentials.apiToken)],
    ['API token as x-token-auth', (s) => basic('x-token-auth', s.credentials.apiToken)],
    ['API token as Bearer', (s) => `Bearer ${s.credentials.apiToken}`],
    ['API token without scopes', (s) => basic(s.credentials.username, s.issue('api-token', { scopes: [] }))],
    ['user name with an access token', (s) => basic(s.credentials.username, s.credentials.accessToken)],
    ['expired OAuth token', (s) => basic('x-token-auth', s.issue('oauth-token', { expired: true }))],
    ['another scheme', (s) => `JWT ${s.credentials.accessToken}`],
  ])('answers 401 with a challenge to: %s', async (_, credential) => {
    const authorization = credential(sandbox)
    const { status, type, text, headers } = await ask(`${sandbox.url}${infoRefs}`, {
      headers: authorization === undefined ? {} : { authorization },
    })
    expect([status, type]).toEqual([401, 'text/plain; charset=utf-8'])
    expect(headers.get('www-authenticate')).toBe('Basic realm="Bitbucket.org HTTP"')
    expect(text).toContain(noAccess)
  })

  test('git reports a 401 as a failed authentication', async () => {
    const { stderr } = await git(tmpdir(), 'ls-remote', remote(sandbox, 'x-token-auth', 'wrong'))
    expect(stderr).toContain(`remote: ${noAccess}`)
    expect(stderr).toContain('fatal: Authentication failed')
  })

  test('answers 410 and the reason to an app password', async () => {
    const { stderr } = await git(tmpdir(), 'ls-remote', remote(sandbox, 'sandbox-user', 'ATBBabcdef'))
    expect(stderr).toContain('remote: App passwords are deprecated and must be replaced with API tokens.')
    expect(stderr).toContain('error: 410')
  })

  test.each(['/sandbox/nothing.git', '/other/hello.git', '/sandbox/hello.git.git'])(
    'answers 403 for the missing repository %s',
    async (path) => {
      const { stderr } = await git(
        tmpdir(),
        'ls-remote',
        remote(sandbox, 'x-token-auth', sandbox.credentials.accessToken, path),
      )
      expect(stderr).toContain(`remote: ${noAccess}`)
      expect(stderr).toContain('error: 403')
    },
  )

  test('answers 403 to an access token for another repository', async () => {
    const token = sandbox.issue('access-token', { repositories: ['sandbox/other'] })
    const { stderr } = await git(tmpdir(), 'ls-remote', remote(sandbox, 'x-token-auth', token))
    expect(stderr).toContain('error: 403')
  })

  test.each<[string, string, string[], boolean, boolean]>([
    ['oauth-token', 'x-token-auth', ['repository'], true, false],
    ['oauth-token', 'x-token-auth', ['pullrequest:write'], true, true],
    ['oauth-token', 'x-token-auth', ['account'], false, false],
    ['api-token', 'sandbox-user', ['read:repository:bitbucket'], true, false],
    ['api-token', 'sandbox-user', ['write:repository:bitbucket'], false, true],
  ])('%s as %s with scopes %j: fetch %s, push %s', async (kind, user, scopes, fetches, pushes) => {
    const token = sandbox.issue(kind as 'oauth-token' | 'api-token', { scopes })
    for (const [service, allowed] of [
      ['git-upload-pack', fetches],
      ['git-receive-pack', pushes],
    ] as const) {
      const headers = { authorization: basic(user, token) }
      const advertised = await ask(`${sandbox.url}/sandbox/hello.git/info/refs?service=${service}`, {
        headers,
      })
      expect(advertised.status).toBe(allowed ? 200 : 403)
      // The second request must be checked too, even though the first was allowed.
      const post = {
        method: 'POST',
        headers: { ...headers, 'content-type': `application/x-${service}-request` },
      }
      const done = await ask(`${sandbox.url}/sandbox/hello.git/${service}`, { ...post, body: '0000' })
      expect(done.status).toBe(allowed ? 200 : 403)
      if (!allowed) expect(done.text).toBe('Your credentials lack one or more required privilege scopes.')
    }
  })

  test('ends the process of a request if its client disconnects', async () => {
    const push = await unfinishedPush(sandbox)
    push.destroy()
    await vi.waitUntil(() => children() === 0, { interval: 5, timeout: 10_000 })
  })
})

/** Starts a push that stops in its first line, so that a git process waits for the rest. */
async function unfinishedPush(sandbox: Sandbox): Promise<ClientRequest> {
  await vi.waitUntil(() => children() === 0, { interval: 5, timeout: 10_000 })
  const req = request(`${sandbox.url}/sandbox/hello.git/git-receive-pack`, {
    method: 'POST',
    headers: {
      authorization: basic('x-token-auth', sandbox.credentials.accessToken),
      'content-type': 'application/x-git-receive-pack-request',
    },
  })
  req.on('error', () => {})
  req.write('0')
  // git sends the header of the answer before it has read anything.
  const [response] = await once(req, 'response')
  response.on('error', () => {})
  expect(children()).toBe(1)
  return req
}

/** Returns how many child processes of this process still run. */
function children(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'ProcessWrap').length
}

test('accepts a push that is so large that git streams it', async ({ sandbox }) => {
  const cwd = await directory()
  const url = remote(sandbox, 'x-token-auth', sandbox.credentials.accessToken)
  await git(cwd, 'clone', '--quiet', url, 'copy')
  const copy = join(cwd, 'copy')
  const content = randomBytes(3 * 1024 * 1024)
  await writeFile(join(copy, 'big'), content)
  await git(copy, 'add', 'big')
  await git(copy, 'commit', '--quiet', '--message', 'Big')
  const pushed = await git(copy, 'push', '--quiet', 'origin', 'HEAD:refs/heads/feature/big')
  expect(pushed).toMatchObject({ code: 0, stderr: '' })
  const sent = sandbox.requests.find(
    ({ method, headers }) => method === 'POST' && headers['transfer-encoding'],
  )
  expect(sent).toMatchObject({ path: '/sandbox/hello.git/git-receive-pack', status: 200, body: '' })

  await git(cwd, 'clone', '--quiet', '--branch', 'feature/big', url, 'again')
  expect((await readFile(join(cwd, 'again', 'big'))).equals(content)).toBe(true)
})

test('git shows the refusal of a read-only token', async ({ sandbox }) => {
  const cwd = await directory()
  const token = sandbox.issue('access-token', { scopes: ['repository'] })
  await git(cwd, 'clone', '--quiet', remote(sandbox, 'x-token-auth', token), 'copy')
  const pushed = await git(join(cwd, 'copy'), 'push', 'origin', 'HEAD:refs/heads/other')
  expect(pushed.stderr).toContain('remote: Your credentials lack one or more required privilege scopes.')
  expect(pushed.stderr).toContain('The requested URL returned error: 403')
})

test('git is refused after the token has expired', async () => {
  const time = clock()
  const sandbox = await start({ now: time.now, accessTokenLifetime: 3 })
  const url = remote(sandbox, 'x-token-auth', sandbox.issue('oauth-token'))
  expect((await git(tmpdir(), 'ls-remote', url)).code).toBe(0)
  time.advance(3)
  expect((await git(tmpdir(), 'ls-remote', url)).stderr).toContain('Authentication failed')
})

test("the user's git configuration and repository have no effect", async ({ sandbox }) => {
  const home = await directory()
  await writeFile(
    join(home, '.gitconfig'),
    '[init]\n\tdefaultBranch = trunk\n\ttemplateDir = /nowhere\n[user]\n\tname = Me\n[http]\n\treceivepack = false\n',
  )
  for (const [name, value] of Object.entries({
    HOME: home,
    GIT_CONFIG_GLOBAL: join(home, '.gitconfig'),
    GIT_DIR: '/nowhere',
    GIT_DEFAULT_HASH: 'sha256',
  })) {
    vi.stubEnv(name, value)
  }
  onTestFinished(() => void vi.unstubAllEnvs())
  const url = remote(sandbox, 'x-token-auth', sandbox.credentials.accessToken)
  expect((await git(tmpdir(), 'ls-remote', url)).stdout).toBe(`${commit}\tHEAD\n${commit}\trefs/heads/main\n`)
})

test('starts without git, and says that it needs git to serve repositories', async ({ sandbox }) => {
  const empty = await directory()
  vi.stubEnv('PATH', empty)
  onTestFinished(() => void vi.unstubAllEnvs())
  const headers = { authorization: basic('x-token-auth', sandbox.credentials.accessToken) }
  expect(await ask(`${sandbox.url}${infoRefs}`, { headers })).toMatchObject({
    status: 501,
    text: 'The sandbox needs git to serve repositories, but there is no git on the PATH.',
  })
})

test('leaves no files or processes if it closes in the middle of a push', async ({ sandbox }) => {
  const temporary = await directory()
  vi.stubEnv('TMPDIR', temporary)
  onTestFinished(() => void vi.unstubAllEnvs())
  expect(readdirSync(temporary)).toEqual([])
  const url = remote(sandbox, 'x-token-auth', sandbox.credentials.accessToken)
  expect((await git('/', 'ls-remote', url)).code).toBe(0)
  const [made = ''] = readdirSync(temporary)
  expect(made).toMatch(/^bitbucket-sandbox-/)

  await unfinishedPush(sandbox)
  await sandbox.close()
  expect(children()).toBe(0)
  expect(existsSync(join(temporary, made))).toBe(false)
})
