import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startSandbox } from '../../src/sandbox/index.ts'
import { type Listener, listen } from '../../src/sandbox/listener.ts'
import { passOn } from '../pass-on.ts'
import { simulate } from './crowd.ts'

const processes = 24
const perSecond = 3
const retryAfter = 1
const timeout = 20
/** How many simulations to run, each with another seed. The real crowd must be within their range. */
const simulations = 200

interface Measured {
  readonly tokens: number
  readonly requests: number
  readonly lastToken: number
}

/**
 * Runs real processes of dist against the real sandbox, and compares them with simulations of a crowd of the same size that
 * starts at the same times.
 */
export async function compareWithProcesses(): Promise<{ line: string; isTrue: boolean }> {
  const { starts, ...real } = await realCrowd()
  const simulated: Measured[] = []
  for (let seed = 0; seed < simulations; seed++) {
    simulated.push(await simulate({ starts, perSecond, retryAfter, seed, timeout: timeout * 1_000 }))
  }
  const range = (name: keyof Measured, unit = 1) => {
    const all = simulated.map((one) => one[name] / unit)
    return [Math.min(...all), Math.max(...all)] as const
  }
  const [fewest, most] = range('requests')
  const [first, last] = range('lastToken', 1_000)
  const seconds = real.lastToken / 1_000
  const line = [
    `${processes} real processes, ${perSecond} requests a second admitted, Retry-After: ${retryAfter}, timeout ${timeout} s:`,
    `${real.tokens} tokens, ${real.requests} requests, last token after ${seconds.toFixed(1)} s;`,
    `${simulations} simulations: ${range('tokens').join('-')} tokens, ${fewest}-${most} requests,`,
    `last token after ${first.toFixed(1)}-${last.toFixed(1)} s.`,
  ].join('\n')
  // Allows a second for a process to start or end on a busy machine.
  const isTrue =
    real.tokens === processes &&
    real.requests >= fewest &&
    real.requests <= most &&
    seconds >= first - 1 &&
    seconds <= last + 1
  return { line, isTrue }
}

/** @returns the figures, and when each process sent its first request, counted from the first one */
async function realCrowd(): Promise<Measured & { starts: number[] }> {
  const sandbox = await startSandbox({ rateLimit: { requests: perSecond, perSeconds: 1, retryAfter } })
  const clocks = await Promise.all(Array.from({ length: processes }, () => clockBefore(sandbox.url)))
  const temporary = mkdtempSync(join(tmpdir(), 'bitbucket-token-crowd-'))
  try {
    const statuses = await Promise.all(
      clocks.map(({ url }, index) => run(url, join(temporary, String(index)), sandbox.environment())),
    )
    const origin = Math.min(...clocks.map(({ heard }) => heard[0] ?? Number.POSITIVE_INFINITY))
    return {
      tokens: statuses.filter((status) => status === 0).length,
      requests: sandbox.requests.length,
      lastToken: Math.max(...clocks.map(({ heard }) => heard.at(-1) ?? 0)) - origin,
      starts: clocks.map(({ heard }) => (heard[0] ?? 0) - origin),
    }
  } finally {
    await Promise.all(clocks.map(({ close }) => close()))
    await sandbox.close()
    rmSync(temporary, { recursive: true, force: true })
  }
}

/** Starts a server in front of the sandbox for one process. It records the times of requests, because the sandbox does not. */
async function clockBefore(target: string): Promise<Listener & { heard: number[] }> {
  const heard: number[] = []
  const listener = await listen(0, (req, res) => {
    heard.push(performance.now())
    passOn(req, res, new URL(req.url ?? '/', target))
  })
  return { ...listener, heard }
}

function run(
  url: string,
  directory: string,
  environment: Readonly<Record<string, string>>,
): Promise<number | null> {
  const program = join(import.meta.dirname, '../../dist/index.js')
  const env = {
    ...environment,
    BITBUCKET_URL: url,
    BITBUCKET_CI: 'shell',
    BITBUCKET_OUTPUT_DIR: directory,
    BITBUCKET_TIMEOUT: String(timeout),
  }
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program], { env, cwd: tmpdir(), stdio: 'ignore' })
    child.on('error', reject)
    child.on('exit', resolve)
  })
}
