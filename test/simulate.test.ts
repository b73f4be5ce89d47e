import { expect, test } from 'vitest'
import { arrivalsSvg } from '../scripts/simulate/arrivals-svg.ts'
import { type Crowd, histogram, matrix, simulate } from '../scripts/simulate/crowd.ts'

// The claims of scripts/simulate/README.md about a matrix of jobs, each with a luck of its own.
const jobs = 256
const perSecond = 16
const crowd = (seed: number, options: Partial<Crowd> = {}) =>
  simulate({ starts: matrix(jobs, seed), perSecond, seed: seed + 100, ...options })
const seeds = [1, 2, 3]

test.each(seeds)(
  'with Retry-After every job gets a token, and none retries too early (seed %d)',
  async (seed) => {
    const { tokens, requests, tooEarly } = await crowd(seed, { retryAfter: 5 })
    expect({ tokens, tooEarly }).toEqual({ tokens: jobs, tooEarly: 0 })
    // 240 jobs are rejected at first, because jobs do not know of each other. That costs a tenth more requests later.
    expect(requests).toBeLessThan(jobs + 240 * 1.15)
  },
)

test.each(seeds)('without Retry-After every job gets a token too (seed %d)', async (seed) => {
  const { tokens, requests } = await crowd(seed)
  expect(tokens).toBe(jobs)
  expect(requests).toBeLessThan(jobs + 240 * 1.15)
})

test.each(seeds)(
  'every job gets a token if the limit itself needs half of the timeout (seed %d)',
  async (seed) => {
    expect((await crowd(seed, { perSecond: 8 })).tokens).toBe(jobs)
  },
)

test.each(seeds)('the jobs do not retry in waves (seed %d)', async (seed) => {
  const { arrivals } = await crowd(seed, { retryAfter: 5 })
  const later = histogram(arrivals).slice(2)
  expect(Math.max(...later.map(({ admitted, refused }) => admitted + refused))).toBeLessThanOrEqual(
    2 * perSecond,
  )
})

test('without jitter they retry in waves, and most get no token', async () => {
  const { tokens, arrivals } = await crowd(1, { retryAfter: 5, jitter: false })
  expect(tokens).toBeLessThan(jobs / 2)
  expect(
    Math.max(...histogram(arrivals).map(({ refused }, second) => (second > 2 ? refused : 0))),
  ).toBeGreaterThan(100)
})

test('a job that ignores Retry-After retries too early', async () => {
  expect((await crowd(1, { retryAfter: 5, readsRetryAfter: false })).tooEarly).toBeGreaterThan(40)
})

test('with a longer timeout, more jobs get a token within the same limit', async () => {
  expect((await crowd(1, { perSecond: 2, retryAfter: 5, timeout: 600_000 })).tokens).toBe(jobs)
})

test('the same seed gives the same result', async () => {
  expect(await crowd(7)).toEqual(await crowd(7))
})

test('the picture has a text alternative', async () => {
  const svg = arrivalsSvg({ 'As it is': await crowd(1, { retryAfter: 5 }) }, perSecond)
  expect(svg).toContain(`<desc id="description">`)
  expect(svg).toContain(`As it is: ${jobs} tokens`)
  expect(svg).toContain('prefers-color-scheme:dark')
})
