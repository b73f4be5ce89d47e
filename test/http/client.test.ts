import { getEventListeners } from 'node:events'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { quoteForLog, TokenError } from '../../src/errors.ts'
import { createHttp } from '../../src/http/client.ts'
import { type HttpRequest, type HttpResponse, NoAnswer, type Transport } from '../../src/http/exchange.ts'
import type { World } from '../../src/world.ts'
import { rejection } from '../support/failure.ts'
import { fakeWorld } from '../support/fake-world.ts'

const url = new URL('https://api.bitbucket.org/2.0/user')
const request: HttpRequest = { method: 'GET', url, headers: {} }

/** What a fake server does with one request: a status, an answer, no answer, silence, or an answer after some time. */
type Outcome = number | Partial<HttpResponse> | Error | 'silence' | { after: number }

/** Returns a client whose n-th request has the n-th outcome. The last outcome repeats. */
function client(
  outcomes: readonly Outcome[],
  { timeout = 60_000, retries = 4, onSilence = () => {}, onRetry = () => {}, ...world }: Options = {},
) {
  const fake = fakeWorld(world)
  const lines: string[] = []
  const starts: number[] = []
  const transport: Transport = async (_, signal) => {
    const outcome = outcomes[Math.min(starts.length, outcomes.length - 1)] ?? 200
    starts.push(fake.elapsed())
    signal.throwIfAborted()
    if (outcome instanceof Error) throw outcome
    if (outcome === 'silence') {
      onSilence()
      return new Promise((_, reject) => {
        // Rejects with node's own error, not with the signal's reason, because transports differ in what they report.
        signal.addEventListener('abort', () => reject(new Error('The operation was aborted')))
      })
    }
    if (typeof outcome === 'object' && 'after' in outcome) {
      await fake.sleep(outcome.after, signal)
      return { status: 200, headers: {}, body: '' }
    }
    return typeof outcome === 'number'
      ? { status: outcome, headers: {}, body: '' }
      : { status: 200, headers: {}, body: '', ...outcome }
  }
  const log = {
    debug() {},
    info(line: string) {
      lines.push(line)
      onRetry(fake.stopNow)
    },
  }
  const http = createHttp(transport, { timeout, retries, world: fake, log, quote: quoteForLog })
  return { http, world: fake, lines, starts }
}

interface Options extends Partial<World> {
  readonly timeout?: number
  readonly retries?: number
  readonly onSilence?: () => void
  readonly onRetry?: (stopNow: () => void) => void
}

/** Returns the error of a request that must fail. */
const lost = () =>
  new NoAnswer('the connection to api.bitbucket.org failed (ECONNRESET)', true, 'Check the net.')

describe('an answer that is not a transient failure', () => {
  test.each([200, 204, 302, 400, 401, 403, 404, 407, 410])(
    'is returned after one request: %d',
    async (status) => {
      const { http, starts, lines, world } = client([status])
      expect((await http(request)).status).toBe(status)
      expect(starts).toHaveLength(1)
      expect({ lines, waits: world.waits }).toEqual({ lines: [], waits: [] })
    },
  )
})

describe('a transient failure is retried', () => {
  test.each([408, 425, 429, 500, 502, 503, 504])('status %d', async (status) => {
    const { http, starts } = client([status, 200])
    expect((await http(request)).status).toBe(200)
    expect(starts).toHaveLength(2)
  })

  test('lost connection', async () => {
    const { http, starts } = client([lost(), lost(), 200])
    expect((await http(request)).status).toBe(200)
    expect(starts).toHaveLength(3)
  })

  test('even for a POST, which http-client itself never retries', async () => {
    const { http, starts } = client([503, 200])
    expect((await http({ ...request, method: 'POST' })).status).toBe(200)
    expect(starts).toHaveLength(2)
  })

  test('an answer whose error code means that the service is busy', async () => {
    const { http, lines } = client([
      { status: 400, body: 'busy' },
      { status: 400, body: 'wrong' },
    ])
    const retryLaterCode = ({ body }: HttpResponse) =>
      body === 'busy' ? 'temporarily_unavailable' : undefined
    expect(await http({ ...request, retryLaterCode })).toMatchObject({ status: 400, body: 'wrong' })
    expect(lines).toEqual([
      expect.stringMatching(
        /^api\.bitbucket\.org answered with status 400 \(temporarily_unavailable\)\. Retry/,
      ),
    ])
  })

  test('after delays from a doubling window', async () => {
    const { http, world } = client([500, 500, 500, 500, 200], { random: () => 0.25 })
    await http(request)
    expect(world.waits).toEqual([250, 500, 1_000, 2_000])
  })

  test('with one log line per retry', async () => {
    const { http, lines } = client([503, lost(), 200], { retries: 2 })
    await http(request)
    expect(lines).toEqual([
      'api.bitbucket.org answered with status 503. Retrying in 0.5 s (try 2 of 3).',
      'api.bitbucket.org: the connection to api.bitbucket.org failed (ECONNRESET). Retrying in 1.0 s (try 3 of 3).',
    ])
  })
})

