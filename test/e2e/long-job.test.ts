/**
 * @module-tag git
 * @module-tag curl
 */
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { asVariables, type Bitbucket, inputsFor, startBitbucket } from './support/bitbucket.ts'
import { sharedClock } from './support/clock.ts'
import { bundle } from './support/program.ts'
import { makeTree } from './support/run.ts'
import { gitEnvironment } from './support/shell.ts'

const program = `'${process.execPath}' '${bundle}'`
const tokenRequests = ({ requests }: Bitbucket) =>
  requests.filter(({ path }) => path.includes('access_token')).length

/** Runs a script in rounds. After each round, all tokens expire. */
async function runRounds(
  bitbucket: Bitbucket,
  {
    tree,
    clock,
    inputs,
    command,
    round,
    rounds,
  }: {
    readonly tree: string
    readonly clock: ReturnType<typeof sharedClock>
    readonly inputs: Record<string, string>
    readonly command: (script: string) => readonly string[]
    /** What each round does. `$round` is its number. */
    readonly round: string
    readonly rounds: number
  },
) {
  const script = `for round in $(seq ${rounds}); do
    ${round}
    wait; echo "round $round"; while ! test -e "go-$round"; do sleep 0.02; done
  done`
  const [file = '', ...args] = command(script)
  const child = spawn(file, args, {
    cwd: tree,
    env: {
      ...gitEnvironment,
      ...clock.env,
      HOME: tree,
      RUNNER_TEMP: tree,
      BITBUCKET_URL: bitbucket.url,
      BITBUCKET_API_URL: bitbucket.apiUrl,
      ...asVariables(inputs),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = { out: '', err: '' }
  const ended = new Promise((resolve) => child.once('close', resolve))
  child.stderr.on('data', (text) => {
    said.err += text
  })
  child.stdout.on('data', (text) => {
    said.out += text
    const [, done] = /round (\d+)\n$/.exec(said.out) ?? []
    if (done === undefined) return
    clock.advance(3_000)
    writeFileSync(join(tree, `go-${done}`), '')
  })
  return {
    status: await ended,
    lines: said.out.split('\n').filter((line) => !line.startsWith('round')),
    ...said,
  }
}

const user = `
  printf 'Authorization: Bearer %s' "$(${program} print --reuse 2>/dev/null)" |
    curl --silent --output /dev/null --write-out '%{http_code}\\n' --header @- "$BITBUCKET_API_URL/2.0/user" &`
const clone = 'git clone --quiet "$BITBUCKET_URL/sandbox/hello.git" "clone-$round-$n" && echo cloned &'
const tenOfEach = `for n in 1 2 3 4 5 6 7 8 9 10; do ${user}\n${clone}\ndone`

test('a job under exec with 3-second tokens requests as many tokens as expiries, for 20 git and 20 curl in parallel', async () => {
  const tree = makeTree()
  const clock = sharedClock(tree)
  const bitbucket = await startBitbucket({ accessTokenLifetime: 3, now: clock.now })
  const { status, lines } = await runRounds(bitbucket, {
    tree,
    clock,
    inputs: inputsFor.consumer(bitbucket),
    command: (script) => [process.execPath, bundle, 'exec', '--', 'sh', '-c', script],
    round: tenOfEach,
    rounds: 2,
  })
  expect([status, lines.filter((line) => line === 'cloned'), lines.filter((line) => line === '200')]).toEqual(
    [0, Array(20).fill('cloned'), Array(20).fill('200')],
  )
  // One for each time that the tokens have expired, and the first one.
  expect(tokenRequests(bitbucket)).toBe(2)
}, 60_000)

test('a job without exec shares one token, too', async () => {
  const tree = makeTree()
  const clock = sharedClock(tree)
  const bitbucket = await startBitbucket({ accessTokenLifetime: 3, now: clock.now })
  const configure = `export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0="credential.$BITBUCKET_URL.helper" \\
    GIT_CONFIG_VALUE_0="!${program} git-credential"`
  const { status, lines } = await runRounds(bitbucket, {
    tree,
    clock,
    inputs: inputsFor.consumer(bitbucket),
    command: (script) => ['sh', '-c', `${configure}\n${script}`],
    round: `for n in 1 2 3; do ${user}\n${clone}\ndone`,
    rounds: 2,
  })
  expect([status, lines.filter(Boolean).sort()]).toEqual([
    0,
    [...Array(6).fill('200'), ...Array(6).fill('cloned')],
  ])
  expect(tokenRequests(bitbucket)).toBe(2)
}, 60_000)

test('exec renews through a store, and each renewal spends the newest refresh token', async () => {
  const tree = makeTree()
  const clock = sharedClock(tree)
  const bitbucket = await startBitbucket({ accessTokenLifetime: 3, refreshTokenGrace: 1, now: clock.now })
  const { status, lines } = await runRounds(bitbucket, {
    tree,
    clock,
    inputs: { ...inputsFor.refreshToken(bitbucket), 'save-refresh-token': `file:${join(tree, 'kept')}` },
    command: (script) => [process.execPath, bundle, 'exec', '--', 'sh', '-c', script],
    round: user,
    rounds: 3,
  })
  expect([status, lines.filter(Boolean)]).toEqual([0, ['200', '200', '200']])
  expect(tokenRequests(bitbucket)).toBe(3)
})

test.each([
  ['exits 4 if the last refresh token could not be saved', 3, 4],
  ['exits 0 if only an earlier refresh token could not be saved', 2, 0],
])('exec %s', async (_, failing, expected) => {
  const tree = makeTree()
  const clock = sharedClock(tree)
  const bitbucket = await startBitbucket({ accessTokenLifetime: 3, now: clock.now })
  const { status, err } = await runRounds(bitbucket, {
    tree,
    clock,
    inputs: {
      ...inputsFor.refreshToken(bitbucket),
      'save-refresh-token': `command:echo >>saves; ! test $(wc -l <saves) -eq ${failing}`,
      retries: '0',
    },
    command: (script) => [process.execPath, bundle, 'exec', '--', 'sh', '-c', script],
    round: user,
    rounds: 3,
  })
  expect([status, err.split('could not be saved').length - 1]).toEqual([expected, failing === 3 ? 2 : 1])
})

test.each(['token', 'authorization', 'sh', 'dotenv', 'powershell', 'json', 'netrc'])(
  'print --reuse --format %s gives the token of exec',
  async (format) => {
    const bitbucket = await startBitbucket()
    const { out } = await runRounds(bitbucket, {
      tree: makeTree(),
      clock: sharedClock(makeTree()),
      inputs: inputsFor.apiToken(bitbucket),
      command: (script) => [process.execPath, bundle, 'exec', '--no-redact', '--', 'sh', '-c', script],
      round: `${program} print --reuse --format ${format}`,
      rounds: 1,
    })
    const { apiToken, email } = bitbucket.credentials
    const basic = Buffer.from(`${email}:${apiToken}`).toString('base64')
    expect(out).toContain(format === 'authorization' ? `Basic ${basic}` : apiToken)
  },
)
