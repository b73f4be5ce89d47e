import type { ChildProcess } from 'node:child_process'
import { constants } from 'node:os'
import type { Transform } from 'node:stream'
import spawn from 'cross-spawn'
import type { TokenError } from '../errors.ts'
import { isWindows } from '../windows.ts'
import type { StopSignal, World } from '../world.ts'
import { openOutput } from './output.ts'

/** Milliseconds that a command has to end after SIGTERM. Kubernetes gives a container as long by default. */
const timeToEnd = 30_000

/** Why a command did not start: as shells do, 127 if it was not found and 126 for any other reason. */
export class NotStarted extends Error {
  readonly status: 126 | 127

  constructor(cause: NodeJS.ErrnoException) {
    super(cause.code ?? cause.message, { cause })
    this.status = cause.code === 'ENOENT' ? 127 : 126
  }
}

/** How a command ended. */
export interface Ended {
  /** Its exit status: 128 plus the number of the signal if one ended it. */
  readonly status: number
  /** The error if its output could not be written to stdout; undefined also if nobody reads it any more. */
  readonly unwritten: TokenError | undefined
}

/**
 * Runs a command, and passes signals on to it.
 * @param filter returns what the output goes through; undefined if the command gets the streams of this process
 * @throws {NotStarted}
 */
export async function runChild(
  [file = '', ...args]: readonly string[],
  env: Readonly<Record<string, string>>,
  { world, filter }: { readonly world: World; readonly filter?: (() => Transform) | undefined },
): Promise<Ended> {
  const ended = new AbortController()
  let child: ChildProcess | undefined
  try {
    // First, because the command may send a signal at once.
    world.passSignals((signal) => child && forwardSignal(signal, child, world, ended.signal))
    const output = filter && openOutput(filter, world)
    return await new Promise((resolve, reject) => {
      // On Windows, cross-spawn finds `.cmd` files and quotes their arguments for cmd.exe.
      child = spawn(file, args, { env, stdio: ['inherit', ...(output?.stdio ?? ['inherit', 'inherit'])] })
      const copies = output?.read(child) ?? []
      child.once('error', reject)
      child.once('exit', (code, signal) => {
        const status = code ?? 128 + (signal === null ? 0 : constants.signals[signal])
        // A command that cannot write to stderr can succeed, and there is no place to report it.
        Promise.all(copies.map((copy) => copy.end())).then(
          ([unwritten]) => resolve({ status, unwritten }),
          reject,
        )
      })
    })
  } catch (error) {
    // Only the start can fail, because copying the output never does.
    throw new NotStarted(error as Error)
  } finally {
    ended.abort()
  }
}

function forwardSignal(signal: StopSignal, child: ChildProcess, world: World, ended: AbortSignal): void {
  if (!reachesChild(signal, world)) child.kill(signal)
  // The wait ends early if the command does.
  const kill = () => void child.kill('SIGKILL')
  if (signal === 'SIGTERM') world.sleep(timeToEnd, ended).then(kill, () => {})
}

/**
 * Whether the system has already sent the signal to the command too. A terminal and the console of Windows send Ctrl-C to
 * all their processes. The command must not get it twice, because many programs then give up at once.
 */
function reachesChild(signal: StopSignal, world: World): boolean {
  if (isWindows(world)) return true
  const streams = ['stdin', 'stdout', 'stderr'] as const
  return signal === 'SIGINT' && streams.some((stream) => world.isTerminal(stream))
}