describe('after the last try', () => {
  test('the error names the number of tries and the last failure', async () => {
    const { http, starts, world } = client([500, 502, 503], { retries: 2 })
    const error = await rejection(http(request))
    expect(error).toMatchObject({
      code: 'unreachable',
      exitStatus: 5,
      message: 'api.bitbucket.org answered with status 503. Gave up after 3 tries.',
    })
    expect(error.nextStep).toContain('bitbucket.status.atlassian.com')
    expect(starts).toHaveLength(3)
    // No sleep after the last try.
    expect(world.waits).toHaveLength(2)
  })

  test('retries: 0 means one try without a delay', async () => {
    const { http, starts, world } = client([503], { retries: 0 })
    expect((await rejection(http(request))).message).toBe(
      'api.bitbucket.org answered with status 503. Retries are off.',
    )
    expect({ tries: starts.length, waits: world.waits }).toEqual({ tries: 1, waits: [] })
  })

  test('a rate limit has its own advice', async () => {
    const { http } = client([429])
    expect((await rejection(http(request))).nextStep).toContain('has a limit of requests per hour')
  })

  test('a lost connection keeps its own advice', async () => {
    const { http } = client([lost()])
    expect(await rejection(http(request))).toMatchObject({ code: 'unreachable', nextStep: 'Check the net.' })
  })
})

test('does not retry a failure that is not transient', async () => {
  const { http, starts, world } = client([
    new NoAnswer('the certificate was not accepted', false, 'Give the CA.'),
  ])
  expect(await rejection(http(request))).toMatchObject({
    code: 'unreachable',
    message: 'api.bitbucket.org: the certificate was not accepted. Retrying will not help.',
    nextStep: 'Give the CA.',
  })
  expect({ tries: starts.length, waits: world.waits }).toEqual({ tries: 1, waits: [] })
})

test('neither retries nor wraps an error of our own code', async () => {
  const bug = new TypeError('undefined is not a function')
  const { http, starts } = client([bug])
  await expect(http(request)).rejects.toBe(bug)
  expect(starts).toHaveLength(1)
})

describe('Retry-After', () => {
  const asking = (value: string, status = 429) => ({ status, headers: { 'retry-after': value } })

  // After a 429 four windows fill the free time. The fake random number takes half of the first window.
  test('in seconds is waited for completely', async () => {
    const { http, world } = client([asking('30'), 200])
    await http(request)
    expect(world.waits).toEqual([30_000 + 5_203])
  })

  test('as a date is waited for completely', async () => {
    const { http, world } = client([asking('Sat, 21 Nov 2026 10:00:20 GMT', 503), 200])
    await http(request)
    expect(world.waits).toEqual([20_500])
  })

  test.each(['soon', '', '-1', '1.5'])('is ignored if it is invalid: %o', async (value) => {
    const { http, world } = client([asking(value, 503), asking(value, 429), 200])
    await http(request)
    expect(world.waits).toEqual([500, 15_607])
  })

  test.each([
    ['120', '120 s'],
    ['99999999999', '99999999999 s'],
  ])('beyond the deadline (%s) fails at once', async (value, said) => {
    const { http, world, starts } = client([asking(value)])
    const error = await rejection(http(request))
    expect(error.message).toBe(
      `api.bitbucket.org answered with status 429. It asked to wait ${said}, but the timeout of 60 s ends before that.`,
    )
    expect({ tries: starts.length, waits: world.waits, elapsed: world.elapsed() }).toEqual({
      tries: 1,
      waits: [],
      elapsed: 0,
    })
  })

  test('shortly before the deadline leaves time for the try despite the jitter', async () => {
    const { http } = client([asking('9'), 200], { timeout: 9_500, random: () => 0.99 })
    expect((await http(request)).status).toBe(200)
  })
})

