import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { backoff, delayBefore, isTransient, readRetryAfter } from '../../src/http/retry.ts'

describe('isTransient', () => {
  test.each([408, 425, 429, 500, 502, 503, 504, 521, 599])('is true for %d', (status) => {
    expect(isTransient(status)).toBe(true)
  })

  test.each([200, 204, 302, 400, 401, 403, 404, 405, 407, 409, 410, 418, 422, 451, 499, 600])(
    'is false for %d',
    (status) => {
      expect(isTransient(status)).toBe(false)
    },
  )

  test('is true for a 403 whose headers report a rate limit, as on GitHub', () => {
    expect(isTransient(403, { 'retry-after': '60' })).toBe(true)
    expect(isTransient(403, { 'x-ratelimit-remaining': '0' })).toBe(true)
    expect(isTransient(403, { 'x-ratelimit-remaining': '1' })).toBe(false)
    expect(isTransient(401, { 'retry-after': '60', 'x-ratelimit-remaining': '0' })).toBe(false)
  })
})

describe('the delay before a try', () => {
  const tries = fc.integer({ min: 2, max: 21 })
  const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

  const waiting = { retryAfter: undefined, timeLeft: 60_000, triesLeftAfter429: undefined, random: () => 0.5 }

  test('is a random share of a window that doubles up to a limit', () => {
    fc.assert(
      fc.property(tries, chance, (next, random) => {
        const window = Math.min(20_000, 1_000 * 2 ** (next - 2))
        const wait = delayBefore(next, { ...waiting, random: () => random })
        expect(wait).toBe(Math.round(random * window))
        expect(wait).toBeLessThanOrEqual(backoff.most)
      }),
      { numRuns: 300 },
    )
  })

  test('is never shorter than Retry-After, and adds jitter within the time that is left', () => {
    fc.assert(
      fc.property(
        tries,
        chance,
        fc.nat(600_000),
        fc.integer({ min: 1, max: 600_000 }),
        fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
        (next, random, asked, free, triesLeftAfter429) => {
          const left = asked + free
          const wait = delayBefore(next, {
            retryAfter: asked,
            timeLeft: left,
            triesLeftAfter429,
            random: () => random,
          })
          expect(wait).toBeGreaterThanOrEqual(asked)
          expect(wait).toBeLessThanOrEqual(Math.ceil(asked + free * 0.9))
        },
      ),
      { numRuns: 300 },
    )
    expect(delayBefore(2, { ...waiting, retryAfter: 5_000 })).toBe(5_500)
  })

  test('after a 429 comes from windows that grow by a quarter and fill the time until the deadline', () => {
    let left = 60_000
    const waits = [4, 3, 2, 1].map((triesLeftAfter429, index) => {
      const wait = delayBefore(index + 2, { ...waiting, timeLeft: left, triesLeftAfter429 })
      left -= wait
      return wait
    })
    expect(waits).toEqual([10_407, 13_008, 16_260, 13_719])
  })

  test('before the last try after a 429 is at least half of its window', () => {
    const waits = [0, 1].map((random) =>
      delayBefore(5, { ...waiting, timeLeft: 20_000, triesLeftAfter429: 1, random: () => random }),
    )
    expect(waits).toEqual([9_000, 18_000])
  })

  test('after a 429 is never shorter than after another failure', () => {
    fc.assert(
      fc.property(tries, chance, fc.integer({ min: 1, max: 20 }), (next, random, triesLeftAfter429) => {
        const given = { ...waiting, random: () => random }
        const after429 = delayBefore(next, { ...given, triesLeftAfter429 })
        expect(after429).toBeGreaterThanOrEqual(delayBefore(next, given))
      }),
      { numRuns: 300 },
    )
  })
})

describe('Retry-After', () => {
  const now = Date.parse('2026-11-21T10:00:00Z')

  test.each([
    ['0', 0],
    ['7', 7_000],
    [' 120 ', 120_000],
    ['86400', 86_400_000],
  ])('is read as seconds: %o', (header, wait) => {
    expect(readRetryAfter(header, now)).toBe(wait)
  })

  // A recipient must accept all three formats, and each is in UTC (RFC 9110, 5.6.7).
  test.each([
    ['IMF-fixdate', 'Sat, 21 Nov 2026 10:00:30 GMT'],
    ['RFC 850', 'Saturday, 21-Nov-26 10:00:30 GMT'],
    ['asctime', 'Sat Nov 21 10:00:30 2026'],
  ])('is read as a date in the format %s', (_, header) => {
    const { TZ } = process.env
    try {
      process.env['TZ'] = 'America/New_York'
      expect(readRetryAfter(header, now)).toBe(30_000)
    } finally {
      if (TZ === undefined) delete process.env['TZ']
      else process.env['TZ'] = TZ
    }
  })

  test.each([
    undefined,
    '',
    'soon',
    '-5',
    '1.5',
    '0x10',
    '1e3',
    '2026-11-21',
    '2096-11-21',
    'on Sat, 21 Nov 2096 10:00:00 GMT',
    'Sat, 99 Foo 2026',
    'Sat, 21 Nov 2026 10:00:00 GMT',
    'Sat, 21 Nov 2020 10:00:00 GMT',
  ])('is ignored: %o', (header) => {
    expect(readRetryAfter(header, now)).toBeUndefined()
  })

  test('is finite, however large it is', () => {
    expect(readRetryAfter('9'.repeat(30), now)).toBeGreaterThan(1e30)
  })

  test('is never a negative delay', () => {
    fc.assert(
      fc.property(fc.string(), (header) => {
        const wait = readRetryAfter(header, now)
        expect(wait === undefined || wait >= 0).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})
