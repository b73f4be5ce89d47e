import {
  closeSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { reasonOf, TokenError } from './errors.ts'
import type { World } from './world.ts'

/** Milliseconds between two signs of life of the holder, and how long a silent one still counts as alive. */
const heartbeat = 1_000
const staleAfter = 10_000
const pollEvery = 50

type LockWorld = Pick<World, 'now' | 'elapsed' | 'sleep' | 'random' | 'stop' | 'uniqueName'>

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
 * @param patience milliseconds to wait for the others
 * @throws {TokenError} `file` where it cannot be made or is not free in time; `interrupted` on a signal
 */
export async function withLock<T>(
  path: string,
  world: LockWorld,
  patience: number,
  work: () => Promise<T>,
): Promise<T> {
  const holder: Holder = { id: world.uniqueName(), pid: process.pid, place: placeOfPids() }
  const deadline = world.elapsed() + patience
  while (!tryToTake(path, holder)) {
    removeIfDead(path, world)
    if (world.elapsed() > deadline) {
      throw new TokenError(
        'file',
        `${path} is held by another process, and was for ${Math.round(patience / 1_000)} s.`,
        'If no other run is at work, remove that file.',
      )
    }
    await world.sleep(pollEvery * (0.5 + world.random()), world.stop).catch(() => {
      throw new TokenError(
        'interrupted',
        'Stopped by a signal while waiting for another run.',
        'Run it again.',
      )
    })
  }
  const beat = setInterval(() => touch(path), heartbeat)
  try {
    return await work()
  } finally {
    clearInterval(beat)
    if (readHolder(path)?.id === holder.id) rmSync(path, { force: true })
  }
}

function tryToTake(path: string, holder: Holder): boolean {
  try {
    const file = openSync(path, 'wx', 0o600)
    try {
      writeFileSync(file, JSON.stringify(holder))
    } catch (error) {
      // A full disk: a lock that names nobody would keep the others waiting until it counts as silent.
      rmSync(path, { force: true })
      throw error
    } finally {
      closeSync(file)
    }
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw new TokenError(
      'file',
      `The lock ${path} could not be made: ${reasonOf(error)}.`,
      'Give a directory that this user may write to.',
      error,
    )
  }
}

/**
 * Takes a dead holder's lock out of the way. Of several that try, `rename` lets one win; and one that was a moment
 * late, and so moved a living lock, puts that back.
 */
function removeIfDead(path: string, world: LockWorld): void {
  const seen = readHolder(path)
  if (seen === undefined ? !isSilent(path, world) : isAlive(seen) && !isSilent(path, world)) return
  const aside = `${path}.${world.uniqueName()}`
  try {
    renameSync(path, aside)
  } catch {
    return
  }
  const moved = readHolder(aside)
  if (moved?.id === seen?.id) rmSync(aside, { force: true })
  else renameSync(aside, path)
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

function isSilent(path: string, world: LockWorld): boolean {
  const touched = statSync(path, { throwIfNoEntry: false })?.mtimeMs
  return touched !== undefined && world.now() - touched > staleAfter
}

function touch(path: string): void {
  try {
    const now = new Date()
    utimesSync(path, now, now)
  } catch {
    // Somebody took the lock for dead; its release will see that it is not ours any more.
  }
}

function readHolder(path: string): Holder | undefined {
  try {
    const { id, pid, place } = JSON.parse(readFileSync(path, 'utf8'))
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
