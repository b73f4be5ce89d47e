/** @module-tag openssl */
import { readFileSync } from 'node:fs'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { type Case, goodAnswersFor, playCase } from './play.ts'
import { type Cut, type Passage, startRelay } from './relay.ts'
import { goodAnswer, message } from './server.ts'
import { makeStage, type Stage } from './stage.ts'
import { inProcess } from './start.ts'
import { testOfCases } from './suite.ts'
import { kindNames, kinds } from './table.ts'

// A good answer that ends at each of its bytes, and a TLS connection that ends at each byte of either direction. One run
// tries 21 times: each try is cut one byte further, and the last goes well.

const retries = 20
const most = 16

let stage: Stage
beforeAll(async () => {
  stage = await makeStage()
  // node reads NODE_EXTRA_CA_CERTS when it starts, which this process did long ago.
  const usual = getCACertificates()
  setDefaultCACertificates([...usual, readFileSync(stage.authority.authority, 'utf8')])
  return () => setDefaultCACertificates(usual)
})

const common = { host: 'github', start: inProcess, retries, timeout: 60 } as const

describe('cut at each byte', () => {
  const ways = {
    'a Content-Length body': goodAnswer,
    'a chunked body': (good: string) =>
      message(
        ['HTTP/1.1 200 OK', 'Transfer-Encoding: chunked'],
        `${Buffer.byteLength(good).toString(16)}\r\n${good}\r\n0\r\n\r\n`,
      ),
  }
  for (const [way, whole] of Object.entries(ways)) {
    testOfCases(way, most, () =>
      kindNames.flatMap((kind) => {
        const { meets, wellBefore } = kinds[kind]
        const bytes = whole(goodAnswersFor(kind)[meets === 'token' ? 'token' : 'rest'])
        return (['end', 'reset'] as const).flatMap((how) =>
          blocks(bytes.length).map((first) => () => {
            const cuts = Math.min(retries, bytes.length - first)
            return playCase({
              ...common,
              name: `${way}, ${how} after byte ${first}…, ${kind}`,
              kind,
              stage,
              expected: () => ({ status: 0, tries: cuts + 1, says: undefined }),
              misbehave: (connection) => {
                const number = connection - wellBefore
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

/** The first of each twenty bytes. */
const blocks = (length: number): number[] =>
  Array.from({ length: Math.ceil(length / retries) }, (_, block) => block * retries)

describe('TLS, cut at each byte', () => {
  // The sender's last record only says that it has ended; and a signature takes two bytes more or less.
  const afterTheAnswer = 24 + 8
  /** More than either direction has. */
  const longest = { 'to the client': 3_400, 'to the server': 2_040 }

  const oneCase = (direction: Cut['direction'], how: Cut['how'], cuts: readonly number[]) => () => {
    let passages: readonly Passage[] = []
    const maySuffice = ({ wasCut, bytes }: Passage) =>
      !wasCut ||
      (direction === 'to the client' &&
        bytes[direction] >= (reference?.bytes[direction] ?? 0) - afterTheAnswer)
    return playCase({
      ...common,
      name: `${direction}, ${how} after byte ${cuts[0]}…`,
      kind: 'client credentials',
      stage,
      overTls: 'loopback',
      misbehave: () => undefined,
      between: async (port, onSilence) => {
        const relay = await startRelay(
          port,
          (connection) => {
            const after = cuts[connection]
            return after === undefined ? undefined : { direction, after, how }
          },
          onSilence,
        )
        passages = relay.passages
        return relay
      },
      expected: () => {
        lengths[direction] = Math.max(lengths[direction], passages.at(-1)?.bytes[direction] ?? 0)
        const isRight =
          passages.slice(0, -1).every(({ wasCut }) => wasCut) && passages.slice(-1).every(maySuffice)
        return { status: 0, tries: isRight ? passages.length : -1, says: undefined }
      },
    } satisfies Case)
  }
  const lengths = { 'to the client': 0, 'to the server': 0 }
  let reference: Passage | undefined

  testOfCases('a whole connection', 1, () => [
    () => {
      let passages: readonly Passage[] = []
      return playCase({
        ...common,
        name: 'whole',
        kind: 'client credentials',
        stage,
        overTls: 'loopback',
        misbehave: () => undefined,
        between: async (port, onSilence) => {
          const relay = await startRelay(port, () => undefined, onSilence)
          passages = relay.passages
          return relay
        },
        expected: () => {
          reference = passages[0]
          return { status: 0, tries: 1, says: undefined }
        },
      })
    },
  ])

  for (const direction of ['to the client', 'to the server'] as const) {
    for (const how of ['end', 'reset'] as const) {
      testOfCases(`${direction}, ${how}`, most, () =>
        blocks(longest[direction]).map((first) =>
          oneCase(
            direction,
            how,
            Array.from({ length: retries }, (_, index) => first + index),
          ),
        ),
      )
    }
    // Each silence is a deadline, of which three fill the timeout.
    testOfCases(`${direction}, silence behind every 16th byte`, most, () =>
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
