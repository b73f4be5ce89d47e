import { spawn } from 'node:child_process'
import { Readable } from 'node:stream'

/** Where git runs, with which environment, and what ends it. */
export interface Git {
  readonly directory: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stop: AbortSignal
}

/**
 * Against configuration that a clone could bring: programs that git starts by itself (a file system monitor; gpg, to show
 * signatures), quoted paths, paths that do not begin at the root.
 */
const harmless = [
  ...['-c', 'core.fsmonitor=false'],
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

/**
 * What git tells a hook, or `rebase --exec`, of the clone that it works in (`git rev-parse --local-env-vars`): with these it
 * would look there, and take the directory for the root of that clone.
 */
const withoutCaller = Object.fromEntries(
  ['DIR', 'WORK_TREE', 'COMMON_DIR', 'INDEX_FILE', 'PREFIX', 'OBJECT_DIRECTORY', 'SHALLOW_FILE'].map(
    (name) => [`GIT_${name}`, undefined] as const,
  ),
)

/** git could not do it; what it said is not shown, for it names paths and addresses. */
export class GitFailure extends Error {}

/**
 * What git writes, piece by piece; a reader that is slow makes git wait.
 * @param input what it reads
 * @throws {GitFailure} where there is no git, it ends with another status than 0, or is stopped
 */
export async function* runGit(
  { directory, env, stop }: Git,
  args: readonly string[],
  input?: AsyncIterable<Buffer | string>,
): AsyncGenerator<Buffer> {
  if (stop.aborted) throw new GitFailure('stopped')
  const child = spawn('git', [...harmless, ...args], {
    cwd: directory,
    signal: stop,
    env: { ...env, ...withoutCaller, ...withoutRemotes, GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' },
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'ignore'],
  })
  const ended = new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null))
    child.once('close', resolve)
  })
  if (input !== undefined && child.stdin !== null) {
    // Its end is seen in its status; a pipe that breaks is only how that begins.
    Readable.from(input)
      .on('error', () => child.kill())
      .pipe(child.stdin)
      .on('error', () => {})
  }
  try {
    if (child.stdout !== null) yield* child.stdout
    if ((await ended) !== 0) throw new GitFailure(`git ${args[0]} failed`)
  } finally {
    child.kill()
  }
}

/** The pieces between separators, without them; what follows the last one is dropped if it is empty. */
export async function* split(chunks: AsyncIterable<Buffer>, separator: number): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of chunks) {
    let buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    for (let end = buffer.indexOf(separator); end >= 0; end = buffer.indexOf(separator)) {
      yield buffer.subarray(0, end)
      buffer = buffer.subarray(end + 1)
    }
    rest = buffer
  }
  if (rest.length > 0) yield rest
}
