import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Contestant {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly stdin?: string
  /** The exit status it must end with: a bench of something broken is worth nothing. */
  readonly status: number
}

/** One figure for each round, in the order of the rounds. */
export interface Figures {
  /** Milliseconds of the whole process, as its parent sees it. */
  readonly wall: number[]
  /** Milliseconds of processor time, user and system. */
  readonly cpu: number[]
  /** Peak memory in MiB. */
  readonly peak: number[]
}

const probe = join(import.meta.dirname, 'probe.cjs')

/**
 * Runs each contestant once in every round, so a machine that slows down slows all of them. Time is taken of processes
 * that nothing disturbs; processor time and memory are asked of further ones, by a probe that all of them load.
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

/** Runs each once, for the disk's cache and that of `git-credential`. */
export async function warmUp(contestants: ReadonlyMap<string, Contestant>): Promise<void> {
  for (const [name, contestant] of contestants) await run(name, contestant)
}

/** The files below `directory` that a run has loaded, with their sizes in bytes, as V8 tells. */
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
  { args, env, stdin = '', status }: Contestant,
): Promise<{ wall: number; report: string }> {
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
      else reject(new Error(`${name} ended with ${code}, not ${status}: ${said}`))
    })
  })
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** The median of the ratios within each round: what slows the machine for a while is in both figures. */
export function pairedRatio(some: readonly number[], others: readonly number[]): number {
  return median(some.map((one, round) => one / (others[round] ?? Number.NaN)))
}
