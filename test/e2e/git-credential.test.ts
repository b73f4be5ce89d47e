import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { asVariables, type Bitbucket, inputsFor, startBitbucket } from './support/bitbucket.ts'
import { repeats } from './support/faults.ts'
import { bundle } from './support/program.ts'
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

test('store, and an operation that git may add one day, do nothing', async () => {
  const bitbucket = await startBitbucket()
  const env = wired(bitbucket, makeTree())
  for (const operation of ['store', 'capability']) {
    expect(await ask(env, operation, requestFor(bitbucket.url))).toEqual({
      status: 0,
      stdout: '',
      stderr: '',
    })
  }
  expect(bitbucket.requests).toEqual([])
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
