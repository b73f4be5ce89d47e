import { spawn } from 'node:child_process'
import { homedir } from 'node:os'
import { delimiter, isAbsolute, join, resolve } from 'node:path'
import { pipeline, Readable } from 'node:stream'
import type { World } from '../world.ts'

/** Where git runs, with which environment, and what ends it. */
export interface Git extends Pick<World, 'env' | 'stop' | 'sleep'> {
  readonly directory: string
}

/**
 * Against configuration that a clone could bring: programs that git starts by itself (a file system monitor, hooks, gpg to
 * show signatures), quoted paths, paths that do not begin at the root.
 */
const harmless = [
  ...['-c', 'core.fsmonitor=false'],
  ...['-c', `core.hooksPath=${process.platform === 'win32' ? 'NUL' : '/dev/null'}`],
  ...['-c', 'log.showSignature=false'],
  ...['-c', 'core.quotePath=false'],
  ...['-c', 'diff.relative=false'],
  '--no-pager',
  '--no-optional-locks',
]

/**
 * No object is fetched that a partial clone lacks: its remote could be a program too (git-remote-ext). Git before 2.39.4
 * does not know the first, but finds no protocol then.
 */
const withoutRemotes = { GIT_NO_LAZY_FETCH: '1', GIT_ALLOW_PROTOCOL: 'none' }

/** git's variables that say where its configuration is and which directories count; all others change what it does. */
const kept =
  /^GIT_(?:CONFIG_(?:GLOBAL|SYSTEM|NOSYSTEM)|CEILING_DIRECTORIES|DISCOVERY_ACROSS_FILESYSTEM|EXEC_PATH)$/

/**
 * The environment without what git tells a hook, or `rebase --exec`, of the clone that it works in (with `GIT_DIR` it would
 * look there), and without configuration that could be incomplete (`GIT_CONFIG_COUNT`).
 */
function environmentFor({ env }: Git): Record<string, string | undefined> {
  const ours = Object.entries(env).filter(([name]) => !name.startsWith('GIT_') || kept.test(name))
  return {
    ...Object.fromEntries(ours),
    // A relative one would be looked for in the audited directory, which could bring its own git.
    PATH: (env['PATH'] ?? '').split(delimiter).filter(isAbsolute).join(delimiter),
    ...withoutRemotes,
    GIT_TERMINAL_PROMPT: '0',
    LC_ALL: 'C',
  }
}

/** Which directories the job trusts, by `GIT_CONFIG_COUNT` (git-config(1), "safe.directory"). */
function trusted({ env }: Git): string[] {
  const count = Math.min(Number(env['GIT_CONFIG_COUNT']) || 0, 1_000)
  return Array.from({ length: count }, (_, index) => index)
    .filter((index) => env[`GIT_CONFIG_KEY_${index}`]?.toLowerCase() === 'safe.directory')
    .flatMap((index) => ['-c', `safe.directory=${env[`GIT_CONFIG_VALUE_${index}`] ?? ''}`])
}

/** git could not do it; what it said is not shown, for it names paths and addresses. */
export class GitFailure extends Error {}

/** git said nothing for so long that it was ended. */
export class GitStuck extends GitFailure {}

/** How long git may say nothing, in milliseconds: a FIFO in its directory would make it wait forever. */
export const patience = { forFacts: 6_000, forFiles: 20_000, forHistory: 600_000 }

/**
 * What git writes, piece by piece; a reader that is slow makes git wait.
 * @param silence how long it may say nothing while it is waited for, in milliseconds
 * @param input what it reads
 * @throws {GitFailure} where there is no git, it ends with another status than 0, says nothing for too long, or is stopped
 */
