import { spawn } from 'node:child_process'
import { homedir } from 'node:os'
import { delimiter, isAbsolute, join, resolve } from 'node:path'
import { pipeline, Readable } from 'node:stream'
import type { World } from '../world.ts'

/** The directory and the environment in which git runs, and the signal that stops it. */
export interface Git extends Pick<World, 'env' | 'stop' | 'sleep'> {
  readonly directory: string
}

/**
 * Options that override what the clone's configuration could set: programs that git starts (a file system monitor, hooks,
 * gpg to show signatures), quoted paths, and paths that do not start at the root.
 */
const safeOptions = [
  ...['-c', 'core.fsmonitor=false'],
  ...['-c', `core.hooksPath=${process.platform === 'win32' ? 'NUL' : '/dev/null'}`],
  ...['-c', 'log.showSignature=false'],
  ...['-c', 'core.quotePath=false'],
  ...['-c', 'diff.relative=false'],
  '--no-pager',
  '--no-optional-locks',
]

/**
 * Variables that keep git from fetching objects that a partial clone lacks, because its remote could be a program
 * (git-remote-ext). Git before 2.39.4 does not know the first one; there, the second forbids every protocol.
 */
const noFetch = { GIT_NO_LAZY_FETCH: '1', GIT_ALLOW_PROTOCOL: 'none' }

/** The variables of git that are kept: where its configuration is, and where it looks for clones. The others change its behaviour. */
const keptVariables =
  /^GIT_(?:CONFIG_(?:GLOBAL|SYSTEM|NOSYSTEM)|CEILING_DIRECTORIES|DISCOVERY_ACROSS_FILESYSTEM|EXEC_PATH)$/

/**
 * Returns the environment for git. It lacks the variables that git sets for hooks and `rebase --exec`, because with `GIT_DIR` git
 * would look at another clone, and `GIT_CONFIG_COUNT`, because that configuration could be incomplete.
 */
function environmentFor({ env }: Git): Record<string, string | undefined> {
  const variables = Object.entries(env).filter(
    ([name]) => !name.startsWith('GIT_') || keptVariables.test(name),
  )
  return {
    ...Object.fromEntries(variables),
    // A relative entry would be searched in the audited directory, which could contain its own git.
    PATH: (env['PATH'] ?? '').split(delimiter).filter(isAbsolute).join(delimiter),
    ...noFetch,
    GIT_TERMINAL_PROMPT: '0',
    LC_ALL: 'C',
  }
}

/** Returns options for the directories that the job trusts through `GIT_CONFIG_COUNT` (git-config(1), "safe.directory"). */
function safeDirectories({ env }: Git): string[] {
  const count = Math.min(Number(env['GIT_CONFIG_COUNT']) || 0, 1_000)
  return Array.from({ length: count }, (_, index) => index)
    .filter((index) => env[`GIT_CONFIG_KEY_${index}`]?.toLowerCase() === 'safe.directory')
    .flatMap((index) => ['-c', `safe.directory=${env[`GIT_CONFIG_VALUE_${index}`] ?? ''}`])
}

/** git failed. Its messages are not shown, because they contain paths and addresses. */
export class GitFailure extends Error {}

/** git was stopped because it wrote nothing for too long. */
export class GitStuck extends GitFailure {}

/** How long git may write nothing, in milliseconds. A FIFO in its directory would make it wait forever. */
export const silenceLimits = { facts: 6_000, files: 20_000, history: 600_000 }

/**
 * Runs git and yields its output in pieces. A slow reader makes git wait.
 * @param silenceLimit how long git may write nothing while its output is awaited, in milliseconds
 * @param input git's stdin
 * @throws {GitFailure} if git is missing, its exit status is not 0, it writes nothing for too long, or it is stopped
 */
export async function* runGit(
  git: Git,
  args: readonly string[],
  silenceLimit: number,
  input?: AsyncIterable<Buffer | string>,
): AsyncGenerator<Buffer> {
  if (git.stop.aborted) throw new GitFailure('stopped')
  const child = spawn('git', [...safeOptions, ...safeDirectories(git), ...args], {
    cwd: git.directory,
    env: environmentFor(git),
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'ignore'],
  })
  const ended = new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null))
    child.once('close', resolve)
  })
  if (input !== undefined && child.stdin !== null) {
    // The pipeline also ends the input if git ends. Why git ended shows in its status.
    pipeline(Readable.from(input), child.stdin, (error) => {
      if (error) child.kill()
    })
  }
  const watchdog = startWatchdog(git, silenceLimit)
  try {
    const chunks: AsyncIterator<Buffer> | undefined = child.stdout?.[Symbol.asyncIterator]()
    for (;;) {
      const next = await watchdog.wait(chunks?.next() ?? nothing)
      if (next.done === true) break
      yield next.value
    }
    if ((await watchdog.wait(ended)) !== 0) throw new GitFailure(`git ${args[0]} failed`)
  } finally {
    watchdog.end()
    // git has nothing to clean up here, and a stuck git would ignore other signals.
    child.kill('SIGKILL')
    child.stdout?.destroy()
  }
}

