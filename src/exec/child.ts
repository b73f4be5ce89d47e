import type { ChildProcess } from 'node:child_process'
import { constants } from 'node:os'
import spawn from 'cross-spawn'
import { isWindows } from '../windows.ts'
import type { StopSignal, World } from '../world.ts'

/** Milliseconds that COMMAND has to end after SIGTERM. Kubernetes gives a container as long by default. */
const timeToEnd = 30_000

/** Why a command did not start: as shells do, 127 if it was not found and 126 for any other reason. */
export class NotStarted extends Error {
  readonly status: 126 | 127

  constructor(cause: NodeJS.ErrnoException) {
    super(cause.code ?? cause.message, { cause })
    this.status = cause.code === 'ENOENT' ? 127 : 126
  }
}

/**
 * Starts a command. Its standard streams are those of this process.
 * @throws {NotStarted}
 */
export function start(
  [file = '', ...args]: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<ChildProcess> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(new NotStarted(error))
    try {
      // On Windows, cross-spawn finds `.cmd` files and quotes their arguments for cmd.exe.
      const child = spawn(file, args, { env, stdio: 'inherit' })
      child.once('error', fail)
      child.once('spawn', () => resolve(child))
    } catch (error) {
      // Node throws some errors at once, such as E2BIG.
      fail(error as Error)
    }
  })
}

/**
 * Waits for the end of a command, and passes signals on to it.
 * @returns its exit status: 128 plus the number of the signal if one ended it
 */
export function statusOf(child: ChildProcess, world: World): Promise<number> {
  const ended = new AbortController()
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      ended.abort()
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]))
    })
    world.passSignals((signal) => {
      if (!reachesChild(signal, world)) child.kill(signal)
      // Ignored if the command ends in time.
      if (signal === 'SIGTERM')
        world.sleep(timeToEnd, ended.signal).then(
          () => child.kill('SIGKILL'),
          () => {},
        )
    })
  })
}

/**
 * Whether the system has already sent the signal to the command too. A terminal sends Ctrl-C to its whole process group,
 * and many programs take a second SIGINT as a demand to give up at once. So does the console of Windows.
 */
function reachesChild(signal: StopSignal, world: World): boolean {
  if (isWindows(world)) return true
  const streams = ['stdin', 'stdout', 'stderr'] as const
  return signal === 'SIGINT' && streams.some((stream) => world.isTerminal(stream))
}