describe('the deadline', () => {
  test('gives one try a third of the time, so that a silent server is asked again', async () => {
    const { http, starts, lines } = client(['silence', 200])
    expect((await http(request)).status).toBe(200)
    expect(starts).toEqual([0, 20_500])
    expect(lines).toEqual(['api.bitbucket.org: no answer within 20 s. Retrying in 0.5 s (try 2 of 5).'])
  })

  test('limits all tries and delays together', async () => {
    const { http, world, starts } = client(['silence'])
    const error = await rejection(http(request))
    expect(error).toMatchObject({ code: 'unreachable', exitStatus: 5 })
    expect(error.message).toContain('The timeout of 60 s leaves no time to retry.')
    expect(error.nextStep).toContain('HTTPS_PROXY')
    expect(starts).toHaveLength(3)
    expect(world.elapsed()).toBe(60_000)
  })

  test.each([
    [9_949, '9.9 s'],
    [9_950, '10 s'],
  ])('of %d ms is shown as %s', async (timeout, said) => {
    const { http } = client(['silence'], { timeout })
    expect((await rejection(http(request))).message).toContain(`The timeout of ${said} leaves`)
  })

  test('limits all requests together', async () => {
    const { http, world } = client([{ after: 15_000 }, { after: 15_000 }, { after: 15_000 }, 'silence'])
    for (let done = 0; done < 3; done++) await http(request)
    expect(world.elapsed()).toBe(45_000)
    await rejection(http(request))
    expect(world.elapsed()).toBe(60_000)
  })

  test('leaves no timer after a request that was answered in time', async () => {
    const { http, world } = client([{ after: 19_999 }])
    expect((await http(request)).status).toBe(200)
    expect(world.elapsed()).toBe(19_999)
    await new Promise(setImmediate)
    expect({ elapsed: world.elapsed(), asleep: world.asleep() }).toEqual({ elapsed: 19_999, asleep: 0 })
    expect(getEventListeners(world.stop, 'abort')).toEqual([])
  })

  test('holds whatever the server does', async () => {
    const outcome = fc.oneof(
      fc.constantFrom<Outcome>(408, 429, 500, 503, 'silence'),
      fc.constant(lost()),
      fc.nat(90).map((seconds) => ({ status: 503, headers: { 'retry-after': `${seconds}` } })),
      fc.nat(25_000).map((after) => ({ after })),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(outcome, { minLength: 1, maxLength: 8 }),
        fc.nat(10),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        async (outcomes, retries, random) => {
          const { http, world, starts, lines } = client(outcomes, { retries, random: () => random })
          await http(request).catch((error: unknown) => expect(error).toBeInstanceOf(TokenError))
          expect(world.elapsed()).toBeLessThanOrEqual(60_000)
          expect(starts.length).toBeLessThanOrEqual(retries + 1)
          expect(lines).toHaveLength(starts.length - 1)
          expect(world.waits).toHaveLength(starts.length - 1)
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe('a signal', () => {
  const stopped = {
    code: 'interrupted',
    exitStatus: 1,
    message: 'A signal stopped the run before it finished.',
    nextStep: 'Run it again.',
  }

  test('ends a delay between tries', async () => {
    const { http, starts, world } = client([503], {
      onRetry: (stopNow) => queueMicrotask(stopNow),
    })
    expect(await rejection(http(request))).toMatchObject(stopped)
    expect({ tries: starts.length, elapsed: world.elapsed() }).toEqual({ tries: 1, elapsed: 0 })
  })

  test('ends a request that waits for its answer', async () => {
    let stopNow = () => {}
    const { http, starts, world, lines } = client(['silence'], {
      onSilence: () => queueMicrotask(() => stopNow()),
    })
    stopNow = world.stopNow
    expect(await rejection(http(request))).toMatchObject(stopped)
    expect({ tries: starts.length, elapsed: world.elapsed(), lines }).toEqual({
      tries: 1,
      elapsed: 0,
      lines: [],
    })
  })

  test('before a request prevents it', async () => {
    const { http, world } = client([200])
    world.stopNow()
    expect(await rejection(http(request))).toMatchObject(stopped)
  })
})
