import { expect, test } from 'vitest'
import { arrivalsSvg } from '../scripts/simulate/arrivals-svg.ts'
import { type Crowd, histogram, matrix, simulate } from '../scripts/simulate/crowd.ts'

// The claims of scripts/simulate/README.md about a matrix of jobs, each with a luck of its own.
const jobs = 256
const perSecond = 16
const crowd = (seed: number, options: Partial<Crowd> = {}) =>
  simulate({ starts: matrix(jobs, seed), perSecond, seed: seed + 100, ...options })
const seeds = [1, 2, 3]

test.each(seeds)('with Retry-After all get a token, and none comes back too early (%d)', async (seed) => {
  const { tokens, requests, tooEarly } = await crowd(seed, { retryAfter: 5 })
  expect({ tokens, tooEarly }).toEqual({ tokens: jobs, tooEarly: 0 })
  // 240 are turned away before they can know of each other; a tenth more is what not knowing costs.
  expect(requests).toBeLessThan(jobs + 240 * 1.15)
})

test.each(seeds)('without Retry-After too (%d)', async (seed) => {
  const { tokens, requests } = await crowd(seed)
  expect(tokens).toBe(jobs)
  expect(requests).toBeLessThan(jobs + 240 * 1.15)
})

test.each(seeds)('also where half of the timeout is what the limit itself needs (%d)', async (seed) => {
  expect((await crowd(seed, { perSecond: 8 })).tokens).toBe(jobs)
})

test.each(seeds)('they do not come in waves (%d)', async (seed) => {
  const { arrivals } = await crowd(seed, { retryAfter: 5 })
  const later = histogram(arrivals, 1_000).slice(2)
  expect(Math.max(...later.map(({ admitted, refused }) => admitted + refused))).toBeLessThanOrEqual(
    2 * perSecond,
  )
})

test('without jitter they do, and most get nothing', async () => {
  const { tokens, arrivals } = await crowd(1, { retryAfter: 5, jitter: false })
  expect(tokens).toBeLessThan(jobs / 2)
  expect(
    Math.max(...histogram(arrivals, 1_000).map(({ refused }, second) => (second > 2 ? refused : 0))),
  ).toBeGreaterThan(100)
})

test('who does not read Retry-After comes too early', async () => {
  expect((await crowd(1, { retryAfter: 5, readsRetryAfter: false })).tooEarly).toBeGreaterThan(40)
})

test('a longer timeout gets a crowd through a narrower gate', async () => {
  expect((await crowd(1, { perSecond: 2, retryAfter: 5, timeout: 600_000 })).tokens).toBe(jobs)
})

test('the same seed gives the same run', async () => {
  expect(await crowd(7)).toEqual(await crowd(7))
})

test('the picture says in words what it shows', async () => {
  const svg = arrivalsSvg({ 'As it is': await crowd(1, { retryAfter: 5 }) }, perSecond)
  expect(svg).toContain(`<desc id="description">`)
  expect(svg).toContain(`As it is: ${jobs} tokens`)
  expect(svg).toContain('prefers-color-scheme:dark')
})
