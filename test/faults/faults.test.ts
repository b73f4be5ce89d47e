import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeAuthority } from './certificates.ts'
import { inParallel, type Played, play, playWith, type Stage } from './play.ts'
import { type FaultServer, goodAnswer, message, startFaultServer } from './server.ts'
import { groups, type Kind, kinds, modesFor } from './table.ts'

const kindNames = Object.keys(kinds) as Kind[]

let directory: string
let stage: Stage
let others: FaultServer
const figures: Record<string, { seconds: number; played: readonly Played[] }> = {}

beforeAll(async () => {
  directory = mkdtempSync(join(realpathSync(tmpdir()), 'bitbucket-token-authority-'))
  const authority = makeAuthority(directory)
  const { sign } = authority
  others = await startFaultServer({
    good: { token: '{}', rest: '{}' },
    others: { port: '', host: '' },
    misbehave: () => undefined,
  })
  stage = {
    authority,
    others: { port: `http://127.0.0.1:${others.port}`, host: `http://localhost:${others.port}` },
    certificates: {
      good: sign('127.0.0.1'),
      'unknown authority': sign('127.0.0.1', { by: 'stranger' }),
      expired: sign('127.0.0.1', { days: -1 }),
      'other name': sign('bitbucket.org'),
      'bitbucket.invalid': sign('bitbucket.invalid'),
    },
  }
})

afterAll(async () => {
  await others.close()
  rmSync(directory, { recursive: true, force: true })
  const rows = Object.entries(figures).map(([title, { seconds, played }]) => ({ title, seconds, played }))
  const total = {
    title: 'all',
    seconds: sum(rows.map((row) => row.seconds)),
    played: rows.flatMap((row) => row.played),
  }
  console.log(
    [
      'cases tries succeeded failed | silent successes  leaks  hangs | seconds',
      ...[...rows, total].map(figure),
    ].join('\n'),
  )
})

const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0)

function figure({
  title,
  seconds,
  played,
}: {
  title: string
  seconds: number
  played: readonly Played[]
}): string {
  const count = (is: (one: Played) => boolean) => played.filter(is).length
  const cells: [number, width: number][] = [
    [played.length, 5],
    [sum(played.map(({ tries }) => tries)), 6],
    [count(({ succeeded }) => succeeded), 10],
    [count(({ succeeded }) => !succeeded), 7],
    [count(({ silent }) => silent), 19],
    [count(({ leaked }) => leaked), 7],
    [count(({ hung }) => hung), 7],
    [Math.round(seconds), 10],
  ]
  return `${cells.map(([value, width]) => String(value).padStart(width)).join('')}  ${title}`
}

async function playAll(
  title: string,
  most: number,
  tasks: readonly (() => Promise<Played & { name: string }>)[],
) {
  const started = performance.now()
  const played = await inParallel(most, tasks)
  figures[title] = { seconds: (performance.now() - started) / 1_000, played }
  const wrong = played.filter(({ complaints }) => complaints.length > 0)
  expect(wrong.map(({ name, complaints }) => `${name}: ${complaints.join('; ')}`)).toEqual([])
}

test.each(groups)('$title', { timeout: 600_000 }, async ({ title, rows }) => {
  const tasks = rows.flatMap((fault) =>
    kindNames.flatMap((kind) =>
      modesFor(fault[kinds[kind]], process.env['FAULTS'] === 'all').map((mode) => async () => ({
        ...(await play(fault, kind, mode, stage)),
        name: `${fault.name}, ${mode}, ${kind}`,
      })),
    ),
  )
  await playAll(title, 6, tasks)
  expect(others.tries(), 'what the other servers heard').toBe(0)
})

// One run can try 21 times: each try is cut one byte further, and the last goes well.
test('An answer that ends at each of its bytes', { timeout: 600_000 }, async () => {
  const retries = 20
  const ways = {
    'a Content-Length body': goodAnswer,
    'a chunked body': (good: string) =>
      message(
        ['HTTP/1.1 200 OK', 'Transfer-Encoding: chunked'],
        `${Buffer.byteLength(good).toString(16)}\r\n${good}\r\n0\r\n\r\n`,
      ),
  }
  const tasks = kindNames.flatMap((kind) =>
    Object.entries(ways).flatMap(([way, whole]) =>
      (['end', 'reset'] as const).flatMap((how) => {
        // The token of the one kind is longer than the account of the other.
        const most = kinds[kind] === 'token' ? 420 : 240
        return Array.from({ length: Math.ceil(most / retries) }, (_, block) => async () => {
          let cuts = 0
          const played = await playWith({
            kind,
            stage,
            inputs: { retries: String(retries), timeout: '60' },
            limit: 68_000,
            get expected() {
              return { status: 0, tries: cuts + 1, says: undefined }
            },
            misbehave: (number) =>
              number === retries
                ? undefined
                : {
                    onRequest: ({ socket, good }) => {
                      const bytes = whole(good)
                      const length = block * retries + number
                      if (length >= bytes.length) {
                        socket.end(bytes)
                        return
                      }
                      cuts++
                      socket.write(bytes.subarray(0, length), () =>
                        how === 'end' ? socket.end() : socket.resetAndDestroy(),
                      )
                    },
                  },
          })
          return { ...played, name: `${way}, ${how} after byte ${block * retries}…, ${kind}` }
        })
      }),
    ),
  )
  await playAll('An answer that ends at each of its bytes', 6, tasks)
})