export async function* runGit(
  git: Git,
  args: readonly string[],
  silence: number,
  input?: AsyncIterable<Buffer | string>,
): AsyncGenerator<Buffer> {
  if (git.stop.aborted) throw new GitFailure('stopped')
  const child = spawn('git', [...harmless, ...trusted(git), ...args], {
    cwd: git.directory,
    env: environmentFor(git),
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'ignore'],
  })
  const ended = new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null))
    child.once('close', resolve)
  })
  if (input !== undefined && child.stdin !== null) {
    // It ends whatever comes before it too. Why git ended is seen in its status.
    pipeline(Readable.from(input), child.stdin, (error) => {
      if (error) child.kill()
    })
  }
  const watch = watchFor(git, silence)
  try {
    const chunks: AsyncIterator<Buffer> | undefined = child.stdout?.[Symbol.asyncIterator]()
    for (;;) {
      const next = await watch.over(chunks?.next() ?? nothing)
      if (next.done === true) break
      yield next.value
    }
    if ((await watch.over(ended)) !== 0) throw new GitFailure(`git ${args[0]} failed`)
  } finally {
    watch.end()
    // It has nothing to tidy up, and one that is stuck would not hear anything else.
    child.kill('SIGKILL')
    child.stdout?.destroy()
  }
}

const nothing = Promise.resolve<IteratorResult<Buffer>>({ done: true, value: undefined })

interface Watch {
  /** Waits for a promise, but not after a signal, nor for longer than the time allowed. */
  over<T>(promise: Promise<T>): Promise<T>
  end(): void
}

/** One timer for all of a program's output, because there is much of it. */
function watchFor({ stop, sleep }: Git, silence: number): Watch {
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
  const look = async () => {
    for (;;) {
      await sleep(silence / 2, done.signal)
      if (isWaiting && isOverdue) fail(new GitStuck('git said nothing'))
      isOverdue = isWaiting
    }
  }
  look().catch(() => {})
  return {
    async over(promise) {
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

/** No path or header is longer, in bytes; what is longer was made to fill the memory. */
const longestPiece = 1024 * 1024

/**
 * The pieces between separators, without them; what follows the last one is dropped if it is empty.
 * @throws {GitFailure} for a piece without end
 */
export async function* split(chunks: AsyncIterable<Buffer>, separator: number): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of chunks) {
    let buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    for (let end = buffer.indexOf(separator); end >= 0; end = buffer.indexOf(separator)) {
      yield buffer.subarray(0, end)
      buffer = buffer.subarray(end + 1)
    }
    if (buffer.length > longestPiece) throw new GitFailure('a line without end')
    rest = buffer
  }
  if (rest.length > 0) yield rest
}

/** What git knows of the clone that a directory is in. */
export interface Clone {
  readonly top: string
  /** Files of patterns for the whole clone, the weakest first; they may be missing. */
  readonly general: readonly string[]
  readonly ignoreCase: boolean
}

/** @throws {GitFailure} outside a clone, without git, or where git does not trust the owner of the clone */
export async function cloneAround(git: Git): Promise<Clone> {
  const [top = '', exclude = ''] = await pieces(
    runGit(git, ['rev-parse', '--show-toplevel', '--git-path', 'info/exclude'], patience.forFacts),
    0x0a,
  )
  if (top === '') throw new GitFailure('no work tree')
  const asked = ['config', '-z', '--get-regexp', '^core\\.(excludesfile|ignorecase)$']
  // It fails where neither is set.
  const settings = new Map(
    (await pieces(runGit(git, asked, patience.forFacts), 0).catch(() => [])).map((setting) => {
      const [name = '', ...value] = setting.split('\n')
      return [name, value.join('\n')]
    }),
  )
  const home = git.env['HOME'] || homedir()
  const configured = settings.get('core.excludesfile')?.replace(/^~(?=\/)/, home)
  return {
    top: resolve(top),
    general: [
      configured ?? join(git.env['XDG_CONFIG_HOME'] || join(home, '.config'), 'git/ignore'),
      resolve(git.directory, exclude),
    ],
    ignoreCase: /^(?:true|yes|on|1|)$/i.test(settings.get('core.ignorecase') ?? 'false'),
  }
}

async function pieces(chunks: AsyncIterable<Buffer>, separator: number): Promise<string[]> {
  const all: string[] = []
  for await (const piece of split(chunks, separator)) all.push(piece.toString())
  return all
}

/**
 * The files that git has in its index: paths relative to the directory, as bytes.
 * @throws {GitFailure} also for an index of millions of files, which would not fit into the memory
 */
export async function* trackedFiles(git: Git): AsyncGenerator<Buffer> {
  let count = 0
  for await (const path of split(runGit(git, ['ls-files', '-z', '--cached'], patience.forFiles), 0)) {
    if (++count > 2_000_000) throw new GitFailure('too many files')
    yield path
  }
}
