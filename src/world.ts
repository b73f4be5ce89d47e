import { fstatSync, readSync, writeSync } from 'node:fs'
import type { Writable } from 'node:stream'
import { reasonOf, systemCode, TokenError } from './errors.ts'

/**
 * Everything that the program takes from its environment, in one object, so that tests can replace it and need no module
 * mocks and no real waiting.
 */
export interface World {
  readonly env: Readonly<Record<string, string | undefined>>
  /** The working directory. Empty if somebody has removed it; then `main` runs nothing. */
  readonly cwd: string
  /** The command line that starts this program: node, and the path of the program. */
  readonly program: readonly [node: string, script: string]
  /** The operating system as node names it: `linux`, `darwin`, `win32`, … */
  readonly platform: NodeJS.Platform
  /**
   * Writes synchronously, so that a mask is written before the secret, and everything before the process ends.
   * @throws {ReaderGone} if nobody reads stdout any more
   */
  stdout(text: string): void
  /**
   * Also writes to stdout, but does not block other work and signals while the reader is slow. For long texts.
   * @throws {ReaderGone}
   */
  stdoutAsync(text: string): Promise<void>
  /** Writes for people, synchronously. Drops the text if nobody reads it, because the run must go on. */
  stderr(text: string): void
  /** Returns the stream itself, for output that comes bit by bit and waits for a slow reader without blocking other work. */
  output(stream: 'stdout' | 'stderr'): Writable
  /** Whether stdout and stderr are the same pipe or file, as after `2>&1`. */
  isOneOutput(): boolean
  /** Whether the stream is a terminal, rather than a pipe or a file. */
  isTerminal(stream: 'stdin' | 'stdout' | 'stderr'): boolean
  /** Returns the width of the terminal on stdout in columns. Undefined if stdout is not a terminal. */
  terminalWidth(): number | undefined
  /** Reads standard input to its end. */
  stdin(): string
  /** Returns the milliseconds since the epoch, for times that a person or another program reads. */
  now(): number
  /**
   * Returns the milliseconds since the program started, on a monotonic clock. The wall clock of a new CI machine often jumps.
   */
  elapsed(): number
  /** Resolves after this many milliseconds. Rejects as soon as the signal fires. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>
  /** Returns a number from 0 up to 1, for the jitter of retries. */
  random(): number
  /** Returns a unique name. It is not a secret: code that must keep others out has to create the file exclusively. */
  uniqueName(): string
  /** Fires when the process is told to stop (`SIGINT`, `SIGTERM`). */
  readonly stop: AbortSignal
  /**
   * From now on passes each signal that tells the process to stop to `handle`. Such a signal then neither fires
   * {@link stop} nor ends the process.
   */
  passSignals(handle: (signal: StopSignal) => void): void
}

/** The signals that tell a process to stop. */
const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
export type StopSignal = (typeof stopSignals)[number]

/** The reader of stdout has closed it, as `head` does when it has enough. */
export class ReaderGone extends Error {
  constructor() {
    super('nobody reads it any more')
    this.name = 'ReaderGone'
  }
}

let names = 0

/**
 * Returns a name like a UUID, made from the process id, a counter, a random number and the time. node's own `randomUUID`
 * would load all of its cryptography, which takes as long as the rest of the start-up.
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

/** Returns the real world of a process. */
export function processWorld(process: NodeJS.Process, stop: AbortSignal): World {
  const began = process.hrtime.bigint()
  return {
    env: process.env,
    cwd: workingDirectory(process),
    program: [process.execPath, process.argv[1] ?? ''],
    platform: process.platform,
    stdout: writeStdout,
    stdoutAsync: (text) => writeAsync(process, text, stop),
    stderr(text) {
      try {
        // After a signal it does not wait for a reader that does not read.
        writeNow(2, text, () => stop.aborted)
      } catch {
        // For example a full disk. There is no other place to report it.
      }
    },
    output: (stream) => process[stream],
    isOneOutput,
    isTerminal: (stream) => isTerminal(process, fileOf[stream]),
    // Asks only a terminal, because node's stream would make a pipe non-blocking. A terminal of unknown width has 0 columns.
    terminalWidth: () => (isTerminal(process, 1) && process.stdout.columns) || undefined,
    stdin: () => readToEnd((buffer) => readSync(0, buffer)),
    now: Date.now,
    // performance.now() would load all of node:perf_hooks.
    elapsed: () => Number(process.hrtime.bigint() - began) / 1_000_000,
    sleep,
    random: Math.random,
    uniqueName,
    stop,
    passSignals: (handle) => passSignals(process, handle),
  }
}