const nothing = Promise.resolve<IteratorResult<Buffer>>({ done: true, value: undefined })

/** Starts one timer for all of a program's output, because a timer for each of its many pieces would be slow. */
function startWatchdog({ stop, sleep }: Git, silenceLimit: number) {
  const done = new AbortController()
  let isWaiting = false
  let isOverdue = false
  let fail: (error: Error) => void = () => {}
  const failed = new Promise<never>((_, reject) => {
    fail = reject
  })
  failed.catch(() => {})
  const onStop = () => fail(new GitFailure('stopped'))
  stop.addEventListener('abort', onStop, { once: true })
  const check = async () => {
    for (;;) {
      await sleep(silenceLimit / 2, done.signal)
      if (isWaiting && isOverdue) fail(new GitStuck('git wrote nothing for too long'))
      isOverdue = isWaiting
    }
  }
  check().catch(() => {})
  return {
    /** Waits for a promise. Rejects after a signal, or if the wait takes longer than the limit. */
    async wait<T>(promise: Promise<T>): Promise<T> {
      isWaiting = true
      try {
        return await Promise.race([promise, failed])
      } finally {
        isWaiting = false
        isOverdue = false
      }
    },
    end() {
      done.abort()
      stop.removeEventListener('abort', onStop)
    },
  }
}

/** The longest piece of git's output, in bytes. Real paths and headers are shorter; a longer one was made to fill the memory. */
const maxPieceLength = 1024 * 1024

/**
 * Splits output at a separator. Drops the piece after the last separator if it is empty.
 * @throws {GitFailure} if a piece is too long
 */
export async function* split(chunks: AsyncIterable<Buffer>, separator: number): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of chunks) {
    let buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    for (let end = buffer.indexOf(separator); end >= 0; end = buffer.indexOf(separator)) {
      yield buffer.subarray(0, end)
      buffer = buffer.subarray(end + 1)
    }
    if (buffer.length > maxPieceLength) throw new GitFailure('git wrote a line that is too long')
    rest = buffer
  }
  if (rest.length > 0) yield rest
}

/** What git knows about the clone that contains a directory. */
export interface Clone {
  readonly top: string
  /** Files with ignore patterns for the whole clone. Later files override earlier ones, and any may be missing. */
  readonly ignoreFiles: readonly string[]
  readonly ignoreCase: boolean
}

/**
 * Asks git about the clone that contains the directory.
 * @throws {GitFailure} outside a clone, without git, or if git does not trust the owner of the clone
 */
export async function cloneAround(git: Git): Promise<Clone> {
  const [top = '', exclude = ''] = (await revParse(git, '--show-toplevel', '--git-path', 'info/exclude')).map(
    (line) => line.toString(),
  )
  if (top === '') throw new GitFailure('no work tree')
  const asked = ['config', '-z', '--get-regexp', '^core\\.(excludesfile|ignorecase)$']
  // git fails if neither is set.
  const settings = new Map(
    (await pieces(runGit(git, asked, silenceLimits.facts), 0).catch(() => [])).map((setting) => {
      const [name = '', ...value] = setting.toString().split('\n')
      return [name, value.join('\n')]
    }),
  )
  const home = git.env['HOME'] || homedir()
  const configured = settings.get('core.excludesfile')?.replace(/^~(?=\/)/, home)
  return {
    top: resolve(top),
    ignoreFiles: [
      configured ?? join(git.env['XDG_CONFIG_HOME'] || join(home, '.config'), 'git/ignore'),
      resolve(git.directory, exclude),
    ],
    ignoreCase: /^(?:true|yes|on|1|)$/i.test(settings.get('core.ignorecase') ?? 'false'),
  }
}

/** The most pieces of an answer that has only a few. More were made to fill the memory. */
const maxPieces = 1_000

async function pieces(chunks: AsyncIterable<Buffer>, separator: number): Promise<Buffer[]> {
  const all: Buffer[] = []
  for await (const piece of split(chunks, separator)) {
    if (all.push(Buffer.from(piece)) > maxPieces) throw new GitFailure('git wrote too many lines')
  }
  return all
}

/** Returns the lines that `git rev-parse` writes. */
export const revParse = (git: Git, ...args: readonly string[]): Promise<Buffer[]> =>
  pieces(runGit(git, ['rev-parse', ...args], silenceLimits.facts), newline)

export const newline = 0x0a

/**
 * Lists the files in git's index, as bytes relative to the directory.
 * @throws {GitFailure} also if there are more than two million files, which would not fit into memory
 */
export async function* trackedFiles(git: Git): AsyncGenerator<Buffer> {
  let count = 0
  for await (const path of split(runGit(git, ['ls-files', '-z', '--cached'], silenceLimits.files), 0)) {
    if (++count > 2_000_000) throw new GitFailure('too many files')
    yield path
  }
}
