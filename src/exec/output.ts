import { type ChildProcess, spawnSync } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Transform } from 'node:stream'
import type { TokenError } from '../errors.ts'
import { unwritable, type World } from '../world.ts'

/** Milliseconds without output after which a command that has ended counts as having no more output. */
const quiet = 500

/** The most bytes that are still read after a command has ended: more than a pipe or a socket holds. */
const maxBytesAfterEnd = 1_048_576

/** How many times to wait for more output after a command has ended, {@link quiet} each. Waiting for a slow reader does not count. */
const maxRounds = 10

/** What a write fails with if nobody reads the output any more. */
const readerGone: readonly (string | undefined)[] = ['EPIPE', 'ECONNRESET', 'EOF']

/** A pipe into which a command writes. */
interface Pipe {
  /** What a child process takes as its stream: a file descriptor, or `pipe` if node makes the pipe. */
  readonly writeEnd: number | 'pipe'
  /** Returns where to read. Call it once, after the child was started. */
  readEnd(made: Readable | null): Readable
}

/**
 * Makes pipes. The pipes that node makes are sockets, and a script cannot open a socket again by its name: `echo >
 * /dev/stderr` would fail. So these come from `mkfifo` if the system has it. Their names are removed at once.
 * @param count how many
 */
function makePipes(count: number, { env }: Pick<World, 'env'>): Pipe[] {
  const byNode: Pipe = { writeEnd: 'pipe', readEnd: (made) => made as Readable }
  let directory: string | undefined
  try {
    directory = makeDirectory([tmpdir(), '/tmp', '/dev/shm'])
    const names = Array.from({ length: count }, (_, index) => `${directory}/${index}`)
    const { status } = spawnSync('mkfifo', names, { env: { PATH: env['PATH'] }, stdio: 'ignore' })
    if (status !== 0) throw new Error('mkfifo failed')
    return names.map((name) => {
      // A reader that does not wait for a writer, or else this process would wait for itself.
      const reader = openSync(name, constants.O_RDONLY | constants.O_NONBLOCK)
      const writer = openSync(name, constants.O_WRONLY)
      return {
        writeEnd: writer,
        readEnd() {
          closeSync(writer)
          return new Socket({ fd: reader, readable: true, writable: false })
        },
      }
    })
  } catch {
    return Array.from({ length: count }, () => byNode)
  } finally {
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true })
  }
}

/** Makes a directory in the first of these places that accepts one. The first is TMPDIR, which may not exist. */
function makeDirectory([place = '', ...others]: readonly string[]): string {
  try {
    return mkdtempSync(join(place, 'bitbucket-token-'))
  } catch (error) {
    if (others.length === 0) throw error
    return makeDirectory(others)
  }
}

/** Output on its way from a command to a stream of this process. */
export interface Copy {
  /**
   * Waits until no more output comes, and ends. Called after the command, whose children may keep the pipe open and write
   * for ever.
   * @returns the error if the output could not be written, for example because a disk is full; undefined also if nobody reads
   * it any more
   */
  end(): Promise<TokenError | undefined>
}

/**
 * Copies output through a filter. If nobody reads the destination any more, it closes the source, so that the command gets
 * SIGPIPE as it would without this process in between.
 */
function copy(source: Readable, filter: Transform, to: 'stdout' | 'stderr', world: World): Copy {
  const destination = world.output(to)
  let bytes = 0
  source.on('data', (chunk: Buffer) => {
    bytes += chunk.length
  })
  const done = new Promise<TokenError | undefined>((resolve) => {
    filter.once('end', () => destination.write('', () => resolve(undefined)))
    const stop = (failure?: TokenError) => {
      source.destroy()
      resolve(failure)
    }
    source.on('error', () => stop())
    // Never removed, because an error without a listener ends the process.
    destination.on('error', (error: NodeJS.ErrnoException) =>
      stop(readerGone.includes(error.code) ? undefined : unwritable(to, error)),
    )
  })
  source.pipe(filter).pipe(destination, { end: false })
  return {
    async end() {
      const atEnd = bytes
      const over = new AbortController()
      void done.then(() => over.abort())
      // Goes on while output comes or a slow reader holds it back, up to a limit.
      let rounds = 0
      let before = -1
      while (before !== bytes && bytes - atEnd <= maxBytesAfterEnd && rounds <= maxRounds) {
        before = destination.writableNeedDrain ? -1 : bytes
        if (!destination.writableNeedDrain) rounds++
        await world.sleep(quiet, over.signal).catch(() => {})
        if (over.signal.aborted) return done
      }
      source.unpipe(filter)
      source.destroy()
      filter.end()
      return done
    },
  }
}

/** The output of a command that is not yet started. */
export interface Output {
  /** What the child process takes as stdout and stderr. */
  readonly stdio: readonly [Pipe['writeEnd'], Pipe['writeEnd']]
  /** Starts to copy. */
  read(child: Pick<ChildProcess, 'stdout' | 'stderr'>): readonly Copy[]
}

/**
 * Opens what a command writes to. If stdout and stderr of this process are the same file, they are one pipe. That keeps
 * their order, and finds a secret whose parts are written to both.
 */
export function openOutput(filter: () => Transform, world: World): Output {
  const [first, second = first] = makePipes(world.isOneOutput() ? 1 : 2, world)
  if (first === undefined || second === undefined) throw new Error('no pipe was made')
  // Node makes a pipe for each stream, so its pipes are never one.
  const isOnePipe = first === second && first.writeEnd !== 'pipe'
  return {
    stdio: [first.writeEnd, second.writeEnd],
    read({ stdout, stderr }) {
      const copies = [copy(first.readEnd(stdout), filter(), 'stdout', world)]
      if (!isOnePipe) copies.push(copy(second.readEnd(stderr), filter(), 'stderr', world))
      return copies
    },
  }
}
