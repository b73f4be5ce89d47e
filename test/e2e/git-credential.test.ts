import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { asVariables, type Bitbucket, inputsFor, startBitbucket } from './support/bitbucket.ts'
import { repeats } from './support/faults.ts'
import { bundle, runBundle } from './support/program.ts'
import { makeTree } from './support/run.ts'
import { secretsIn } from './support/secrets.ts'
import { git } from './support/shell.ts'

/** A clock that the sandbox and each helper that git starts go by, and that only the test moves. */
function sharedClock(tree: string) {
  const file = join(tree, 'time')
  let time = Date.now()
  const set = () => writeFileSync(file, String(time))
  set()
  const preload = join(tree, 'clock.mjs')
  writeFileSync(
    preload,
    `import { readFileSync } from 'node:fs'\nDate.now = () => Number(readFileSync(${JSON.stringify(file)}, 'utf8'))\n`,
  )
  return {
    now: () => time,
    advance(milliseconds: number) {
      time += milliseconds
      set()
    },
    env: { NODE_OPTIONS: `--import ${preload}` },
  }
}

/** What a person sets up who wires the helper by hand. */
function wired(bitbucket: Bitbucket, tree: string): Record<string, string> {
  return {
    RUNNER_TEMP: tree,
    BITBUCKET_URL: bitbucket.url,
    BITBUCKET_API_URL: bitbucket.apiUrl,
    ...asVariables(inputsFor.consumer(bitbucket)),
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: `credential.${bitbucket.url}.helper`,
    GIT_CONFIG_VALUE_0: `!'${process.execPath}' '${bundle}' git-credential`,
  }
}

const tokenRequests = ({ requests }: Bitbucket) =>
  requests.filter(({ path }) => path.includes('access_token')).length

/** Talks to the helper as git does. */
function ask(
  env: Record<string, string>,
  operation: string,
  request: string,
): Promise<{ status: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [bundle, 'git-credential', operation], { env })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk) => {
      stdout += chunk
    })
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    child.on('error', reject)
    child.on('close', (status) => resolve({ status, stdout, stderr }))
    child.stdin.end(request)
  })
}

const requestFor = (url: string): string => {
  const { protocol, host } = new URL(url)
  return `protocol=${protocol.slice(0, -1)}\nhost=${host}\n\n`
}

test('a server that repeats what it was sent is not repeated', async () => {
  const bitbucket = await startBitbucket()
  bitbucket.script(repeats)
  const { status, stdout, stderr } = await ask(wired(bitbucket, makeTree()), 'get', requestFor(bitbucket.url))
  expect([status, stdout, stderr]).toEqual([3, '', expect.stringContaining('What is Basic ***?')])
})

test('nor is the newest refresh token, which nobody has given', async () => {
  const tree = makeTree()
  const clock = sharedClock(tree)
  const bitbucket = await startBitbucket({ now: clock.now })
  const env = {
    ...wired(bitbucket, tree),
    ...clock.env,
    ...asVariables(inputsFor.refreshToken(bitbucket)),
  }
  expect((await ask(env, 'get', requestFor(bitbucket.url))).status).toBe(0)
  clock.advance(8_000_000)
  bitbucket.script((_req, res) => {
    const reason = { error: 'invalid_request', error_description: bitbucket.requests.at(-1)?.body }
    res.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify(reason))
  })
  const { status, stderr } = await ask(env, 'get', requestFor(bitbucket.url))
  expect([status, secretsIn(stderr, bitbucket.secrets)]).toEqual([3, []])
  expect(stderr).toContain('refresh_token=***')
})

test('twenty clones over several expiries, and no more requests for a token than those take', async () => {
  const tree = makeTree()
  const clock = sharedClock(tree)
  const bitbucket = await startBitbucket({ accessTokenLifetime: 3, now: clock.now })
  const env = { ...wired(bitbucket, tree), ...clock.env }
  for (let clone = 0; clone < 20; clone++) {
    await git(tree, env, 'clone', '--quiet', `${bitbucket.url}/sandbox/hello.git`, `clone-${clone}`)
    clock.advance(500)
  }
  expect(readdirSync(tree).filter((name) => name.startsWith('clone-'))).toHaveLength(20)
  // Ten seconds of tokens that live three.
  expect(tokenRequests(bitbucket)).toBe(4)
})

