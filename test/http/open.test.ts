import { expect, test } from 'vitest'
import { quoteForLog } from '../../src/errors.ts'
import { type HttpOptions, openHttp } from '../../src/http/client.ts'
import { NoAnswer } from '../../src/http/exchange.ts'
import { fakeWorld } from '../support/fake-world.ts'
import { loopback } from '../support/loopback.ts'

/** Returns the log lines of one request and its status. */
async function logOf(address: string, { world = fakeWorld(), transport }: Partial<HttpOptions>) {
  const lines: string[] = []
  const log = {
    debug: (text: string) => lines.push(`debug: ${text}`),
    info: (text: string) => lines.push(`info: ${text}`),
  }
  const http = await openHttp({ timeout: 60_000, retries: 1, world, log, quote: quoteForLog, transport })
  const { status } = await http({ method: 'GET', url: new URL(address), headers: {} })
  return [...lines, status]
}

test('logs each try for debugging, without its query, and each retry for everybody', async () => {
  const outcomes = [new NoAnswer('no answer', true, ''), { status: 200, headers: {}, body: '' }]
  const transport = async () => {
    const outcome = outcomes.shift()
    if (outcome === undefined || outcome instanceof Error) throw outcome
    return outcome
  }
  expect(await logOf('https://bitbucket.org/site/oauth2?secret=hunter', { transport })).toEqual([
    'debug: GET https://bitbucket.org/site/oauth2: no answer after 0 ms',
    'info: bitbucket.org: no answer. Retrying in 0.5 s (try 2 of 2).',
    'debug: GET https://bitbucket.org/site/oauth2: status 200 after 0 ms',
    200,
  ])
})

test('logs the duration of a try in whole milliseconds', async () => {
  let time = 7.25
  const world = { ...fakeWorld(), elapsed: () => time }
  const transport = async () => {
    time += 12.5
    return { status: 204, headers: {}, body: '' }
  }
  expect((await logOf('https://bitbucket.org/', { world, transport }))[0]).toMatch(
    /: status 204 after 13 ms$/,
  )
})

test('uses the default transport if none is given', async () => {
  const server = await loopback((response) => response.writeHead(401).end())
  const world = { ...fakeWorld(), sleep: () => new Promise<never>(() => {}) }
  expect((await logOf(server.url.href, { world })).at(-1)).toBe(401)
  expect(server.heard).toHaveLength(1)
})
