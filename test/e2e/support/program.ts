import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The committed bundle that users run; `npm run build` makes it. PROGRAM names another one, such as an installed one. */
export const bundle =
  process.env['PROGRAM'] ?? fileURLToPath(new URL('../../../dist/index.js', import.meta.url))
const traceModule = new URL('./trace.mjs', import.meta.url).href

/** A write, a file operation or a request of the program (trace.mjs), or an injected fault (crash.mjs). */
export type Event =
  | { readonly did: 'stdout' | 'stderr'; readonly text: string }
  | { readonly did: 'append' | 'write'; readonly path: string; readonly text: string }
  | { readonly did: 'mkdir' | 'remove'; readonly path: string }
  | { readonly did: 'crash'; readonly path: string }
  | { readonly did: 'file'; readonly path: string; readonly mode: string; readonly text: string }
  | { readonly did: 'request'; readonly method: string; readonly host: string; readonly path: string }

/** The result of a process that has ended. */
export interface Finished {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  /** In the order in which they happened. */
  readonly events: readonly Event[]
  /** Arguments of the process and of its children, which every user of the machine can see. */
  readonly commandLines: readonly string[]
  /**
   * For each child: its command line, then its environment as this user can see it. For each process that a child has
   * started: the child's command line, then that process's environment.
   */
  readonly childEnvironments: readonly string[]
}

export interface Start {
  readonly args?: readonly string[]
  /** The whole environment except PATH. Nothing of the test's own environment is added. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  /** The umask to start with. Default 022. */
  readonly umask?: number
  /** Text for standard input. Default: none. */
  readonly stdin?: string
  /** The URL of another module to load into the program. */
  readonly preload?: string
  /** Called when the process runs, so that a test can send it a signal. */
  readonly onStart?: (kill: (signal: NodeJS.Signals) => void) => void
  /** Called with the whole stderr so far, for a test that waits for a word. */
  readonly onStderr?: (said: string) => void
}

/** Returns `onStart` for a program, and a function that sends a signal to it from then on. */
export function killSwitch(): {
  onStart: NonNullable<Start['onStart']>
  kill: (signal: NodeJS.Signals) => void
} {
  let send: (signal: NodeJS.Signals) => void = () => {}
  return {
    onStart: (kill) => {
      send = kill
    },
    kill: (signal) => send(signal),
  }
}

/** Milliseconds after which the program is killed. Every scenario takes much less. */
const timeLimit = 20_000

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
  // A program that is stopped before it reads closes the pipe.
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
      // Just after the fork, a child still shows its parent's command line. After its end it shows none.
      if (line === own || line === '') continue
      for (const pid of processesBelow(tool)) {
        commandLines.add(shownOf(pid, 'cmdline'))
        childEnvironments.add(`${line}\n${shownOf(pid, 'environ')}`)
      }
    }
  }, 10)
  const limit = setTimeout(() => child.kill('SIGKILL'), timeLimit)
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
        // The trace must hold all that the program wrote, because it gives a transcript its order. Output may hold
        // more: Node's own at a crash, and that of the children of `sandbox --` and `exec --`.
        let position = 0
        for (const event of events) {
          if (event.did !== stream) continue
          const found = output[stream].indexOf(event.text, position)
          if (found === -1) reject(new Error(`the trace and ${stream} differ`))
          position = found + event.text.length
        }
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

/** PATH without the project's own programs, which npm puts first. A job has none of them. */
export const pathWithoutProject = (process.env['PATH'] ?? '')
  .split(':')
  .filter((directory) => !directory.includes('node_modules'))
  .join(':')

/** Returns the children of a process. Linux shows them under /proc; elsewhere the list is empty. */
function childrenOf(pid: number | undefined): number[] {
  try {
    // Node starts processes from its main thread, whose ID is the process ID.
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
  } catch {
    return []
  }
}

/** Returns a process and all its descendants. */
export function processesBelow(pid: number | undefined): number[] {
  return pid === undefined ? [] : [pid, ...childrenOf(pid).flatMap(processesBelow)]
}

/** Reads command line or environment of a process. Returns an empty text if it has just ended. */
export function shownOf(pid: number | undefined, what: 'cmdline' | 'environ'): string {
  try {
    return readFileSync(`/proc/${pid}/${what}`, 'utf8').replaceAll('\0', what === 'cmdline' ? ' ' : '\n')
  } catch {
    return ''
  }
}
