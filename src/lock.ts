import { linkSync, lstatSync, readlinkSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { reasonOf, TokenError } from './errors.ts'
import { readForeignFile } from './foreign-file.ts'
import type { World } from './world.ts'

/** Milliseconds between two signs of life of the holder, and how long a silent one still counts as alive. */
const heartbeat = 1_000
const staleAfter = 10_000
const pollEvery = 50

/** What {@link withBriefLock} needs. */
export type LockWorld = Pick<World, 'elapsed' | 'random' | 'uniqueName'>
type WaitingWorld = LockWorld & Pick<World, 'sleep' | 'stop'>

/** Who holds a lock. */
interface Holder {
  readonly id: string
  readonly pid: number
  /** Where the pid means something: machine and pid namespace, since containers count their own. */
  readonly place: string
}

/**
 * Runs `work` while no other process does so under the same path. The lock is a file beside what it guards, so it
 * also holds between containers that share a volume. A holder that was killed is noticed at once where its pid can
 * be seen, and elsewhere by its silence.
 *
 * A holder that was only suspended, and for longer than its silence is borne, may come back to find another one at
 * work. Two that refresh at once do no harm: both get tokens that work, and the last one writes its own.
 * @param patience milliseconds to wait for the others
 * @throws {TokenError} `file` where it cannot be made or is not free in time; `interrupted` on a signal
 */
export async function withLock<T>(
  path: string,
  world: WaitingWorld,
  patience: number,
  work: () => Promise<T>,
): Promise<T> {
  const holder = newHolder(world)
  for (const pause of triesToTake(path, holder, world, patience)) {
    await world.sleep(pause, world.stop).catch(() => {
      throw new TokenError(
        'interrupted',
        'Stopped by a signal while waiting for another run.',
        'Run it again.',
      )
    })
  }
  const beat = setInterval(() => {
    if (readHolder(path)?.id === holder.id) touch(path)
  }, heartbeat)
  try {
    return await work()
  } finally {
    clearInterval(beat)
    release(path, holder)
  }
}

/**
 * The same for work that takes a few milliseconds and must not be interrupted: it blocks this process while it waits.
 * @param patience milliseconds to wait for the others
 * @throws {TokenError} `file` if the lock cannot be made or is not free in time
 */
export function withBriefLock<T>(path: string, world: LockWorld, patience: number, work: () => T): T {
  const holder = newHolder(world)
  for (const pause of triesToTake(path, holder, world, patience)) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pause)
  }
  try {
    return work()
  } finally {
    release(path, holder)
  }
}

const newHolder = (world: LockWorld): Holder => ({
  id: world.uniqueName(),
  pid: process.pid,
  place: placeOfPids(),
})

/** Ends when the lock is taken; yields the milliseconds to wait before each further try. */
function* triesToTake(path: string, holder: Holder, world: LockWorld, patience: number): Generator<number> {
  const deadline = world.elapsed() + patience
  const isDead = deathWatch(path, world)
  while (!tryToTake(path, holder)) {
    const seen = readHolder(path)
    if (isDead(seen)) moveAway(path, seen, world)
    if (world.elapsed() > deadline) {
      throw new TokenError(
        'file',
        `${path} is held by another process, and was for ${Math.round(patience / 1_000)} s.`,
        'If no other run is at work, remove that file.',
      )
    }
    yield pollEvery * (0.5 + world.random())
  }
}

function release(path: string, holder: Holder): void {
  if (readHolder(path)?.id === holder.id) rmSync(path, { force: true })
}

function tryToTake(path: string, holder: Holder): boolean {
  try {
    writeFileSync(path, JSON.stringify(holder), { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EEXIST') return false
    // A full disk lets it be made, but nothing be written into it. (No lock of another: that would be EEXIST.)
    if (code === 'ENOSPC' || code === 'EDQUOT') rmSync(path, { force: true })
    throw new TokenError(
      'file',
      `The lock ${path} could not be made: ${reasonOf(error)}.`,
      'Give a directory that this user may write to, on a disk that has room.',
      error,
    )
  }
}

/**
 * Tells whether the holder is dead: at once where its pid can be asked, else when the lock has not changed for a while
 * by our own clock. (Its times come from another machine's, which may differ by more than that.)
 */
function deathWatch(path: string, world: LockWorld): (seen: Holder | undefined) => boolean {
  let last: string | undefined
  let since = 0
  return (seen) => {
    const sign = `${seen?.id} ${lstatSync(path, { throwIfNoEntry: false })?.mtimeMs}`
    if (sign !== last) {
      last = sign
      since = world.elapsed()
    }
    return (seen !== undefined && !isAlive(seen)) || world.elapsed() - since > staleAfter
  }
}

/**
 * Takes a dead holder's lock out of the way. Of several that try, `rename` lets one win; and one that was a moment
 * late, and so moved a living lock, puts that back, unless yet another one has taken its place by then.
 */
function moveAway(path: string, dead: Holder | undefined, world: LockWorld): void {
  const aside = `${path}.${world.uniqueName()}`
  try {
    renameSync(path, aside)
  } catch {
    return
  }
  try {
    if (readHolder(aside)?.id !== dead?.id) linkSync(aside, path)
  } catch {
    // Two hold it now; see above why that does no harm.
  } finally {
    rmSync(aside, { force: true })
  }
}

const isAlive = ({ pid, place }: Holder): boolean => {
  if (place !== placeOfPids()) return true
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it is there, and another user's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

function touch(path: string): void {
  try {
    const now = new Date()
    utimesSync(path, now, now)
  } catch {
    // Somebody took us for dead; the release will see that the lock is not ours any more.
  }
}

/** Bytes; a lock has some hundred. */
const limit = 65_536

/** Undefined where there is none, or one that is just being written. */
function readHolder(path: string): Holder | undefined {
  try {
    const { id, pid, place } = JSON.parse(readForeignFile(path, { limit }).toString())
    // Anything else under that name, half a file included, is a holder of whom nothing is known.
    const isHolder =
      typeof id === 'string' && Number.isSafeInteger(pid) && pid > 0 && typeof place === 'string'
    return isHolder ? { id, pid, place } : undefined
  } catch {
    return undefined
  }
}

function placeOfPids(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return hostname()
  }
}
