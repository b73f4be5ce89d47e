import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, vi } from 'vitest'
import type { RecordedRequest, Sandbox } from '../../src/sandbox/index.ts'
import { gitEnvironment } from '../support/git.ts'
import { ask, basic, type Received, start, test } from './start.ts'

const type = 'application/vnd.git-lfs+json'
const noAccess = 'You may not have access to this repository or it no longer exists in this workspace.'
const file = randomBytes(100_000)
const oid = createHash('sha256').update(file).digest('hex')

function lfs(sandbox: Sandbox, path: string, body: object, authorization?: string): Promise<Received> {
  const headers = { accept: type, 'content-type': type, ...(authorization && { authorization }) }
  return ask(`${sandbox.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
}

function batch(sandbox: Sandbox, operation: string, authorization?: string): Promise<Received> {
  const body = { operation, objects: [{ oid, size: file.length }] }
  return lfs(sandbox, '/sandbox/hello.git/info/lfs/objects/batch', body, authorization)
}

/** Returns the actions for the file, or undefined if there are none. */
async function actions(sandbox: Sandbox, operation: string) {
  const { text } = await batch(sandbox, operation, basic('x-token-auth', sandbox.credentials.accessToken))
  return JSON.parse(text).objects[0].actions as Record<string, { href: string }> | undefined
}

async function href(sandbox: Sandbox, operation: 'upload' | 'download'): Promise<string> {
  return (await actions(sandbox, operation))?.[operation]?.href ?? ''
}

async function directory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'sandbox-test-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}

describe('the batch API', () => {
  test('transfers the file through signed URLs of a third origin, and does not send it twice', async ({
    sandbox,
  }) => {
    expect(await actions(sandbox, 'download')).toBeUndefined()
    const up = await actions(sandbox, 'upload')
    const upload = up?.['upload']?.href ?? ''
    expect([sandbox.url, sandbox.apiUrl]).not.toContain(new URL(upload).origin)
    expect((await ask(upload, { method: 'PUT', body: file })).status).toBe(200)

    const down = await fetch(await href(sandbox, 'download'))
    expect(Buffer.from(await down.arrayBuffer()).equals(file)).toBe(true)
    expect(await actions(sandbox, 'upload')).toBeUndefined()
    expect(sandbox.requests.filter(({ method }) => method === 'PUT')).toMatchObject([
      { body: '', status: 200 },
    ])
  })

  test('accepts both forms of the URL and each credential, and answers with the type of Git LFS', async ({
    sandbox,
  }) => {
    const { accessToken, apiToken, username } = sandbox.credentials
    const body = { operation: 'download', objects: [{ oid, size: 1 }] }
    for (const path of [
      '/sandbox/hello.git/info/lfs/objects/batch',
      '/sandbox/hello/info/lfs/objects/batch',
    ]) {
      for (const authorization of [
        basic('x-token-auth', accessToken),
        basic('x-bitbucket-api-token-auth', apiToken),
        basic(username, apiToken),
        `Bearer ${sandbox.issue('oauth-token')}`,
      ]) {
        const answer = await lfs(sandbox, path, body, authorization)
        expect(answer).toMatchObject({ status: 200, type })
        expect(JSON.parse(answer.text)).toEqual({
          transfer: 'basic',
          objects: [{ oid, size: 1, error: { code: 404, message: 'Object does not exist' } }],
        })
      }
    }
  })

  test('answers 403 and not 401 without a credential', async () => {
    const { status, type: received, text, headers } = await batch(await start(), 'download')
    expect([status, received]).toEqual([403, type])
    expect(JSON.parse(text).message).toContain(noAccess)
    expect(headers.get('lfs-authenticate') ?? headers.get('www-authenticate')).toBeNull()
  })

  test.each<[string, (s: Sandbox) => string]>([
    ['wrong token', () => basic('x-token-auth', 'wrong')],
    ['email with an API token', (s) => basic(s.credentials.email, s.credentials.apiToken)],
    ['expired OAuth token', (s) => basic('x-token-auth', s.issue('oauth-token', { expired: true }))],
  ])('answers 401 to: %s', async (_, credential) => {
    const sandbox = await start()
    const { status, headers } = await batch(sandbox, 'download', credential(sandbox))
    expect([status, headers.get('lfs-authenticate')]).toEqual([401, 'Basic realm="Bitbucket.org HTTP"'])
  })

  test.each<[string[], number, number]>([
    [['repository'], 200, 403],
    [['pullrequest:write'], 200, 200],
    [['account'], 403, 403],
  ])('answers a token with scopes %j: download %i, upload %i', async (scopes, download, upload) => {
    const sandbox = await start()
    const authorization = basic('x-token-auth', sandbox.issue('oauth-token', { scopes }))
    expect((await batch(sandbox, 'download', authorization)).status).toBe(download)
    expect((await batch(sandbox, 'upload', authorization)).status).toBe(upload)
  })

  test('answers 404 to a token for another repository, and to requests for locks', async ({ sandbox }) => {
    const other = sandbox.issue('access-token', { repositories: ['sandbox/other'] })
    expect((await batch(sandbox, 'download', basic('x-token-auth', other))).status).toBe(404)
    const own = basic('x-token-auth', sandbox.credentials.accessToken)
    const locks = '/sandbox/hello.git/info/lfs/locks/verify'
    expect(await lfs(sandbox, locks, {}, own)).toMatchObject({ status: 404, type })
    expect((await lfs(sandbox, locks, {})).status).toBe(403)
  })

  test.each([
    'no JSON',
    '[]',
    '{"operation":"delete","objects":[]}',
    '{"operation":"upload","objects":[{"oid":"../../x","size":1}]}',
  ])('answers 422 to the body %s', async (body) => {
    const sandbox = await start()
    const headers = { authorization: basic('x-token-auth', sandbox.credentials.accessToken) }
    const url = `${sandbox.url}/sandbox/hello.git/info/lfs/objects/batch`
    expect((await ask(url, { method: 'POST', headers, body })).status).toBe(422)
  })
})

describe('the media host', () => {
  test('refuses every request with a credential', async ({ sandbox }) => {
    const url = await href(sandbox, 'upload')
    for (const authorization of [basic('x-token-auth', sandbox.credentials.accessToken), 'Bearer x']) {
      const answer = await ask(url, { method: 'PUT', headers: { authorization }, body: file })
      expect(answer.status).toBe(400)
      expect(answer.text).toContain('Only one auth mechanism allowed')
    }
    expect(await actions(sandbox, 'download')).toBeUndefined()
  })

  test('accepts a URL only for its own file and direction', async ({ sandbox }) => {
    const url = await href(sandbox, 'upload')
    for (const wrong of [url.slice(0, -1), url.replace(oid, 'f'.repeat(64)), url.replace(/\?.*/, '')]) {
      expect((await ask(wrong, { method: 'PUT', body: file })).status).toBe(403)
    }
    expect((await ask(url)).status).toBe(403)
  })

  test('does not keep content that does not match its id', async ({ sandbox }) => {
    expect((await ask(await href(sandbox, 'upload'), { method: 'PUT', body: 'other' })).status).toBe(400)
    expect(await actions(sandbox, 'download')).toBeUndefined()
  })

  test('leaves no file if the sandbox closes in the middle of an upload', async ({ sandbox }) => {
    const temporary = await directory()
    vi.stubEnv('TMPDIR', temporary)
    onTestFinished(() => void vi.unstubAllEnvs())
    const req = request(await href(sandbox, 'upload'), { method: 'PUT' })
    req.on('error', () => {})
    req.write('x')
    const [made = ''] = readdirSync(temporary)
    const objects = join(temporary, made, 'lfs')
    await vi.waitUntil(() => readdirSync(objects).length === 1, { interval: 5, timeout: 10_000 })
    await sandbox.close()
    expect(existsSync(join(temporary, made))).toBe(false)
  })

  test('says that LFS needs git if there is no git', async ({ sandbox }) => {
    vi.stubEnv('PATH', await directory())
    onTestFinished(() => void vi.unstubAllEnvs())
    const { status, text } = await batch(
      sandbox,
      'download',
      basic('x-token-auth', sandbox.credentials.accessToken),
    )
    expect([status, JSON.parse(text).message]).toEqual([501, expect.stringContaining('there is no git')])
  })
})

interface Ran {
  code: number
  output: string
}

/** Runs real git with git-lfs. All configuration comes from the environment, as in a later step of a CI job. */
class Workstation {
  readonly #home: string
  readonly #sandbox: Sandbox
  password: string

  constructor(home: string, sandbox: Sandbox) {
    this.#home = home
    this.#sandbox = sandbox
    this.password = sandbox.credentials.accessToken
  }

  static async start(): Promise<{ sandbox: Sandbox; station: Workstation }> {
    const sandbox = await start()
    const home = await directory()
    await mkdir(join(home, 'work'))
    return { sandbox, station: new Workstation(home, sandbox) }
  }

  /** What `git lfs install` would write, and a read-only credential helper for the sandbox's host only. */
  get configuration(): [string, string][] {
    const helper = `credential.${this.#sandbox.url}.helper`
    return [
      ['filter.lfs.clean', 'git-lfs clean -- %f'],
      ['filter.lfs.smudge', 'git-lfs smudge -- %f'],
      ['filter.lfs.process', 'git-lfs filter-process'],
      ['filter.lfs.required', 'true'],
      [helper, ''],
      [
        helper,
        `!f() { test "$1" = get && printf 'username=%s\\npassword=%s\\n' x-token-auth "$SECRET"; }; f`,
      ],
    ]
  }

  /** The configuration key that LFS on Bitbucket needs. */
  get access(): [string, string] {
    return [`lfs.${this.#sandbox.url}.access`, 'basic']
  }

  git(directory: string, configuration: [string, string][], ...args: string[]): Promise<Ran> {
    const env: Record<string, string> = {
      ...gitEnvironment(),
      HOME: this.#home,
      SECRET: this.password,
      GIT_CONFIG_COUNT: String(configuration.length),
    }
    for (const [index, [key, value]] of configuration.entries()) {
      env[`GIT_CONFIG_KEY_${index}`] = key
      env[`GIT_CONFIG_VALUE_${index}`] = value
    }
    return new Promise((resolve) => {
      execFile('git', args, { cwd: this.path(directory), env }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), output: stdout + stderr })
      })
    })
  }

  path(...names: string[]): string {
    return join(this.#home, 'work', ...names)
  }

  /** Clones, commits the file under LFS and pushes it to a branch. */
  async push(configuration: [string, string][], url: string): Promise<Ran> {
    await this.git('', configuration, 'clone', '--quiet', url, 'copy')
    await this.git('copy', configuration, 'lfs', 'install', '--local')
    await writeFile(this.path('copy', '.gitattributes'), '*.bin filter=lfs diff=lfs merge=lfs -text\n')
    await writeFile(this.path('copy', 'big.bin'), file)
    await this.git('copy', configuration, 'add', '.')
    await this.git('copy', configuration, 'commit', '--quiet', '--message', 'Big')
    return this.git('copy', configuration, 'push', '--quiet', 'origin', 'HEAD:refs/heads/big')
  }

  clone(configuration: [string, string][], url: string): Promise<Ran> {
    return this.git('', configuration, 'clone', '--quiet', '--branch', 'big', url, 'again')
  }

  async cloned(): Promise<boolean> {
    return (await readFile(this.path('again', 'big.bin'))).equals(file)
  }
}