test('parallel fetches ask for a token once', async () => {
  const tree = makeTree()
  const bitbucket = await startBitbucket()
  const env = wired(bitbucket, tree)
  const clones = Array.from({ length: 6 }, (_, index) =>
    git(tree, env, 'clone', '--quiet', `${bitbucket.url}/sandbox/hello.git`, `clone-${index}`),
  )
  await Promise.all(clones)
  expect(tokenRequests(bitbucket)).toBe(1)
})

test('a refresh token rotates from one token to the next', async () => {
  const tree = makeTree()
  const clock = sharedClock(tree)
  const bitbucket = await startBitbucket({ accessTokenLifetime: 3, refreshTokenGrace: 1, now: clock.now })
  const env = { ...wired(bitbucket, tree), ...asVariables(inputsFor.refreshToken(bitbucket)), ...clock.env }
  for (let clone = 0; clone < 3; clone++) {
    await git(tree, env, 'clone', '--quiet', `${bitbucket.url}/sandbox/hello.git`, `clone-${clone}`)
    clock.advance(5_000)
  }
  expect(tokenRequests(bitbucket)).toBe(3)
})

test('the token of a Connect app is kept too, each with the scopes it was asked for', async () => {
  const tree = makeTree()
  const bitbucket = await startBitbucket()
  const { BITBUCKET_CLIENT_ID: _, BITBUCKET_CLIENT_SECRET: __, ...rest } = wired(bitbucket, tree)
  const env = { ...rest, ...asVariables(inputsFor.connectApp(bitbucket)) }
  const tokens = []
  for (const scopes of ['', '', 'repository']) {
    const { stdout } = await ask({ ...env, BITBUCKET_SCOPES: scopes }, 'get', requestFor(bitbucket.url))
    tokens.push(/^password=(.*)$/m.exec(stdout)?.[1])
  }
  expect(tokens[1]).toBe(tokens[0])
  expect(tokens[2]).not.toBe(tokens[0])
  expect(tokenRequests(bitbucket)).toBe(2)
})

test('submodules of a checkout action, whose inputs and state the helper inherits', async () => {
  const tree = makeTree()
  const bitbucket = await startBitbucket()
  const state = join(tree, 'GITHUB_STATE')
  writeFileSync(state, 'isPost<<end\ntrue\nend\n')
  // What actions/checkout 7 has in its environment when it starts git (action.yml, state-helper.ts).
  const env = {
    ...wired(bitbucket, tree),
    GITHUB_ACTIONS: 'true',
    GITHUB_STATE: state,
    GITHUB_ENV: join(tree, 'GITHUB_ENV'),
    GITHUB_OUTPUT: join(tree, 'GITHUB_OUTPUT'),
    INPUT_REPOSITORY: 'acme/website',
    INPUT_TOKEN: 'of-github',
    'INPUT_SSH-STRICT': 'true',
    'INPUT_PERSIST-CREDENTIALS': 'true',
    INPUT_SUBMODULES: 'true',
    'INPUT_SET-SAFE-DIRECTORY': 'true',
    'INPUT_GITHUB-SERVER-URL': '',
    STATE_isPost: 'true',
    STATE_repositoryPath: tree,
  }
  await git(tree, env, 'init', '--quiet', 'website')
  const website = join(tree, 'website')
  await git(website, env, 'submodule', '--quiet', 'add', `${bitbucket.url}/sandbox/hello.git`, 'hello')
  await git(website, env, 'commit', '--quiet', '--message', 'Add a submodule')
  await git(tree, env, 'clone', '--quiet', 'website', 'checkout')
  await git(join(tree, 'checkout'), env, 'submodule', '--quiet', 'update', '--init', '--recursive')
  expect(existsSync(join(tree, 'checkout/hello/README.md'))).toBe(true)
  expect(readFileSync(state, 'utf8')).toBe('isPost<<end\ntrue\nend\n')
  expect(['GITHUB_ENV', 'GITHUB_OUTPUT'].filter((name) => existsSync(join(tree, name)))).toEqual([])
})

