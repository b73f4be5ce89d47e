import { spawn } from 'node:child_process'
import { quoteForLog, TokenError } from '../errors.ts'
import type { Secret } from '../secret.ts'
import { isWindows, systemProgram } from '../windows.ts'
import type { World } from '../world.ts'
import type { Store } from './store.ts'

export interface CommandContext {
  readonly world: World
  /** Takes whole secrets out of a text. */
  readonly clean: (text: string) => string
  /** Makes the command's words ready for a log: see `Redactor.quote`. */
  readonly quote: (text: string) => string
}

/** More of a command's words than this are not kept, in characters. */
const mostWords = 65_536

/** How long to wait for the last words of a command that has ended, in milliseconds. */
const lastWords = 200

/**
 * Runs the command only when the token has come whole, with the line end behind it: if this process is killed before,
 * an empty input must not be saved in the token's place. The variable is not exported, and `printf` is the shell's own.
 * It also makes a pipe of what node calls one and is a socket, for `aws … --secret-string file:///dev/stdin` cannot
 * open a socket (ENXIO).
 */
const withWholeToken = 'IFS= read -r token && printf %s "$token" | /bin/sh -c "$1"'

interface Ended {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  /** From stderr; stdout is not read at all. */
  readonly words: string
}

/**
 * A command that takes the token on its standard input: the whole of it and nothing else, no line end. It is one line
 * for `sh -c` (`cmd.exe` on Windows), and as such visible to everybody on the machine. The token is neither in its
 * arguments nor in its environment, from which every variable that holds a secret of this run is taken.
 */
export function commandStore(command: string, { world, clean, quote }: CommandContext): Store {
  const env = Object.fromEntries(
    Object.entries(world.env).filter(([, value]) => value !== undefined && clean(value) === value),
  )

  return {
    name: `the command ${quoteForLog(firstWord(command) ?? 'in save-refresh-token')}`,
    /** Whether the shell understands it and finds its first program; it cannot be run without a token to save. */
    async check() {
      if (isWindows(world)) return
      const syntax = await start('/bin/sh', ['-n', '-c', command])
      if (syntax.status !== 0) throw notRunnable('The shell does not understand it', syntax.words)
      const program = firstWord(command)
      if (program === undefined) return
      const found = await start('/bin/sh', ['-c', 'command -v -- "$1"', 'sh', program])
      if (found.status !== 0) throw notRunnable(`There is no program ${quoteForLog(program)}`, '')
    },
    async load() {
      return undefined
    },
    async save({ refreshToken }, signal) {
      const windows = isWindows(world)
      const {
        status,
        signal: killedBy,
        words,
      } = await start(
        windows ? systemProgram('cmd.exe', env) : '/bin/sh',
        windows ? ['/d', '/s', '/c', `"${command}"`] : ['-c', withWholeToken, 'sh', command],
        { input: windows ? refreshToken : refreshToken.derive((value) => `${value}\n`), signal },
      )
      if (status === 0) return
      const how = signal.aborted
        ? 'did not end in time'
        : status === null
          ? `was ended by ${killedBy}`
          : `ended with status ${status}`
      throw new Error(`it ${how}${quoted(words)}`)
    },
  }

  /** When its time is over all that it has started ends with it: its process group, or its tree on Windows. */
  function start(
    file: string,
    args: readonly string[],
    { input, signal }: { input?: Secret; signal?: AbortSignal } = {},
  ): Promise<Ended> {
    return new Promise((resolve, reject) => {
      const isGroup = !isWindows(world)
      const child = spawn(file, args, {
        env,
        cwd: world.cwd,
        detached: isGroup,
        stdio: ['pipe', 'ignore', 'pipe'],
        windowsVerbatimArguments: true,
      })
      const stop = () => {
        try {
          if (child.pid === undefined) return
          if (isGroup) process.kill(-child.pid, 'SIGKILL')
          else
            spawn(systemProgram('taskkill.exe', env), ['/t', '/f', '/pid', String(child.pid)], {
              stdio: 'ignore',
            }).once('error', () => child.kill())
        } catch {
          // It has just ended by itself.
        }
      }
      let words = ''
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        words = words.length + text.length > mostWords ? '' : words + text
      })
      signal?.addEventListener('abort', stop, { once: true })
      if (signal?.aborted) stop()
      child.once('error', reject)
      child.once('exit', (status, killedBy) => {
        signal?.removeEventListener('abort', stop)
        const finish = () => {
          clearTimeout(limit)
          child.stderr.destroy()
          resolve({ status, signal: killedBy, words })
        }
        // What the command leaves running in the background may hold stderr open for ever.
        const limit = setTimeout(finish, lastWords)
        child.once('close', finish)
      })
      // A command that ends without reading tells so by its status.
      child.stdin.on('error', () => {})
      child.stdin.end(input?.reveal())
    })
  }

  function notRunnable(why: string, words: string): TokenError {
    return new TokenError(
      'store-unwritable',
      `${why}${quoted(words)}.`,
      'Try the command in the same shell, with any text on its standard input.',
    )
  }

  function quoted(words: string): string {
    const text = quote(words)
    return text === '' ? '' : `: "${text}"`
  }
}

/**
 * The program that a simple command starts with, after `NAME=value` and with or without quotes; undefined if it starts with
 * something else, such as `{`, or is looked for in a PATH of its own.
 */
function firstWord(command: string): string | undefined {
  const [, plain, double, single] =
    /^\s*(?:(?!PATH=)[A-Za-z_]\w*=[\w./:@%+,-]*\s+)*(?:([\w./+-]+)|"([\w ./+-]+)"|'([\w ./+-]+)')(?=[\s|<>;&]|$)/.exec(
      command,
    ) ?? []
  return plain ?? double ?? single
}