function ofLfs({ requests }: Sandbox): RecordedRequest[] {
  return requests.filter(({ path }) => path.includes('/info/lfs/') || path.startsWith('/file/'))
}

describe('git-lfs', { tags: ['git-lfs'] }, () => {
  test('pushes and clones with one key for the whole host, and sends no credential to the media host', async () => {
    const { sandbox, station } = await Workstation.start()
    const configuration = [...station.configuration, station.access]
    const url = `${sandbox.url}/${sandbox.repository}.git`
    expect(await station.push(configuration, url)).toMatchObject({ code: 0 })
    expect(await station.clone(configuration, url)).toEqual({ code: 0, output: '' })
    expect(await station.cloned()).toBe(true)

    expect(
      ofLfs(sandbox).map(({ method, path, headers, status }) => [
        method,
        path.replace(/\?.*/, ''),
        headers.authorization !== undefined,
        status,
      ]),
    ).toEqual([
      ['POST', '/sandbox/hello.git/info/lfs/locks/verify', true, 404],
      ['POST', '/sandbox/hello.git/info/lfs/objects/batch', true, 200],
      ['PUT', `/file/${oid}/binary`, false, 200],
      ['POST', '/%7B%7D/%7B5a0d8a10-0000-4000-8000-000000000004%7D/info/lfs/object/verify', true, 200],
      ['POST', '/sandbox/hello.git/info/lfs/objects/batch', true, 200],
      ['GET', `/file/${oid}/binary`, false, 200],
    ])
  })

  test.each<[string, (sandbox: Sandbox) => [[string, string][], string]]>([
    ['a user name in the URL', ({ url }) => [[], url.replace('//', '//someone@')]],
    ['useHttpPath', ({ url }) => [[['credential.useHttpPath', 'true']], url]],
    [
      'an SSH URL that is rewritten to https',
      ({ url }) => [[[`url.${url}/.insteadOf`, 'git@bitbucket.org:']], ''],
    ],
  ])('pushes and clones with %s', async (_, given) => {
    const { sandbox, station } = await Workstation.start()
    const [more, origin] = given(sandbox)
    const configuration = [...station.configuration, station.access, ...more]
    const url = `${origin === '' ? 'git@bitbucket.org:' : `${origin}/`}${sandbox.repository}.git`
    expect(await station.push(configuration, url)).toMatchObject({ code: 0 })
    expect(await station.clone(configuration, url)).toEqual({ code: 0, output: '' })
    expect(await station.cloned()).toBe(true)
  })

  test('gets 403 without that key, because it sends no credential and does not ask the helper', async () => {
    const { sandbox, station } = await Workstation.start()
    const url = `${sandbox.url}/${sandbox.repository}.git`
    await station.push([...station.configuration, station.access], url)
    const before = ofLfs(sandbox).length
    const { code, output } = await station.clone(station.configuration, url)
    expect([code, output]).toEqual([128, expect.stringContaining(noAccess)])
    const tries = ofLfs(sandbox).slice(before)
    expect(new Set(tries.map(({ status }) => status))).toEqual(new Set([403]))
    for (const { headers } of tries) expect(headers.authorization).toBeUndefined()
  })

  test('fails with a key for one repository, because the verification has another path', async () => {
    const { sandbox, station } = await Workstation.start()
    const url = `${sandbox.url}/${sandbox.repository}.git`
    const configuration: [string, string][] = [...station.configuration, [`lfs.${url}.access`, 'basic']]
    expect((await station.push(configuration, url)).output).toContain(noAccess)
    expect(ofLfs(sandbox).at(-1)).toMatchObject({ path: expect.stringContaining('/verify'), status: 403 })
  })

  test('shows the refusal of a read-only token', async () => {
    const { sandbox, station } = await Workstation.start()
    const configuration = [...station.configuration, station.access]
    await station.push(configuration, `${sandbox.url}/${sandbox.repository}.git`)
    await writeFile(station.path('copy', 'more.bin'), 'more')
    await station.git('copy', configuration, 'add', '.')
    await station.git('copy', configuration, 'commit', '--quiet', '--message', 'More')
    station.password = sandbox.issue('access-token', { scopes: ['repository'] })
    expect((await station.git('copy', configuration, 'lfs', 'push', 'origin', 'HEAD')).output).toContain(
      'Your credentials lack one or more required privilege scopes.',
    )
  })
})
