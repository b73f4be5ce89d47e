import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The bundle that is committed and that users run; `npm run build` makes it. PROGRAM names another, such as an installed one. */
export const bundle =
  process.env['PROGRAM'] ?? fileURLToPath(new URL('../../../dist/index.js', import.meta.url))
const traceModule = new URL('./trace.mjs', import.meta.url).href

/** One thing that the program did to its surroundings; see trace.mjs. */
export type Event =
  | { readonly did: 'stdout' | 'stderr'; readonly text: string }
  | { readonly did: 'append' | 'write'; readonly path: string; readonly text: string }
  | { readonly did: 'mkdir' | 'remove'; readonly path: string }
  | { readonly did: 'file'; readonly path: string; readonly mode: string; readonly text: string }
  | { readonly did: 'request'; readonly method: string; readonly host: string; readonly path: string }

/** What a process left behind. */
export interface Finished {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  /** In the order in which they happened. */
  readonly events: readonly Event[]
  /** Arguments of the process and of each of its children, as everybody on the machine could see them. */
  readonly commandLines: readonly string[]
}

export interface Start {
  readonly args?: readonly string[]
  /** All of the environment but for PATH; nothing of the test's own gets in. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  /** The umask to start with. Default 022. */
  readonly umask?: number
  /** A further module to load into the program, as a URL. */
  readonly preload?: string
  /** Called with the running process; for a test that sends it a signal. */
  readonly onStart?: (kill: (signal: NodeJS.Signals) => void) => void
  /** Called with all that was said on stderr so far; for a test that waits for a word. */
  readonly onStderr?: (said: string) => void
}

/** Long past what any scenario takes; a program that hangs must not hang the tests. */
const patience = 20_000

/** Runs the bundle and waits for its end. */
export function runBundle({
  args = [],
  env,
  cwd,
  umask = 0o022,
  preload,
  onStart,
  onStderr,
}: Start): Promise<Finished> {
  const imports = [traceModule, ...(preload === undefined ? [] : [preload])].flatMap((url) => [
    '--import',
    url,
  ])
  // A child inherits the umask, and each file of tests is a process of its own.
  const before = process.umask(umask)
  const child = spawn(process.execPath, [...imports, bundle, ...args], {
    cwd,
    env: { PATH: pathWithoutProject, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  process.umask(before)
  const output = { stdout: '', stderr: '', trace: '' }
  for (const [index, name] of [
    [1, 'stdout'],
    [2, 'stderr'],
    [3, 'trace'],
  ] as const) {
    const stream = child.stdio[index]
    if (stream === null || stream === undefined || !('setEncoding' in stream)) throw new Error('no pipe')
    stream.setEncoding('utf8').on('data', (text: string) => {
      output[name] += text
      if (name === 'stderr') onStderr?.(output.stderr)
    })
  }
  const commandLines = new Set<string>()
  const watch = setInterval(() => {
    for (const line of commandLinesBelow(child.pid)) commandLines.add(line)
  }, 10)
  const limit = setTimeout(() => child.kill('SIGKILL'), patience)
  onStart?.((signal) => child.kill(signal))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (status, signal) => {
      clearInterval(watch)
      clearTimeout(limit)
      const { stdout, stderr, trace } = output
      const events = trace
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Event)
      for (const stream of ['stdout', 'stderr'] as const) {
        const told = events.map((event) => (event.did === stream ? event.text : '')).join('')
        // Otherwise the order in a transcript would not be the order in which it was said. (Node itself, at a
        // crash, and the children of `sandbox --` write past the program.)
        if (!output[stream].includes(told)) reject(new Error(`the trace and ${stream} differ`))
      }
      resolve({ status, signal, stdout, stderr, events, commandLines: [...commandLines] })
    })
  })
}

/** npm puts the project's own programs first; a job has none of them. */
export const pathWithoutProject = (process.env['PATH'] ?? '')
  .split(':')
  .filter((directory) => !directory.includes('node_modules'))
  .join(':')

/** Linux shows them to everybody under /proc; elsewhere there is nothing to read. */
function commandLinesBelow(pid: number | undefined): string[] {
  if (pid === undefined) return []
  try {
    const own = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
    const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean),
    )
    return [own, ...children.flatMap((child) => commandLinesBelow(Number(child)))]
  } catch {
    return []
  }
}
