import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import {
  asVariables,
  type Bitbucket,
  inputsFor,
  startBitbucket,
  test,
  tokenRequests,
  variablesFor,
} from './support/bitbucket.ts'
import { sharedClock } from './support/clock.ts'
import { repeats } from './support/faults.ts'
import { bundle, runBundle } from './support/program.ts'
import { makeTree } from './support/run.ts'
import { secretsIn } from './support/secrets.ts'
import { git } from './support/shell.ts'

/** Returns the variables of a person who configures the helper by hand. */
function configured(bitbucket: Bitbucket, tree: string): Record<string, string> {
  return {
    RUNNER_TEMP: tree,
    ...variablesFor(bitbucket),
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: `credential.${bitbucket.url}.helper`,
    GIT_CONFIG_VALUE_0: `!'${process.execPath}' '${bundle}' git-credential`,
  }
}

/** Runs the helper with a request, as git does. */
async function ask(env: Record<string, string>, operation: string, request: string) {
  const args = ['git-credential', operation]
  const { status, stdout, stderr } = await runBundle({ args, env, cwd: '/', stdin: request })
  return { status, stdout, stderr }
}

const requestFor = (url: string): string => {
  const { protocol, host } = new URL(url)
  return `protocol=${protocol.slice(0, -1)}\nhost=${host}\n\n`
}

test('masks the client secret if the server repeats it', async ({ bitbucket }) => {
  bitbucket.script(repeats)
  const { status, stdout, stderr } = await ask(
    configured(bitbucket, makeTree()),
    'get',
    requestFor(bitbucket.url),
  )
  expect([status, stdout, stderr]).toEqual([3, '', expect.stringContaining('What is Basic ***?')])
})