test('a token that git says was refused is not given out again', async () => {
  const tree = makeTree()
  const bitbucket = await startBitbucket()
  const env = wired(bitbucket, tree)
  const first = await ask(env, 'get', requestFor(bitbucket.url))
  const token = /^password=(.*)$/m.exec(first.stdout)?.[1] ?? ''
  bitbucket.revoke(token)
  const erased = await ask(env, 'erase', `${requestFor(bitbucket.url).trimEnd()}\npassword=${token}\n\n`)
  expect(erased).toEqual({ status: 0, stdout: '', stderr: '' })
  await git(tree, env, 'clone', '--quiet', `${bitbucket.url}/sandbox/hello.git`)
  expect(tokenRequests(bitbucket)).toBe(2)
})

test("the answer is in git's format and nothing else is on stdout, not even on GitHub", async () => {
  const tree = makeTree()
  const bitbucket = await startBitbucket()
  const answer = await ask(
    { ...wired(bitbucket, tree), GITHUB_ACTIONS: 'true' },
    'get',
    requestFor(bitbucket.url),
  )
  expect(answer.status).toBe(0)
  expect(answer.stderr).toBe(
    `Using BITBUCKET_URL ${bitbucket.url} instead of https://bitbucket.org. Your secrets will be sent there.\n`,
  )
  expect(answer.stdout).toMatch(/^username=x-token-auth\npassword=\S+\npassword_expiry_utc=\d+\n$/)
})

test('no answer for another host or protocol, and no request', async () => {
  const bitbucket = await startBitbucket()
  const env = wired(bitbucket, makeTree())
  const { host } = new URL(bitbucket.url)
  for (const request of ['protocol=http\nhost=example.com\n\n', `protocol=https\nhost=${host}\n\n`, '\n']) {
    expect(await ask(env, 'get', request)).toEqual({ status: 0, stdout: '', stderr: '' })
  }
  expect(bitbucket.requests).toEqual([])
})

/** Variables without a credential, and some that cannot be read. */
const unusable: Record<string, Record<string, string>> = {
  'no credential': {},
  'half a credential': { BITBUCKET_CLIENT_ID: 'key' },
  'a bad input': { BITBUCKET_CLIENT_ID: '"key"', BITBUCKET_TIMEOUT: 'soon', BITBUCKET_URL: 'ftp://x' },
  'a cache that is a file': { BITBUCKET_ACCESS_TOKEN: 'x', RUNNER_TEMP: '/dev/null' },
}

test.each(
  ['store', 'erase'].flatMap((operation) => Object.keys(unusable).map((what) => [operation, what] as const)),
)('%s ends with 0 and in silence, with %s', async (operation, what) => {
  const env = { PATH: process.env['PATH'] ?? '', ...unusable[what] }
  const request = `${requestFor('https://bitbucket.org')}password=x\n\n`
  for (const text of [request, '', 'nonsense', '\0'])
    expect(await ask(env, operation, text)).toEqual({ status: 0, stdout: '', stderr: '' })
})

test('store ends with 0, and asks nothing', async () => {
  const bitbucket = await startBitbucket()
  const env = wired(bitbucket, makeTree())
  expect(await ask(env, 'store', requestFor(bitbucket.url))).toEqual({ status: 0, stdout: '', stderr: '' })
  expect(bitbucket.requests).toEqual([])
})

test.each(['', 'capability', 'got', '--help-me'])('the operation %j is a usage error', async (operation) => {
  const bitbucket = await startBitbucket()
  const env = wired(bitbucket, makeTree())
  const { status, stdout, stderr } = await ask(env, operation, requestFor(bitbucket.url))
  expect([status, stdout, stderr]).toEqual([2, '', expect.stringMatching(/^error: /)])
  expect(bitbucket.requests).toEqual([])
})

test('without an operation it says which there are', async () => {
  const { status, stderr } = await runBundle({ args: ['git-credential'], env: {}, cwd: makeTree() })
  expect([status, stderr]).toEqual([2, expect.stringContaining('Use one of: get, store, erase.')])
})

/** What git may say of `http://localhost:PORT`. */
const asked = (host: string) => ({
  'in upper case': `protocol=http\nhost=${host.toUpperCase()}\n\n`,
  'with CRLF': `protocol=http\r\nhost=${host}\r\n\r\n`,
  'without an empty line at the end': `protocol=http\nhost=${host}`,
  'with a path, as useHttpPath has it': `protocol=http\nhost=${host}\npath=acme/website.git\n\n`,
  'with a user name': `protocol=http\nhost=${host}\nusername=ada\n\n`,
  'with what a newer git says': `capability[]=authtype\ncapability[]=state\nprotocol=http\nhost=${host}\nwwwauth[]=Basic realm="x=y"\nunknown=1\nno value\n\n`,
  'as a URL': `url=http://ada@${host}/acme/website.git\n\n`,
})

