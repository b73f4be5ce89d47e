/** @module-tag openssl */
import { readFileSync } from 'node:fs'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { type Fixture, makeFixture } from './fixture.ts'
import { type Cut, startRelay, type Traffic } from './relay.ts'
import { type Case, goodAnswersFor, runCase } from './run-case.ts'
import { goodAnswer, message } from './server.ts'
import { inProcess } from './start.ts'
import { testOfCases } from './suite.ts'
import { kindNames, kinds } from './table.ts'

// Cuts a good answer after each of its bytes, and a TLS connection after each byte of either direction. One run
// tries 21 times: each try is cut one byte later, and the last one succeeds.

const retries = 20
const concurrency = 16

let fixture: Fixture
beforeAll(async () => {
  fixture = await makeFixture()
  // Node reads NODE_EXTRA_CA_CERTS only when it starts.
  const usual = getCACertificates()
  setDefaultCACertificates([...usual, readFileSync(fixture.authority.authority, 'utf8')])
  return () => setDefaultCACertificates(usual)
})

const common = { host: 'github', start: inProcess, retries, timeout: 60 } as const

describe('an answer cut after each byte', () => {
  const ways = {
    'a Content-Length body': goodAnswer,
    'a chunked body': (good: string) =>
      message(
        ['HTTP/1.1 200 OK', 'Transfer-Encoding: chunked'],
        `${Buffer.byteLength(good).toString(16)}\r\n${good}\r\n0\r\n\r\n`,
      ),
  }
  for (const [way, whole] of Object.entries(ways)) {
    testOfCases(way, concurrency, () =>
      kindNames.flatMap((kind) => {
        const { meets, goodBefore } = kinds[kind]
        const bytes = whole(goodAnswersFor(kind)[meets === 'token' ? 'token' : 'rest'])
        return (['end', 'reset'] as const).flatMap((how) =>
          blocks(bytes.length).map((first) => () => {
            const cuts = Math.min(retries, bytes.length - first)
            return runCase({
              ...common,
              name: `${way}, ${how} after byte ${first}…, ${kind}`,
              kind,
              fixture,
              expected: () => ({ status: 0, tries: cuts + 1, says: undefined }),
              misbehave: (connection) => {
                const number = connection - goodBefore
                if (number < 0 || number >= cuts) return undefined
                return {
                  onRequest: ({ socket }) => {
                    socket.write(bytes.subarray(0, first + number), () =>
                      how === 'end' ? socket.end() : socket.resetAndDestroy(),
                    )
                  },
                }
              },
            })
          }),
        )
      }),
    )
  }
})

/** Returns the first of each twenty bytes. */
const blocks = (length: number): number[] =>
  Array.from({ length: Math.ceil(length / retries) }, (_, block) => block * retries)

describe('a TLS connection cut after each byte', () => {
  // The server's last record only says that it has ended, and the length of a signature varies by a few bytes.
  const afterTheAnswer = 24 + 8
  /** More bytes than each direction sends. */
  const longest = { 'to the client': 3_400, 'to the server': 2_040 }

  const oneCase = (direction: Cut['direction'], how: Cut['how'], cuts: readonly number[]) => () => {
    let traffic: readonly Traffic[] = []
    const mayBeEnough = ({ wasCut, bytes }: Traffic) =>
      !wasCut ||
      (direction === 'to the client' &&
        bytes[direction] >= (reference?.bytes[direction] ?? 0) - afterTheAnswer)
    return runCase({
      ...common,
      name: `${direction}, ${how} after byte ${cuts[0]}…`,
      kind: 'client credentials',
      fixture,
      overTls: 'loopback',
      misbehave: () => undefined,
      relay: async (port, onSilence) => {
        const relay = await startRelay(
          port,
          (connection) => {
            const after = cuts[connection]
            return after === undefined ? undefined : { direction, after, how }
          },
          onSilence,
        )
        traffic = relay.traffic
        return relay
      },
      expected: () => {
        lengths[direction] = Math.max(lengths[direction], traffic.at(-1)?.bytes[direction] ?? 0)
        const isRight =
          traffic.slice(0, -1).every(({ wasCut }) => wasCut) && traffic.slice(-1).every(mayBeEnough)
        return { status: 0, tries: isRight ? traffic.length : -1, says: undefined }
      },
    } satisfies Case)
  }
  const lengths = { 'to the client': 0, 'to the server': 0 }
  let reference: Traffic | undefined

  testOfCases('a whole connection', 1, () => [
    () => {
      let traffic: readonly Traffic[] = []
      return runCase({
        ...common,
        name: 'whole',
        kind: 'client credentials',
        fixture,
        overTls: 'loopback',
        misbehave: () => undefined,
        relay: async (port, onSilence) => {
          const relay = await startRelay(port, () => undefined, onSilence)
          traffic = relay.traffic
          return relay
        },
        expected: () => {
          reference = traffic[0]
          return { status: 0, tries: 1, says: undefined }
        },
      })
    },
  ])

  for (const direction of ['to the client', 'to the server'] as const) {
    for (const how of ['end', 'reset'] as const) {
      testOfCases(`${direction}, ${how}`, concurrency, () =>
        blocks(longest[direction]).map((first) =>
          oneCase(
            direction,
            how,
            Array.from({ length: retries }, (_, index) => first + index),
          ),
        ),
      )
    }
    // A silent try lasts until its deadline, and three of these use up the timeout.
    testOfCases(`${direction}, silence after every 16th byte`, concurrency, () =>
      blocks(longest[direction] / 16).flatMap((block) =>
        Array.from({ length: retries }, (_, index) => oneCase(direction, 'silence', [(block + index) * 16])),
      ),
    )
  }

  afterAll(() => {
    for (const direction of ['to the client', 'to the server'] as const)
      expect(lengths[direction]).toBeLessThan(longest[direction])
  })
})
