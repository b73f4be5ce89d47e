/**
 * `npm run bench`: whole processes on loopback, as ratios within one run, for machines are noisy. Every round runs
 * each contestant once, so a machine that slows down slows all of them; medians are compared. Ends with 1 where a
 * limit is broken.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startSandbox } from '../../src/sandbox/index.ts'

const root = join(import.meta.dirname, '../..')
const dist = join(root, 'dist')
const rounds = Number(process.argv[2] ?? 21)

interface Contestant {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** The exit status it must end with: a bench of something broken is worth nothing. */
  readonly status: number
}

/** A figure of which more than the limit is too much. */
interface Limit {
  readonly name: string
  readonly figure: number
  readonly limit: number
  readonly unit: string
}

const sandbox = await startSandbox()
const temp = mkdtempSync(join(tmpdir(), 'bitbucket-token-bench-'))
try {
  const runner = {
    GITHUB_ACTIONS: 'true',
    RUNNER_TEMP: temp,
    ...Object.fromEntries(
      ['ENV', 'OUTPUT', 'STATE', 'STEP_SUMMARY'].map((name) => {
        const file = join(temp, name.toLowerCase())
        writeFileSync(file, '')
        return [`GITHUB_${name}`, file]
      }),
    ),
  }
  const inputs = {
    'INPUT_CLIENT-ID': sandbox.credentials.clientId,
    'INPUT_CLIENT-SECRET': sandbox.credentials.clientSecret,
    INPUT_URL: sandbox.url,
    'INPUT_API-URL': sandbox.apiUrl,
  }
  const program = join(dist, 'index.js')
  const contestants = {
    'node -e 0': { args: ['-e', '0'], env: {}, status: 0 },
    'a missing input': { args: [program], env: { ...runner, 'INPUT_CLIENT-ID': '' }, status: 2 },
    'hand-written program': {
      args: [join(import.meta.dirname, 'hand-written.mjs')],
      env: { ...runner, ...inputs },
      status: 0,
    },
    'happy path': { args: [program], env: { ...runner, ...inputs }, status: 0 },
    post: { args: [program], env: { ...runner, INPUT_URL: '', STATE_isPost: 'true' }, status: 0 },
  } satisfies Record<string, Contestant>

  const times = await race(contestants)
  const bytes = readdirSync(dist).reduce((sum, name) => sum + statSync(join(dist, name)).size, 0)

  console.log(`node ${process.version}, ${rounds} rounds; milliseconds of a whole process\n`)
  console.log(`${'contestant'.padEnd(22)}   min  median     max`)
  for (const [name, all] of times) {
    console.log(
      `${name.padEnd(22)}${format(Math.min(...all))}${format(median(all))}${format(Math.max(...all))}`,
    )
  }
  const ratio = (one: keyof typeof contestants, other: keyof typeof contestants) =>
    median(times.get(one) ?? []) / median(times.get(other) ?? [])
  const limits: Limit[] = [
    {
      name: 'a missing input / node -e 0',
      figure: ratio('a missing input', 'node -e 0'),
      limit: 1.5,
      unit: '×',
    },
    {
      name: 'happy path / hand-written program',
      figure: ratio('happy path', 'hand-written program'),
      limit: 1.25,
      unit: '×',
    },
    { name: 'dist in all', figure: bytes / 1000, limit: 200, unit: ' kB' },
  ]
  console.log()
  for (const { name, figure, limit, unit } of limits) {
    const verdict = figure <= limit ? 'ok' : 'TOO MUCH'
    console.log(
      `${name.padEnd(36)}${figure.toFixed(2).padStart(7)}${unit} of at most ${limit}${unit}  ${verdict}`,
    )
    if (figure > limit) process.exitCode = 1
  }
} finally {
  await sandbox.close()
  rmSync(temp, { recursive: true, force: true })
}

async function race(contestants: Readonly<Record<string, Contestant>>): Promise<Map<string, number[]>> {
  const times = new Map(Object.keys(contestants).map((name) => [name, [] as number[]]))
  for (let round = -1; round < rounds; round++) {
    for (const [name, contestant] of Object.entries(contestants)) {
      const time = await timeOf(name, contestant)
      // The first round warms the disk's cache and counts for nobody.
      if (round >= 0) times.get(name)?.push(time)
    }
  }
  return times
}

function timeOf(name: string, { args, env, status }: Contestant): Promise<number> {
  return new Promise((resolve, reject) => {
    const start = performance.now()
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.resume()
    child.stderr.resume()
    child.on('error', reject)
    child.on('exit', (code) => {
      if (code === status) resolve(performance.now() - start)
      else reject(new Error(`${name} ended with ${code}, not ${status}`))
    })
  })
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

function format(milliseconds: number): string {
  return milliseconds.toFixed(1).padStart(8)
}
