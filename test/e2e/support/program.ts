import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
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
  /**
   * The command line of each of its children, and below it the environment, as this user could see it; one more for
   * each process that such a child has started, below the child's line.
   */
  readonly childEnvironments: readonly string[]
}

export interface Start {
  readonly args?: readonly string[]
  /** All of the environment but for PATH; nothing of the test's own gets in. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  /** The umask to start with. Default 022. */
  readonly umask?: number
  /** What comes on standard input. Default: nothing. */
  readonly stdin?: string
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
  stdin,
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
    stdio: [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe', 'pipe'],
  })
  process.umask(before)
  // Who is stopped before it reads closes the pipe.
  child.stdin?.on('error', () => {}).end(stdin)
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
  const childEnvironments = new Set<string>()
  const watch = setInterval(() => {
    const own = shownOf(child.pid, 'cmdline')
    commandLines.add(own)
    for (const tool of childrenOf(child.pid)) {
      const line = shownOf(tool, 'cmdline')
      // One that has just been forked still looks like its parent, and one that has ended like nothing.
      if (line === own || line === '') continue
      for (const pid of processesBelow(tool)) {
        commandLines.add(shownOf(pid, 'cmdline'))
        childEnvironments.add(`${line}\n${shownOf(pid, 'environ')}`)
      }
    }
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
      resolve({
        status,
        signal,
        stdout,
        stderr,
        events,
        commandLines: [...commandLines],
        childEnvironments: [...childEnvironments],
      })
    })
  })
}

/** npm puts the project's own programs first; a job has none of them. */
export const pathWithoutProject = (process.env['PATH'] ?? '')
  .split(':')
  .filter((directory) => !directory.includes('node_modules'))
  .join(':')

/** What a process has started; Linux shows it under /proc, elsewhere there is nothing to read. */
function childrenOf(pid: number | undefined): number[] {
  try {
    // node starts processes from its main thread, whose number is that of the process.
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
  } catch {
    return []
  }
}

/** A process and all that it and its children have started. */
export function processesBelow(pid: number | undefined): number[] {
  return pid === undefined ? [] : [pid, ...childrenOf(pid).flatMap(processesBelow)]
}

/** Empty for a process that has just ended. */
export function shownOf(pid: number | undefined, what: 'cmdline' | 'environ'): string {
  try {
    return readFileSync(`/proc/${pid}/${what}`, 'utf8').replaceAll('\0', what === 'cmdline' ? ' ' : '\n')
  } catch {
    return ''
  }
}
