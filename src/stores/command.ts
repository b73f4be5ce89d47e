import { type ChildProcess, spawn } from 'node:child_process'
import { quoteForLog, TokenError } from '../errors.ts'
import type { Secret } from '../secret.ts'
import { isWindows, systemProgram } from '../windows.ts'
import type { World } from '../world.ts'
import type { StoreContext } from './context.ts'
import type { TokenStore } from './store.ts'

/** The longest stderr of a command that is kept, in characters. */
const stderrLimit = 65_536

/** How long to wait for the rest of stderr after a command has ended, in milliseconds. */
const stderrTimeout = 200

/**
 * Runs the command only after the whole token and the line end behind it have arrived. If this process is killed before
 * that, the command must not save an empty text in the token's place. The variable is not exported, and `printf` is built
 * into the shell, so the token is in no environment and no argument list. It also gives the command a real pipe: what Node
 * calls a pipe is a socket, and `aws … --secret-string file:///dev/stdin` cannot open a socket (ENXIO).
 */
const withWholeToken = 'IFS= read -r token && printf %s "$token" | /bin/sh -c "$1"'

interface ExitResult {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  /** What the command wrote to stderr. stdout is not read. */
  readonly stderr: string
}

/**
 * Stores the token with a command, which gets the token on its standard input, without a line end. The command is one line
 * for `sh -c` (`cmd.exe` on Windows), so everybody on the machine can see it. The token is neither in its arguments nor in
 * its environment. Variables that contain a secret of this run are removed from its environment.
 */
export function commandStore(
  command: string,
  { world, clean, quote }: Pick<StoreContext, 'world' | 'clean' | 'quote'>,
): TokenStore {
  const env = Object.fromEntries(
    Object.entries(world.env).filter(([, value]) => value !== undefined && clean(value) === value),
  )
  const system: System = { env, cwd: world.cwd, platform: world.platform }

  return {
    name: `the command ${quoteForLog(firstWord(command) ?? 'in save-refresh-token')}`,
    /** Checks the syntax of the command and whether its first program exists. It cannot run without a token to save. */
    async check() {
      if (isWindows(system)) return
      const syntax = await run('/bin/sh', ['-n', '-c', command], system)
      if (syntax.status !== 0)
        throw notRunnable(`The shell cannot parse the command in save-refresh-token${quoted(syntax.stderr)}`)
      const program = firstWord(command)
      if (program === undefined) return
      const found = await run('/bin/sh', ['-c', 'command -v -- "$1"', 'sh', program], system)
      if (found.status !== 0) throw notRunnable(`The program ${quoteForLog(program)} was not found`)
    },
    load: async () => undefined,
    async save({ refreshToken }, signal) {
      const windows = isWindows(system)
      const result = await run(
        windows ? systemProgram('cmd.exe', env) : '/bin/sh',
        windows ? ['/d', '/s', '/c', `"${command}"`] : ['-c', withWholeToken, 'sh', command],
        system,
        { input: windows ? refreshToken : refreshToken.derive((value) => `${value}\n`), signal },
      )
      if (result.status === 0) return
      const how = signal.aborted
        ? 'did not end in time'
        : result.status === null
          ? `was stopped by ${result.signal}`
          : `failed with exit status ${result.status}`
      throw new Error(`it ${how}${quoted(result.stderr)}`)
    },
  }

  function quoted(stderr: string): string {
    const text = quote(stderr)
    return text === '' ? '' : `: "${text}"`
  }
}

const notRunnable = (why: string): TokenError =>
  new TokenError(
    'store-unwritable',
    `${why}.`,
    'Test the command in the same shell, with any text on its standard input.',
  )

type System = Pick<World, 'env' | 'cwd' | 'platform'>

/** Runs a program. If the signal fires, it kills the program and all that it has started. */
function run(
  file: string,
  args: readonly string[],
  system: System,
  { input, signal }: { input?: Secret; signal?: AbortSignal } = {},
): Promise<ExitResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      env: system.env,
      cwd: system.cwd,
      detached: !isWindows(system),
      stdio: ['pipe', 'ignore', 'pipe'],
      windowsVerbatimArguments: true,
    })
    const stop = () => killTree(child, system)
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = stderr.length + text.length > stderrLimit ? '' : stderr + text
    })
    signal?.addEventListener('abort', stop, { once: true })
    if (signal?.aborted) stop()
    child.once('error', reject)
    child.once('exit', (status, killedBy) => {
      signal?.removeEventListener('abort', stop)
      const finish = () => {
        clearTimeout(limit)
        child.stderr.destroy()
        resolve({ status, signal: killedBy, stderr })
      }
      // A process that the command leaves in the background may keep stderr open for ever.
      const limit = setTimeout(finish, stderrTimeout)
      child.once('close', finish)
    })
    // If a command ends without reading its input, its exit status says whether it failed.
    child.stdin.on('error', () => {})
    child.stdin.end(input?.reveal())
  })
}

/** Kills a program and all that it has started: its process group, or its tree on Windows. */
function killTree(child: ChildProcess, system: System): void {
  try {
    if (child.pid === undefined) return
    if (!isWindows(system)) process.kill(-child.pid, 'SIGKILL')
    else
      spawn(systemProgram('taskkill.exe', system.env), ['/t', '/f', '/pid', String(child.pid)], {
        stdio: 'ignore',
      }).once('error', () => child.kill())
  } catch {
    // The program has just ended by itself.
  }
}

/**
 * Returns the program that a simple command starts with, after any `NAME=value`, with or without quotes. Returns undefined
 * if the command starts with something else, such as `{`, or sets its own PATH.
 */
function firstWord(command: string): string | undefined {
  const [, plain, double, single] =
    /^\s*(?:(?!PATH=)[A-Za-z_]\w*=[\w./:@%+,-]*\s+)*(?:([\w./+-]+)|"([\w ./+-]+)"|'([\w ./+-]+)')(?=[\s|<>;&]|$)/.exec(
      command,
    ) ?? []
  return plain ?? double ?? single
}
