/** @module-tag process */
import { type ChildProcess, spawn } from 'node:child_process'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { withLock } from '../src/lock.ts'
import { processWorld } from '../src/world.ts'

const world = (given = {}) => ({ ...processWorld(process, new AbortController().signal), ...given })

function place(): string {
  const directory = mkdtempSync(join(tmpdir(), 'bitbucket-token-lock-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return join(directory, 'lock')
}

/** Starts processes at the same time that each run `body` (JavaScript with `path` and `withLock` in scope). */
function processes(count: number, path: string, body: string): ChildProcess[] {
  const script = `
    import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
    import { withLock } from ${JSON.stringify(new URL('../src/lock.ts', import.meta.url).href)}
    import { processWorld } from ${JSON.stringify(new URL('../src/world.ts', import.meta.url).href)}
    const path = ${JSON.stringify(path)}
    const world = processWorld(process, new AbortController().signal)
    ${body}
  `
  return Array.from({ length: count }, () =>
    spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'ignore', 'inherit'],
    }),
  )
}

const ended = (child: ChildProcess) =>
  new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))

test('only the owner can read the lock, and it is removed afterwards, also if the work fails', async () => {
  const path = place()
  const seen = await withLock(path, world(), 1_000, async () => readFileSync(path, 'utf8'))
  expect(JSON.parse(seen)).toMatchObject({ pid: process.pid })
  await expect(withLock(path, world(), 1_000, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(existsSync(path)).toBe(false)
})

test('eight processes with ten rounds each all get the lock, and never two at the same time', async () => {
  const path = place()
  const body = `
    for (let round = 0; round < 10; round++) {
      await withLock(path, world, 60_000, async () => {
        const before = Number(readFileSync(path + '.count', 'utf8'))
        await new Promise((resolve) => setTimeout(resolve, 2))
        writeFileSync(path + '.count', String(before + 1))
      })
    }`
  writeFileSync(`${path}.count`, '0')
  expect(await Promise.all(processes(8, path, body).map(ended))).toEqual(Array(8).fill(0))
  expect(readFileSync(`${path}.count`, 'utf8')).toBe('80')
  expect(readdirSync(join(path, '..'))).toEqual(['lock.count'])
})

test('takes the lock of a killed holder at once if its pid is visible', async () => {
  const path = place()
  const [child] = processes(
    1,
    path,
    `await withLock(path, world, 1_000, () => new Promise(() => setInterval(() => {}, 1_000)))`,
  )
  await vi.waitUntil(() => existsSync(path), 10_000)
  child?.kill('SIGKILL')
  if (child !== undefined) await ended(child)
  const began = performance.now()
  await withLock(path, world(), 5_000, async () => {})
  expect(performance.now() - began).toBeLessThan(4_500)
  expect(readdirSync(join(path, '..'))).toEqual([])
})

test('if many processes find a dead holder, one at a time gets the lock', async () => {
  const path = place()
  for (let round = 0; round < 5; round++) {
    writeFileSync(path, JSON.stringify({ id: `dead ${round}`, pid: 2 ** 22 + 1, place: placeOfPids() }))
    const body = `await withLock(path, world, 60_000, async () => {
      appendFileSync(path + '.trace', 'in\\n')
      await new Promise((resolve) => setTimeout(resolve, 5))
      appendFileSync(path + '.trace', 'out\\n')
    })`
    await Promise.all(processes(4, path, body).map(ended))
  }
  expect(readFileSync(`${path}.trace`, 'utf8')).toBe('in\nout\n'.repeat(20))
  expect(readdirSync(join(path, '..'))).toEqual(['lock.trace'])
})

function placeOfPids(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return hostname()
  }
}

/** A world in which time passes only during a sleep. */
function waitingWorld(onSleep: (elapsed: number) => void = () => {}) {
  let time = 0
  return world({
    elapsed: () => time,
    sleep: async (milliseconds: number) => {
      time += milliseconds
      onSleep(time)
    },
    random: () => 0.5,
  })
}

const elsewhere = JSON.stringify({ id: 'theirs', pid: 1, place: 'another machine' })

test.each([
  ['on another machine', elsewhere],
  ['that was killed while it wrote the lock', ''],
])('a holder %s counts as dead after ten seconds without an update, and not earlier', async (_, text) => {
  const path = place()
  writeFileSync(path, text)
  let tookAt = 0
  const clock = waitingWorld()
  await withLock(path, clock, 60_000, async () => {
    tookAt = clock.elapsed()
  })
  expect(tookAt).toBeGreaterThan(10_000)
  expect(tookAt).toBeLessThan(10_200)
})

test.each([-3_600_000, 3_600_000])(
  'a live holder on a machine whose clock is off by %i ms keeps its lock',
  async (skew) => {
    const path = place()
    writeFileSync(path, elsewhere)
    const clock = waitingWorld((elapsed) => {
      const theirs = new Date(Date.now() + skew + elapsed)
      utimesSync(path, theirs, theirs)
    })
    await expect(withLock(path, clock, 30_000, async () => {})).rejects.toMatchObject({ code: 'file' })
    expect(readFileSync(path, 'utf8')).toBe(elsewhere)
  },
)

test('a holder that lost its lock does not remove the new one', async () => {
  const path = place()
  await withLock(path, world(), 1_000, async () => {
    writeFileSync(path, elsewhere)
    const before = new Date(1_000_000_000_000)
    utimesSync(path, before, before)
    // Longer than a heartbeat.
    await new Promise((resolve) => setTimeout(resolve, 1_200))
    expect(readFileSync(path, 'utf8')).toBe(elsewhere)
  })
  expect(existsSync(path)).toBe(true)
  expect(statSync(path).mtimeMs).toBe(1_000_000_000_000)
})

test('a signal stops the wait', async () => {
  const path = place()
  writeFileSync(path, elsewhere)
  const stop = new AbortController()
  setTimeout(() => stop.abort(), 50)
  const waiting = withLock(path, { ...world(), stop: stop.signal }, 60_000, async () => {})
  await expect(waiting).rejects.toMatchObject({ code: 'interrupted' })
})

test('a directory that is missing or not writable is an error', async () => {
  await expect(withLock('/nonexistent/lock', world(), 100, async () => {})).rejects.toMatchObject({
    code: 'file',
    message: expect.stringMatching(/could not be made: ENOENT/),
  })
})

test('the heartbeat updates the lock', async () => {
  const path = place()
  await withLock(path, world(), 1_000, async () => {
    const before = statSync(path).mtimeMs
    await vi.waitUntil(() => statSync(path).mtimeMs > before, 10_000)
  })
})