test.each(Object.keys(asked('')) as (keyof ReturnType<typeof asked>)[])(
  'a host %s is the same',
  async (how) => {
    const bitbucket = await startBitbucket()
    const url = bitbucket.url.replace('127.0.0.1', 'localhost')
    const env = { ...wired(bitbucket, makeTree()), BITBUCKET_URL: url }
    const { status, stdout } = await ask(env, 'get', asked(new URL(url).host)[how])
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^username=x-token-auth\npassword=\S+\n/)])
  },
)

const given = { BITBUCKET_ACCESS_TOKEN: 'a-token-that-nobody-checks', PATH: process.env['PATH'] ?? '' }

test.each([
  ['https://bitbucket.org', 'https', 'BitBucket.ORG'],
  ['https://bitbucket.org', 'https', 'bitbucket.org:443'],
  ['https://bitbucket.org', 'https', 'bitbucket.org:'],
  ['https://bitbucket.org', 'HTTPS', 'bitbucket.org'],
  ['https://Git.Example:8443/', 'https', 'git.example:8443'],
  ['http://[::1]:7990', 'http', '[0:0::1]:7990'],
  ['http://localhost', 'http', 'LOCALHOST:80'],
])('for %s git is answered on %s and %s', async (url, protocol, host) => {
  const env = { ...given, BITBUCKET_URL: url }
  const { stdout } = await ask(env, 'get', `protocol=${protocol}\nhost=${host}\n\n`)
  expect(stdout).toContain('password=a-token-that-nobody-checks\n')
})

test.each([
  ['http', 'bitbucket.org'],
  ['http', 'bitbucket.org:443'],
  ['https', 'bitbucket.org:80'],
  ['https', 'bitbucket.org.'],
  ['https', 'bitbucket.org.evil.example'],
  ['https', 'evil.example/bitbucket.org'],
  ['https', 'bitbucket.org@evil.example'],
  ['https', 'bitbucket.org/@evil.example'],
  ['https', 'evil.example#bitbucket.org'],
  ['https', 'bit\tbucket.org'],
  ['https', '%62itbucket.org'],
  ['https', 'ｂitbucket.org'],
  ['https', ''],
  ['', 'bitbucket.org'],
  ['https://bitbucket.org/', 'bitbucket.org'],
])('git is not answered on %j and %j', async (protocol, host) => {
  const answer = await ask(given, 'get', `protocol=${protocol}\nhost=${host}\n\n`)
  expect(answer).toEqual({ status: 0, stdout: '', stderr: '' })
})

test('a refusal is said on stderr, and git is given nothing', async () => {
  const bitbucket = await startBitbucket()
  const env = { ...wired(bitbucket, makeTree()), BITBUCKET_CLIENT_SECRET: 'not-the-one' }
  const answer = await ask(env, 'get', requestFor(bitbucket.url))
  expect(answer).toMatchObject({ status: 3, stdout: '' })
  expect(answer.stderr).toContain('Bitbucket refused the client credentials')
  expect(answer.stderr).not.toContain('not-the-one')
})

test('the token lies in a file of our own, in a directory of our own', async () => {
  const tree = makeTree()
  const bitbucket = await startBitbucket()
  await ask(wired(bitbucket, tree), 'get', requestFor(bitbucket.url))
  const [name = ''] = readdirSync(tree)
  const [file = '', ...others] = readdirSync(join(tree, name))
  expect(others).toEqual([])
  expect(statSync(join(tree, name)).mode & 0o777).toBe(0o700)
  expect(statSync(join(tree, name, file)).mode & 0o777).toBe(0o600)
  expect(file).not.toContain(bitbucket.credentials.clientId)
  expect(readFileSync(join(tree, name, file), 'utf8')).not.toContain(bitbucket.credentials.clientSecret)
  expect(existsSync(join(tree, name, `${file}.lock`))).toBe(false)
})
