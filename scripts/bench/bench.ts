/**
 * `npm run bench [rounds] [--peers]` measures whole processes that talk TLS to a server on loopback. It compares them as
 * ratios within one run, because machines are noisy. It exits 1 if a limit is exceeded. `--peers` adds published libraries
 * from the npm registry.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { startSandbox } from '../../src/sandbox/index.ts'
import { inputVariables } from '../../test/support/action-inputs.ts'
import { httpsFront } from './https-front.ts'
import { type Contestant, type Figures, loadedFiles, median, pairedRatio, race, warmUp } from './measure.ts'
import { installPeers } from './peers.ts'
import { throughput } from './throughput.ts'

const options = process.argv.slice(2)
const rounds = Number(options.find((option) => /^\d+$/.test(option)) ?? 21)
/** A ratio of times that exceeds its limit by this factor or less counts as noise. More rounds run before it is accepted. */
const noise = 1.05
const mostRounds = 3 * rounds

const dist = join(import.meta.dirname, '../../dist')
const program = join(dist, 'index.js')
/** What is in each file of dist, as one section for each file (scripts/contents.ts). */
const contents = readFileSync(join(dist, 'contents.txt'), 'utf8').split('\n\n')
const sandbox = await startSandbox()
const temp = mkdtempSync(join(tmpdir(), 'bitbucket-token-bench-'))
const front = await httpsFront(sandbox.url, temp)
/** GitHub empties it before each job. Otherwise each run would read the git configuration of all runs before it. */
const runnerTemp = join(temp, 'runner')
mkdirSync(runnerTemp)
try {
  const contestants = new Map(Object.entries(own()))
  if (options.includes('--peers')) {
    const directory = join(temp, 'peers')
    mkdirSync(directory)
    for (const [name, peer] of installPeers(directory, action(inputs()))) contestants.set(name, peer)
  } else console.log('Without published libraries; --peers installs them from the npm registry.')
  await warmUp(contestants)

  const all = new Map<string, Figures>()
  await race(contestants, rounds, all)
  while (limits(all).some(isUnsure) && (all.get('post')?.wall.length ?? 0) < mostRounds) {
    await race(contestants, rounds, all)
  }
  const done = all.get('post')?.wall.length
  console.log(`node ${process.version}, ${done} rounds; medians of whole processes, over TLS on loopback\n`)
  console.log(row(['contestant', 'wall ms', 'cpu ms', 'peak MiB', '× node -e 0']))
  for (const [name, { wall, cpu, peak }] of all) {
    const ratio = pairedRatio(wall, figuresOf('node -e 0', all).wall)
    console.log(row([name, ...[median(wall), median(cpu), median(peak)].map(oneDigit), ratio.toFixed(2)]))
  }

  // The goal is 200 MB/s, which are 5 s. The limit is a ratio, because the time alone depends on what else the machine does.
  const gigabyte = 1_000 / (await throughput(program, '--redact', own().print.env, temp))
  const unredacted = 1_000 / (await throughput(program, '--no-redact', own().print.env, temp))
  console.log(
    `\nexec passes on a gigabyte of output in ${gigabyte.toFixed(2)} s redacted, ${unredacted.toFixed(2)} s unchanged`,
  )

  const loaded = await loadedFiles(own()['happy path'], dist)
  const bytes = [...loaded.values()].reduce((sum, size) => sum + size, 0)
  const files = [...loaded].map(([file, size]) => `${basename(file)} ${size}`).join(', ')
  console.log(`\ndist loaded for a happy run: ${files}\n`)
  for (const limit of [
    ...limits(all),
    { name: 'output: exec --redact / exec --no-redact', figure: gigabyte / unredacted, most: 5, noise: 1.2 },
    { name: 'dist loaded, kB', figure: bytes / 1_000, most: 135, noise: 1 },
    { name: 'dist for jobs, kB', figure: sizeOf(isForJobs) / 1_000, most: 280, noise: 1 },
    { name: 'dist in all, kB', figure: sizeOf(() => true) / 1_000, most: 430, noise: 1 },
  ]) {
    const verdict = limit.figure <= limit.most ? 'ok' : isBroken(limit) ? 'TOO MUCH' : 'ok, within noise'
    console.log(
      `${limit.name.padEnd(44)}${limit.figure.toFixed(2).padStart(7)} of at most ${limit.most}  ${verdict}`,
    )
    if (isBroken(limit)) process.exitCode = 1
  }
} finally {
  front.close()
  await sandbox.close()
  rmSync(temp, { recursive: true, force: true })
}

/** Whether a job that gets a credential may load this file of dist. Only people run `authorize` and `audit`, and the sandbox is for tests. */
function isForJobs(name: string): boolean {
  const section = contents.find((text) => text.startsWith(`${name}: `)) ?? ''
  return name.endsWith('.js') && !/ src\/(?:authorize|audit|sandbox)\//.test(section)
}

