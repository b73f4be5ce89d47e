import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Contestant {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly stdin?: string
  /** Is called before each process. */
  readonly prepare?: () => void
  /** The exit status that it must end with. Measuring a failed run would prove nothing. */
  readonly status: number
}

/** The figures of each round, in the order of the rounds. */
export interface Figures {
  /** Duration of the whole process in milliseconds, as its parent sees it. */
  readonly wall: number[]
  /** Processor time in milliseconds, user and system. */
  readonly cpu: number[]
  /** Peak memory in MiB. */
  readonly peak: number[]
}

const probe = join(import.meta.dirname, 'probe.cjs')

/**
 * Runs each contestant in every round, so that a machine that becomes slow affects all of them. Durations come from
 * undisturbed processes. Processor time and memory come from a second process that loads a probe.
 */
export async function race(
  contestants: ReadonlyMap<string, Contestant>,
  rounds: number,
  all: Map<string, Figures>,
) {
  for (let round = 0; round < rounds; round++) {
    for (const [name, contestant] of contestants) {
      const figures = all.get(name) ?? { wall: [], cpu: [], peak: [] }
      all.set(name, figures)
      figures.wall.push((await run(name, contestant)).wall)
      const { report } = await run(name, { ...contestant, args: ['--require', probe, ...contestant.args] })
      const { cpu, peak } = JSON.parse(report) as { cpu: number; peak: number }
      figures.cpu.push(cpu)
      figures.peak.push(peak)
    }
  }
}

/** Runs each contestant once, to fill the disk cache and the cache of `git-credential`. */
export async function warmUp(contestants: ReadonlyMap<string, Contestant>): Promise<void> {
  for (const [name, contestant] of contestants) await run(name, contestant)
}

/** Returns the files below `directory` that a run loads, with their sizes in bytes. V8's coverage report lists them. */
export async function loadedFiles(contestant: Contestant, directory: string): Promise<Map<string, number>> {
  const coverage = mkdtempSync(join(tmpdir(), 'bitbucket-token-loaded-'))
  try {
    await run('loaded files', { ...contestant, env: { ...contestant.env, NODE_V8_COVERAGE: coverage } })
    const scripts = readdirSync(coverage).flatMap((file) => {
      const { result } = JSON.parse(readFileSync(join(coverage, file), 'utf8')) as {
        result: { url: string }[]
      }
      return result.map(({ url }) => url)
    })
    const files = scripts.filter((url) => url.startsWith('file:')).map((url) => fileURLToPath(url))
    return new Map(
      files.filter((file) => file.startsWith(directory)).map((file) => [file, statSync(file).size]),
    )
  } finally {
    rmSync(coverage, { recursive: true, force: true })
  }
}

function run(
  name: string,
  { args, env, stdin = '', status, prepare }: Contestant,
): Promise<{ wall: number; report: string }> {
  prepare?.()
  return new Promise((resolve, reject) => {
    const start = performance.now()
    const child = spawn(process.execPath, args, { env, stdio: ['pipe', 'pipe', 'pipe', 'pipe'] })
    let [said, report, wall] = ['', '', 0]
    child.stdin?.on('error', () => {})
    child.stdin?.end(stdin)
    child.stdout?.resume()
    child.stderr?.on('data', (chunk: Buffer) => {
      said += chunk
    })
    child.stdio[3]?.on('data', (chunk: Buffer) => {
      report += chunk
    })
    child.on('error', reject)
    child.on('exit', () => {
      wall = performance.now() - start
    })
    child.on('close', (code) => {
      if (code === status) resolve({ wall, report })
      else reject(new Error(`${name} exited with ${code} instead of ${status}: ${said}`))
    })
  })
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** Returns the median of the ratios of each round. A machine that is slow for a while affects both figures of a round. */
export function pairedRatio(some: readonly number[], others: readonly number[]): number {
  return median(some.map((one, round) => one / (others[round] ?? Number.NaN)))
}
