import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { makeTree } from './support/run.ts'
import { type Place, places, scopes } from './support/store-places.ts'
import { type Bitbucket, liveOf, run, type Start, startBitbucket } from './support/store-runs.ts'

/** Makes a sandbox, a store with a token in it, and a clock for both that the test can move forward. */
async function startScenario(name: string) {
  let ahead = 0
  const bitbucket = await startBitbucket({ scopes, now: () => Date.now() + ahead })
  const prepare = places[name]
  if (prepare === undefined) throw new Error('unknown store')
  const place = await prepare(bitbucket)
  const cwd = makeTree()
  return {
    bitbucket,
    place,
    later: (seconds: number) => {
      ahead += seconds * 1_000
    },
    job: async (given: Partial<Start> = {}) => {
      const finished = await run({
        bitbucket,
        env: { ...place.job(), CLOCK_AHEAD: String(ahead) },
        cwd,
        ...(place.secrets && { secrets: place.secrets }),
        ...given,
      })
      // The command of a killed run continues, and may do harm only now.
      if (finished.signal !== null && name === 'command') await setTimeout(100)
      return finished
    },
  }
}

/** Returns the boundaries of a complete run, in order (see die-at.mjs). */
async function boundariesOf({ job }: Awaited<ReturnType<typeof startScenario>>): Promise<string[]> {
  const dieLog = join(makeTree(), 'log')
  const whole = await job({ dieLog })
  expect([whole.status, whole.stderr]).toEqual([0, whole.stderr])
  return readFileSync(dieLog, 'utf8').trim().split('\n')
}

const isGood = (bitbucket: Bitbucket, place: Place) => liveOf(bitbucket).includes(place.stored())

describe.each(Object.keys(places))('%s: after a kill at each boundary', (name) => {
  test('the next run succeeds', async () => {
    const scenario = await startScenario(name)
    const { bitbucket, place, job, later } = scenario
    const boundaries = await boundariesOf(scenario)
    for (const [index, boundary] of boundaries.entries()) {
      // After this time a run refreshes instead of sharing the cached token.
      later(100)
      const killed = await job({ dieAt: index + 1 })
      expect([boundary, killed.signal]).toEqual([boundary, 'SIGKILL'])
      const next = await job()
      expect([boundary, next.status, next.stderr]).toEqual([boundary, 0, next.stderr])
      expect([boundary, isGood(bitbucket, place)]).toEqual([boundary, true])
    }
    console.log(`${name}: ${boundaries.length} kills, ${boundaries.length} successes within the ten minutes`)
  }, 120_000)

  test('a run ten minutes later succeeds or says what to do', async () => {
    const scenario = await startScenario(name)
    const { bitbucket, place, job, later } = scenario
    const boundaries = await boundariesOf(scenario)
    const lost: string[] = []
    for (const [index, boundary] of boundaries.entries()) {
      later(100)
      await job({ dieAt: index + 1 })
      later(601)
      const next = await job()
      if (next.status !== 0) {
        lost.push(boundary)
        expect([boundary, next.status]).toEqual([boundary, 3])
        expect(next.stdout + next.stderr).toMatch(
          /The refresh token is no longer valid.*Authorise a new one and save it in the .*See https:.*\/docs\/refresh-tokens\.md#the-first/s,
        )
        // Does what the message says.
        const token = bitbucket.issue('refresh-token')
        bitbucket.refreshTokens.push(token)
        await place.put(token)
        expect((await job()).status).toBe(0)
      }
      expect([boundary, isGood(bitbucket, place)]).toEqual([boundary, true])
    }
    console.log(
      `${name}: ${boundaries.length} kills and ten minutes, ${boundaries.length - lost.length} successes; lost before ${lost.join(', ') || 'none'}`,
    )
    // Only kills between the refresh and the end of the saving may lose the token.
    const first = boundaries.findIndex((one) => one.startsWith('response to POST /site/oauth2'))
    expect(boundaries.indexOf(lost[0] ?? '')).toBeGreaterThanOrEqual(first)
    expect(lost.length).toBeLessThan(10)
  }, 120_000)
})

test('the next run succeeds if a kill loses the answer of a finished refresh', async () => {
  const { bitbucket, place, job } = await startScenario('file')
  let kill = () => {}
  bitbucket.script((_req, _res, answer) => {
    kill()
    answer()
  })
  const killed = await job({ onStart: (child) => (kill = () => child.kill('SIGKILL')) })
  expect(killed.signal).toBe('SIGKILL')
  await expect.poll(() => liveOf(bitbucket).length).toBe(2)
  expect((await job()).status).toBe(0)
  expect(isGood(bitbucket, place)).toBe(true)
})