function sizeOf(counts: (name: string) => boolean): number {
  return readdirSync(dist)
    .filter(counts)
    .reduce((sum, name) => sum + statSync(join(dist, name)).size, 0)
}

interface Limit {
  readonly name: string
  readonly figure: number
  readonly most: number
  /** The limit is exceeded if the figure is larger than `most` times this factor. */
  readonly noise: number
}

function limits(all: ReadonlyMap<string, Figures>): Limit[] {
  const against = (kind: keyof Figures, one: string, other: string) =>
    pairedRatio(figuresOf(one, all)[kind], figuresOf(other, all)[kind])
  const wall = (one: string, other: string, most: number, tolerance = noise): Limit => ({
    name: `wall: ${one} / ${other}`,
    figure: against('wall', one, other),
    most,
    noise: tolerance,
  })
  return [
    // The goals for the first two are 1.4 and 1.3. They are not reached (docs/performance.md).
    wall('a missing input', 'node -e 0', 1.5),
    wall('happy path', 'hand-written program', 1.4, 1.15),
    wall('post', 'node -e 0', 1.35),
    wall('exec -- true', 'print', 1.3),
    wall('exec --redact -- true', 'print', 1.8),
    {
      name: 'peak: happy path / hand-written program',
      figure: against('peak', 'happy path', 'hand-written program'),
      most: 1.15,
      noise: 1,
    },
  ]
}

function isBroken({ figure, most, noise }: Limit): boolean {
  return figure > most * noise
}

function isUnsure({ figure, most, noise }: Limit): boolean {
  return noise > 1 && figure > most / noise
}

function figuresOf(name: string, all: ReadonlyMap<string, Figures>): Figures {
  const figures = all.get(name)
  if (figures === undefined) throw new Error(`${name} did not run`)
  return figures
}

function inputs(): Record<string, string> {
  return inputVariables({
    'client-id': sandbox.credentials.clientId,
    'client-secret': sandbox.credentials.clientSecret,
    url: front.url,
    'api-url': sandbox.apiUrl,
  })
}

/** Returns the environment of a step on GitHub. */
function action(given: Readonly<Record<string, string>>): Record<string, string> {
  const files = ['ENV', 'OUTPUT', 'STATE', 'STEP_SUMMARY'].map((name) => {
    const file = join(temp, name.toLowerCase())
    writeFileSync(file, '')
    return [`GITHUB_${name}`, file]
  })
  return {
    GITHUB_ACTIONS: 'true',
    RUNNER_TEMP: runnerTemp,
    ...Object.fromEntries(files),
    NODE_EXTRA_CA_CERTS: front.certificate,
    ...given,
  }
}

function own(): Record<string, Contestant> & { 'happy path': Contestant; print: Contestant } {
  const variables = {
    ...sandbox.environment(),
    BITBUCKET_URL: front.url,
    NODE_EXTRA_CA_CERTS: front.certificate,
    RUNNER_TEMP: temp,
  }
  const commandEnv = { PATH: process.env['PATH'] ?? '', ...variables }
  return {
    'node -e 0': { args: ['-e', '0'], env: { NODE_EXTRA_CA_CERTS: front.certificate }, status: 0 },
    'a missing input': { args: [program], env: action(inputVariables({})), status: 2 },
    post: {
      args: [program],
      env: action({ ...inputVariables({}), STATE_bitbucket_token_main: 'started' }),
      status: 0,
    },
    'hand-written program': {
      args: [join(import.meta.dirname, 'hand-written.mjs')],
      env: action(inputs()),
      status: 0,
      prepare: emptyRunnerTemp,
    },
    'happy path': { args: [program], env: action(inputs()), status: 0, prepare: emptyRunnerTemp },
    print: { args: [program, 'print'], env: variables, status: 0 },
    'exec -- true': { args: [program, 'exec', '--no-redact', '--', 'true'], env: commandEnv, status: 0 },
    'exec --redact -- true': {
      args: [program, 'exec', '--redact', '--', 'true'],
      env: commandEnv,
      status: 0,
    },
    'git-credential get': {
      args: [program, 'git-credential', 'get'],
      env: variables,
      stdin: `protocol=https\nhost=${front.host}\n\n`,
      status: 0,
    },
  }
}

function emptyRunnerTemp(): void {
  rmSync(runnerTemp, { recursive: true, force: true })
  mkdirSync(runnerTemp)
}

function oneDigit(figure: number): string {
  return figure.toFixed(1)
}

function row([name = '', ...cells]: readonly string[]): string {
  return name.padEnd(22) + cells.map((cell) => cell.padStart(13)).join('')
}