function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
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
  })
}

/** Waits without doing anything else, so it also blocks signals and timers. */
export function block(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}

function passSignals(process: NodeJS.Process, handle: (signal: StopSignal) => void): void {
  for (const signal of stopSignals) {
    const before = process.listeners(signal)
    // Added first, because node loses a signal that it has caught but not delivered when the last listener is removed.
    process.on(signal, handle)
    for (const listener of before) process.removeListener(signal, listener)
  }
}

function workingDirectory(process: NodeJS.Process): string {
  try {
    return process.cwd()
  } catch {
    return ''
  }
}

const fileOf = { stdin: 0, stdout: 1, stderr: 2 } as const

/**
 * Whether a file descriptor is a terminal. Only a character device can be one, so a job's pipe needs no node:tty. (Node before
 * 20.16 cannot load node:tty here. There the answer is always no.)
 */
function isTerminal(process: NodeJS.Process, file: 0 | 1 | 2): boolean {
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
 * Reads everything to the end, as UTF-8.
 * @param read fills a buffer and returns the number of bytes. 0 is the end. The error `EOF` is also the end: node throws it
 * on Windows at the end of a pipe (nodejs/node issue 35997), and `readFileSync(0)` does not catch it
 */
export function readToEnd(read: (buffer: Uint8Array) => number): string {
  const chunks: Uint8Array[] = []
  for (;;) {
    const buffer = Buffer.alloc(65_536)
    let length = 0
    try {
      length = read(buffer)
    } catch (error) {
      if (systemCode(error) !== 'EOF') throw error
    }
    if (length === 0) return Buffer.concat(chunks).toString('utf8')
    chunks.push(buffer.subarray(0, length))
  }
}

/**
 * Writes the whole text before it returns. node's own streams do not if a pipe is asynchronous (Windows), and loading
 * them takes a tenth of the whole start-up.
 * @param isInHurry returns true if it must not wait long for a slow reader
 * @returns false if the other end of the pipe is closed (node has told the system to send no SIGPIPE)
 */
function writeNow(file: 1 | 2, text: string, isInHurry = () => false): boolean {
  let waited = 0
  let rest: Uint8Array = Buffer.from(text, 'utf8')
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(file, rest))
    } catch (error) {
      const code = systemCode(error)
      if (code === 'EPIPE') return false
      // The pipe is full, and its other end made it non-blocking. The reader needs a moment.
      if (code !== 'EAGAIN') throw error
      if (isInHurry() && waited++ > 300) return false
      block(1)
    }
  }
  return true
}

/**
 * @throws {ReaderGone}
 * @throws {TokenError} `file` if stdout cannot be written for another reason, such as a full disk
 */
function writeStdout(text: string): void {
  try {
    if (writeNow(1, text)) return
  } catch (error) {
    throw unwritable('stdout', error)
  }
  throw new ReaderGone()
}

/** Returns the error for output that cannot be written although somebody reads it. */
export const unwritable = (stream: 'stdout' | 'stderr', error: unknown): TokenError =>
  new TokenError(
    'file',
    `${stream} could not be written: ${reasonOf(error)}.`,
    'Check where the output goes. If it is a file, make room on its disk.',
    error,
  )

/**
 * Writes to a pipe with node's own stream, which does not block. Writes to anything else synchronously.
 * @throws {ReaderGone}
 */
async function writeAsync(process: NodeJS.Process, text: string, stop: AbortSignal): Promise<void> {
  if (process.platform !== 'win32' && !isPipe(1)) {
    writeStdout(text)
    return
  }
  const { stdout } = process
  let onStop = () => {}
  try {
    await new Promise<void>((resolve, reject) => {
      onStop = () => reject(stop.reason)
      if (stop.aborted) return onStop()
      stop.addEventListener('abort', onStop, { once: true })
      // Never removed, because an error without a listener ends the process.
      if (stdout.listenerCount('error') === 0) stdout.on('error', () => {})
      stdout.write(text, (error) => (error ? reject(error) : resolve()))
    })
  } catch (error) {
    throw systemCode(error) === 'EPIPE' ? new ReaderGone() : error
  } finally {
    stop.removeEventListener('abort', onStop)
  }
}

function isOneOutput(): boolean {
  try {
    const [stdout, stderr] = [fstatSync(1), fstatSync(2)]
    return stdout.ino === stderr.ino && stdout.dev === stderr.dev
  } catch {
    // A closed stream.
    return false
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
