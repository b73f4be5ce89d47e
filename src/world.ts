import { fstatSync, readSync, writeSync } from 'node:fs'

/**
 * All that the program takes from its surroundings, in one object, so that a test can give it another world
 * and needs neither module mocks nor real waiting.
 */
export interface World {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** node's name of the operating system: `linux`, `darwin`, `win32`, … */
  readonly platform: NodeJS.Platform
  /**
   * Writes at once and in order, so that a mask is out before what it masks, and before the process ends.
   * @throws {ReaderGone} where nobody reads stdout any more
   */
  stdout(text: string): void
  /**
   * Writes to stdout too, but lets other work and signals through while its reader is slow: for a text of any length.
   * @throws {ReaderGone}
   */
  stdoutInTurn(text: string): Promise<void>
  /** The same for people; a text that nobody reads is dropped, for it must not keep the work from its end. */
  stderr(text: string): void
  /** Whether a person looks at it, rather than a program or a file. */
  isTerminal(stream: 'stdout' | 'stderr'): boolean
  /** All of standard input, up to its end. */
  stdin(): string
  /** Milliseconds since the epoch, for what a person or another program reads. */
  now(): number
  /** Milliseconds since the program began, on a clock that never jumps; a fresh CI machine often steps its wall clock. */
  elapsed(): number
  /** Resolves after so many milliseconds; rejects at once when the signal fires. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>
  /** A number from 0 up to 1, for spreading retries. */
  random(): number
  /** A name that no other thing has. Not a secret: whoever must keep others out makes the thing exclusively. */
  uniqueName(): string
  /** Fires when the process is told to stop (`SIGINT`, `SIGTERM`). */
  readonly stop: AbortSignal
}

/** Whoever read stdout has closed it, as `head` does once it has enough. */
export class ReaderGone extends Error {
  constructor() {
    super('nobody reads it any more')
    this.name = 'ReaderGone'
  }
}

let names = 0

/**
 * Like a UUID, of process, count, chance and time. node's own `randomUUID` would load all of its cryptography, which
 * takes as long as the rest of a start.
 */
export function uniqueName(): string {
  const hex = (number: number, digits: number) => number.toString(16).padStart(digits, '0').slice(-digits)
  const chance = hex(Math.floor(Math.random() * 2 ** 32), 8)
  return [
    hex(process.pid, 8),
    hex(names++, 4),
    chance.slice(0, 4),
    chance.slice(4),
    hex(Date.now(), 12),
  ].join('-')
}

/** The real surroundings of a process. */
export function processWorld(process: NodeJS.Process, stop: AbortSignal): World {
  const began = process.hrtime.bigint()
  return {
    env: process.env,
    cwd: process.cwd(),
    platform: process.platform,
    stdout(text) {
      if (!writeNow(1, text)) throw new ReaderGone()
    },
    stdoutInTurn: (text) => writeInTurn(process, text, stop),
    stderr(text) {
      try {
        // Once told to stop, it does not wait for a reader that does not read.
        writeNow(2, text, () => stop.aborted)
      } catch {
        // A full disk, say. There is nowhere left to tell it.
      }
    },
    isTerminal: (stream) => isTerminal(process, stream === 'stdout' ? 1 : 2),
    stdin: () => readToEnd((buffer) => readSync(0, buffer)),
    now: Date.now,
    // performance.now() would load all of node:perf_hooks.
    elapsed: () => Number(process.hrtime.bigint() - began) / 1_000_000,
    sleep: (milliseconds, signal) =>
      new Promise((resolve, reject) => {
        const onAbort = () => {
          clearTimeout(timer)
          reject(signal.reason)
        }
        const timer = setTimeout(() => {
          signal.removeEventListener('abort', onAbort)
          resolve()
        }, milliseconds)
        if (signal.aborted) onAbort()
        else signal.addEventListener('abort', onAbort, { once: true })
      }),
    random: Math.random,
    uniqueName,
    stop,
  }
}

/**
 * Only a character device can be a terminal, so a job's pipe is told without loading node:tty. (A node before 20.16
 * cannot load it here; then nothing counts as one.)
 */
function isTerminal(process: NodeJS.Process, file: 1 | 2): boolean {
  try {
    return (
      fstatSync(file).isCharacterDevice() && (process.getBuiltinModule?.('node:tty').isatty(file) ?? false)
    )
  } catch {
    // A closed stream.
    return false
  }
}

/**
 * All that there is to read, as UTF-8.
 * @param read fills a buffer and says with how many bytes; 0 is the end, and so is `EOF`, which node throws on Windows
 * where a pipe ends (nodejs/node issue 35997), and which `readFileSync(0)` does not catch
 */
export function readToEnd(read: (buffer: Uint8Array) => number): string {
  const chunks: Uint8Array[] = []
  for (;;) {
    const buffer = Buffer.alloc(65_536)
    let length = 0
    try {
      length = read(buffer)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EOF')) throw error
    }
    if (length === 0) return Buffer.concat(chunks).toString('utf8')
    chunks.push(buffer.subarray(0, length))
  }
}

/**
 * Writes all of the text before it returns. node's own streams do not where a pipe is asynchronous (Windows), and
 * loading them is a tenth of the whole start-up.
 * @returns false where the other end of the pipe is closed (node has told the system to send no SIGPIPE)
 */
function writeNow(file: 1 | 2, text: string, isInHurry = () => false): boolean {
  let waited = 0
  let rest: Uint8Array = Buffer.from(text, 'utf8')
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(file, rest))
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined
      if (code === 'EPIPE') return false
      // A full pipe whose other end made it non-blocking: its reader needs a moment.
      if (code !== 'EAGAIN') throw error
      if (isInHurry() && waited++ > 300) return false
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
    }
  }
  return true
}

/**
 * Writes to a pipe through node's own stream, which does not block. What is not a pipe takes the text at once.
 * @throws {ReaderGone}
 */
async function writeInTurn(process: NodeJS.Process, text: string, stop: AbortSignal): Promise<void> {
  if (process.platform !== 'win32' && !isPipe(1)) {
    if (!writeNow(1, text)) throw new ReaderGone()
    return
  }
  const { stdout } = process
  let onStop = () => {}
  try {
    await new Promise<void>((resolve, reject) => {
      onStop = () => reject(stop.reason)
      if (stop.aborted) return onStop()
      stop.addEventListener('abort', onStop, { once: true })
      // It stays, because an error that nobody hears ends the process.
      if (stdout.listenerCount('error') === 0) stdout.on('error', () => {})
      stdout.write(text, (error) => (error ? reject(error) : resolve()))
    })
  } catch (error) {
    throw error instanceof Error && 'code' in error && error.code === 'EPIPE' ? new ReaderGone() : error
  } finally {
    stop.removeEventListener('abort', onStop)
  }
}

function isPipe(file: number): boolean {
  try {
    const status = fstatSync(file)
    return status.isFIFO() || status.isSocket()
  } catch {
    // A closed stream.
    return false
  }
}