test('masks the newest refresh token if the server repeats it, although it was not an input', async ({
  tree,
}) => {
  const clock = sharedClock(tree)
  const bitbucket = await startBitbucket({ now: clock.now })
  const env = {
    ...configured(bitbucket, tree),
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

test('caches the token of a Connect app, separately for each set of scopes', async ({ bitbucket, tree }) => {
  const { BITBUCKET_CLIENT_ID: _, BITBUCKET_CLIENT_SECRET: __, ...rest } = configured(bitbucket, tree)
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

test('works for submodules of a checkout action, whose inputs and state the helper inherits', async ({
  bitbucket,
}) => {
  const tree = makeTree()
  const state = join(tree, 'GITHUB_STATE')
  writeFileSync(state, 'isPost<<end\ntrue\nend\n')
  // The environment in which actions/checkout 7 starts git (action.yml, state-helper.ts).
  const env = {
    ...configured(bitbucket, tree),
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

test('does not return a token again after git has erased it', async ({ bitbucket, tree }) => {
  const env = configured(bitbucket, tree)
  const first = await ask(env, 'get', requestFor(bitbucket.url))
  const token = /^password=(.*)$/m.exec(first.stdout)?.[1] ?? ''
  bitbucket.revoke(token)
  const erased = await ask(env, 'erase', `${requestFor(bitbucket.url).trimEnd()}\npassword=${token}\n\n`)
  expect(erased).toEqual({ status: 0, stdout: '', stderr: '' })
  await git(tree, env, 'clone', '--quiet', `${bitbucket.url}/sandbox/hello.git`)
  expect(tokenRequests(bitbucket)).toBe(2)
})

test("writes only an answer in git's format to stdout, even on GitHub", async ({ bitbucket, tree }) => {
  const answer = await ask(
    { ...configured(bitbucket, tree), GITHUB_ACTIONS: 'true' },
    'get',
    requestFor(bitbucket.url),
  )
  expect(answer.status).toBe(0)
  expect(answer.stderr).toBe(
    `Using BITBUCKET_URL ${bitbucket.url} instead of https://bitbucket.org. Your secrets will be sent there.\n`,
  )
  expect(answer.stdout).toMatch(/^username=x-token-auth\npassword=\S+\npassword_expiry_utc=\d+\n$/)
})

test('gives no answer and sends no request for another host or protocol', async ({ bitbucket }) => {
  const env = configured(bitbucket, makeTree())
  const { host } = new URL(bitbucket.url)
  for (const request of ['protocol=http\nhost=example.com\n\n', `protocol=https\nhost=${host}\n\n`, '\n']) {
    expect(await ask(env, 'get', request)).toEqual({ status: 0, stdout: '', stderr: '' })
  }
  expect(bitbucket.requests).toEqual([])
})

/** Variables without a usable credential. */
const unusable: Record<string, Record<string, string>> = {
  'no credential': {},
  'half a credential': { BITBUCKET_CLIENT_ID: 'key' },
  'a bad input': { BITBUCKET_CLIENT_ID: '"key"', BITBUCKET_TIMEOUT: 'soon', BITBUCKET_URL: 'ftp://x' },
  'a cache that is a file': { BITBUCKET_ACCESS_TOKEN: 'x', RUNNER_TEMP: '/dev/null' },
}

test.each(
  ['store', 'erase'].flatMap((operation) => Object.keys(unusable).map((what) => [operation, what] as const)),
)('%s exits 0 without output, with %s', async (operation, what) => {
  const env = { PATH: process.env['PATH'] ?? '', ...unusable[what] }
  const request = `${requestFor('https://bitbucket.org')}password=x\n\n`
  for (const text of [request, '', 'nonsense', '\0'])
    expect(await ask(env, operation, text)).toEqual({ status: 0, stdout: '', stderr: '' })
})

test('store exits 0 and sends no request', async ({ bitbucket }) => {
  const env = configured(bitbucket, makeTree())
  expect(await ask(env, 'store', requestFor(bitbucket.url))).toEqual({ status: 0, stdout: '', stderr: '' })
  expect(bitbucket.requests).toEqual([])
})

test.each(['', 'capability', 'got', '--help-me'])('exits 2 for the operation %j', async (operation) => {
  const bitbucket = await startBitbucket()
  const env = configured(bitbucket, makeTree())
  const { status, stdout, stderr } = await ask(env, operation, requestFor(bitbucket.url))
  expect([status, stdout, stderr]).toEqual([2, '', expect.stringMatching(/^error: /)])
  expect(bitbucket.requests).toEqual([])
})

test('exits 2 and lists the operations if none is given', async () => {
  const { status, stderr } = await runBundle({ args: ['git-credential'], env: {}, cwd: makeTree() })
  expect([status, stderr]).toEqual([2, expect.stringContaining('The operations are: get, store, erase.')])
})

/** Requests that git may send for `http://localhost:PORT`. */
const requestsBy = (host: string) => ({
  'in upper case': `protocol=http\nhost=${host.toUpperCase()}\n\n`,
  'with CRLF': `protocol=http\r\nhost=${host}\r\n\r\n`,
  'without an empty line at the end': `protocol=http\nhost=${host}`,
  'with a path, as with useHttpPath': `protocol=http\nhost=${host}\npath=acme/website.git\n\n`,
  'with a user name': `protocol=http\nhost=${host}\nusername=ada\n\n`,
  'with attributes of a newer git': `capability[]=authtype\ncapability[]=state\nprotocol=http\nhost=${host}\nwwwauth[]=Basic realm="x=y"\nunknown=1\nno value\n\n`,
  'as a URL': `url=http://ada@${host}/acme/website.git\n\n`,
})

test.each(Object.keys(requestsBy('')) as (keyof ReturnType<typeof requestsBy>)[])(
  'answers a request for its host %s',
  async (how) => {
    const bitbucket = await startBitbucket()
    const url = bitbucket.url.replace('127.0.0.1', 'localhost')
    const env = { ...configured(bitbucket, makeTree()), BITBUCKET_URL: url }
    const { status, stdout } = await ask(env, 'get', requestsBy(new URL(url).host)[how])
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
])('with the url %s, answers for %s and %s', async (url, protocol, host) => {
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
])('does not answer for %j and %j', async (protocol, host) => {
  const answer = await ask(given, 'get', `protocol=${protocol}\nhost=${host}\n\n`)
  expect(answer).toEqual({ status: 0, stdout: '', stderr: '' })
})

test('exits 3 with an error on stderr and an empty stdout if Bitbucket refuses the credential', async ({
  bitbucket,
}) => {
  const env = { ...configured(bitbucket, makeTree()), BITBUCKET_CLIENT_SECRET: 'not-the-one' }
  const answer = await ask(env, 'get', requestFor(bitbucket.url))
  expect(answer).toMatchObject({ status: 3, stdout: '' })
  expect(answer.stderr).toContain('Bitbucket refused the client credentials')
  expect(answer.stderr).not.toContain('not-the-one')
})
