import { linkSync, lstatSync, readlinkSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { interrupted, reasonOf, systemCode, TokenError } from './errors.ts'
import { readUntrustedFile } from './untrusted-file.ts'
import { block, type World } from './world.ts'

/** Milliseconds between two updates of the lock by its holder. */
const heartbeat = 1_000
/** Milliseconds without an update after which the holder counts as dead. */
const staleAfter = 10_000
/** Average milliseconds between two tries to take the lock. */
const pollEvery = 50

/** What {@link withBriefLock} needs. */
export type LockWorld = Pick<World, 'elapsed' | 'random' | 'uniqueName'>
type WaitingWorld = LockWorld & Pick<World, 'sleep' | 'stop'>

/** Who holds a lock. */
interface Holder {
  readonly id: string
  readonly pid: number
  /** The machine and the pid namespace, because a pid is only unique within them: containers have their own pids. */
  readonly place: string
}

/**
 * Runs `work` while no other process does so under the same path. The lock is a file next to the file it protects, so it
 * also works between containers that share a volume. It detects a killed holder at once if it can see the holder's pid, and
 * otherwise because the holder no longer updates the lock.
 *
 * A holder that was suspended for a long time may continue while another process has the lock. Then two refreshes run at the
 * same time, and both get valid tokens. `fileStore` in stores/file.ts keeps the newer refresh token.
 * @param timeout how many milliseconds to wait for the lock
 * @throws {TokenError} `file` if the lock cannot be made or is not free in time; `interrupted` on a signal
 */
export async function withLock<T>(
  path: string,
  world: WaitingWorld,
  timeout: number,
  work: () => Promise<T>,
): Promise<T> {
  const holder = newHolder(world)
  for (const pause of triesToTake(path, holder, world, timeout)) {
    await world.sleep(pause, world.stop).catch(() => {
      throw interrupted()
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
 * Runs `work` like {@link withLock}, if it takes a few milliseconds and must not be interrupted. It blocks this process while
 * it waits.
 * @param timeout how many milliseconds to wait for the lock
 * @throws {TokenError} `file` if the lock cannot be made or is not free in time
 */
export function withBriefLock<T>(path: string, world: LockWorld, timeout: number, work: () => T): T {
  const holder = newHolder(world)
  for (const pause of triesToTake(path, holder, world, timeout)) {
    block(pause)
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

/** Yields the milliseconds to wait before each retry, and ends when the lock is taken. */
function* triesToTake(path: string, holder: Holder, world: LockWorld, timeout: number): Generator<number> {
  const deadline = world.elapsed() + timeout
  const isDead = deadHolderDetector(path, world)
  while (!tryToTake(path, holder)) {
    const seen = readHolder(path)
    if (isDead(seen)) moveAway(path, seen, world)
    if (world.elapsed() > deadline) {
      throw new TokenError(
        'file',
        `${path} was held by another process for ${Math.round(timeout / 1_000)} s.`,
        'If no other run is active, remove that file.',
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
    const code = systemCode(error)
    if (code === 'EEXIST') return false
    // On a full disk, the file is made but stays empty. (It is not the lock of another process: that would be EEXIST.)
    if (code === 'ENOSPC' || code === 'EDQUOT') rmSync(path, { force: true })
    throw new TokenError(
      'file',
      `The lock ${path} could not be made: ${reasonOf(error)}.`,
      'Use a directory that this user can write to, on a disk with free space.',
      error,
    )
  }
}

/**
 * Returns a function that tells whether the holder is dead: at once if its pid is visible, otherwise if the lock did not
 * change for a while. It measures with our own clock, because the file's times may come from another machine's clock.
 */
function deadHolderDetector(path: string, world: LockWorld): (seen: Holder | undefined) => boolean {
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
 * Moves a dead holder's lock away. If several processes try, `rename` lets one win. A process that was too late may have
 * moved the lock of a live holder. It then puts that lock back, unless another process has taken the lock meanwhile.
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
    // Two processes hold the lock now. withLock says what happens then.
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
    // EPERM: the process exists and belongs to another user.
    return systemCode(error) === 'EPERM'
  }
}

function touch(path: string): void {
  try {
    const now = new Date()
    utimesSync(path, now, now)
  } catch {
    // Another process took the lock. `release` will notice that it is not ours any more.
  }
}

/** Bytes. A lock has about a hundred. */
const limit = 65_536

/** Reads who holds the lock. Undefined if nobody does, or if the lock is being written right now. */
function readHolder(path: string): Holder | undefined {
  try {
    const { id, pid, place } = JSON.parse(readUntrustedFile(path, { limit }).toString())
    // Anything else, such as a half-written file, counts as an unknown holder.
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
