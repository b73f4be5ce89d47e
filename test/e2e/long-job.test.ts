/**
 * @module-tag git
 * @module-tag curl
 */
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { SandboxOptions } from '../../src/sandbox/index.ts'
import {
  type Bitbucket,
  inputsFor,
  startBitbucket,
  tokenRequests,
  variablesFor,
} from './support/bitbucket.ts'
import { sharedClock } from './support/clock.ts'
import { bundle } from './support/program.ts'
import { makeTree } from './support/run.ts'
import { gitEnvironment } from './support/shell.ts'

const program = `'${process.execPath}' '${bundle}'`

const underExec = (script: string): readonly string[] => [
  process.execPath,
  ...[bundle, 'exec', '--', 'sh', '-c', script],
]

interface Rounds {
  /** What each round does, in sh. `$round` is its number. */
  readonly round: string
  readonly rounds: number
  /** Default: those of an OAuth consumer. */
  readonly inputs?: (bitbucket: Bitbucket) => Record<string, string>
  /** Returns the command that runs the script of all rounds. Default: `exec`. */
  readonly command?: (script: string) => readonly string[]
  readonly sandbox?: SandboxOptions
}

/** Runs a script in rounds. OAuth tokens are valid for three seconds, and after each round all of them expire. */
async function runRounds({
  round,
  rounds,
  inputs = inputsFor.consumer,
  command = underExec,
  sandbox = {},
}: Rounds) {
  const tree = makeTree()
  const clock = sharedClock(tree)
  const bitbucket = await startBitbucket({ accessTokenLifetime: 3, now: clock.now, ...sandbox })
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
      ...variablesFor(bitbucket, inputs(bitbucket)),
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
    bitbucket,
    status: await ended,
    lines: said.out.split('\n').filter((line) => !line.startsWith('round')),
    ...said,
  }
}

const readUser = `
  printf 'Authorization: Bearer %s' "$(${program} print --reuse 2>/dev/null)" |
    curl --silent --output /dev/null --write-out '%{http_code}\\n' --header @- "$BITBUCKET_API_URL/2.0/user" &`
const clone = 'git clone --quiet "$BITBUCKET_URL/sandbox/hello.git" "clone-$round-$n" && echo cloned &'
const both = (times: number) => `for n in $(seq ${times}); do ${readUser}\n${clone}\ndone`
const answers = (times: number) => [...Array(times).fill('200'), ...Array(times).fill('cloned')]

test('under exec, 20 git and 20 curl commands request only as many tokens as have expired', async () => {
  const { bitbucket, status, lines } = await runRounds({ round: both(10), rounds: 2 })
  expect([status, lines.filter(Boolean).sort()]).toEqual([0, answers(20)])
  // One for each time that the tokens have expired, and the first one.
  expect(tokenRequests(bitbucket)).toBe(2)
}, 60_000)

test('without exec too, git and curl share one token until it expires', async () => {
  const configure = `export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0="credential.$BITBUCKET_URL.helper" \\
    GIT_CONFIG_VALUE_0="!${program} git-credential"`
  const { bitbucket, status, lines } = await runRounds({
    round: both(3),
    rounds: 2,
    command: (script) => ['sh', '-c', `${configure}\n${script}`],
  })
  expect([status, lines.filter(Boolean).sort()]).toEqual([0, answers(6)])
  expect(tokenRequests(bitbucket)).toBe(2)
}, 60_000)

test('exec renews through a store, and each renewal spends the newest refresh token', async () => {
  const { bitbucket, status, lines } = await runRounds({
    round: readUser,
    rounds: 3,
    inputs: (bitbucket) => ({ ...inputsFor.refreshToken(bitbucket), 'save-refresh-token': 'file:kept' }),
    sandbox: { refreshTokenGrace: 1 },
  })
  expect([status, lines.filter(Boolean)]).toEqual([0, ['200', '200', '200']])
  expect(tokenRequests(bitbucket)).toBe(3)
}, 60_000)

test.each([
  ['exits 4 if the last refresh token could not be saved', 3, 4],
  ['exits 0 if only an earlier refresh token could not be saved', 2, 0],
])(
  'exec %s',
  async (_, failing, expected) => {
    const { status, err } = await runRounds({
      round: readUser,
      rounds: 3,
      inputs: (bitbucket) => ({
        ...inputsFor.refreshToken(bitbucket),
        'save-refresh-token': `command:echo >>saves; ! test $(wc -l <saves) -eq ${failing}`,
        retries: '0',
      }),
    })
    expect([status, err.split('could not be saved').length - 1]).toEqual([expected, failing === 3 ? 2 : 1])
  },
  60_000,
)

test.each(['token', 'authorization', 'sh', 'dotenv', 'powershell', 'json', 'netrc'])(
  'print --reuse --format %s gives the token of exec',
  async (format) => {
    const { bitbucket, out } = await runRounds({
      round: `${program} print --reuse --format ${format}`,
      rounds: 1,
      inputs: inputsFor.apiToken,
      command: (script) => underExec(script).toSpliced(3, 0, '--no-redact'),
    })
    const { apiToken, email } = bitbucket.credentials
    const basic = Buffer.from(`${email}:${apiToken}`).toString('base64')
    expect(out).toContain(format === 'authorization' ? `Basic ${basic}` : apiToken)
  },
)
