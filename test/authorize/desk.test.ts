import { expect, onTestFinished, test } from 'vitest'
import { Attempts } from '../../src/authorize/attempts.ts'
import { openDesk } from '../../src/authorize/desk.ts'
import { quoteForLog } from '../../src/errors.ts'
import { closedPort } from '../support/loopback.ts'

async function desk() {
  const callback = new URL(`http://localhost:${await closedPort()}/oauth-callback`)
  let problems = 0
  const opened = await openDesk({
    plan: { bitbucket: 'bitbucket.org', clientId: 'c', callback, token: 'refresh token', destinations: [] },
    attempts: new Attempts({ elapsed: () => 0 }),
    authorizationUrl: () => callback,
    issuer: new URL('https://bitbucket.org'),
    receive: async () => ({ account: 'A', scopes: [], tokens: [], next: '' }),
    quote: quoteForLog,
    clean: (text) => text,
    sleep: () => new Promise(() => {}),
    onProblem: () => problems++,
  })
  onTestFinished(() => opened.close())
  return { callback, told: () => problems }
}

test('keeps the pages of the latest answers only, however many come', async () => {
  const { callback, told } = await desk()
  const places: string[] = []
  for (let number = 0; number < 100; number++) {
    const { headers } = await fetch(`${callback}?code=c&state=${number}`, { redirect: 'manual' })
    places.push(new URL(headers.get('location') ?? '', callback).href)
  }
  expect(told()).toBe(100)
  const statuses = await Promise.all(places.map(async (place) => (await fetch(place)).status))
  expect(statuses.filter((status) => status === 200)).toHaveLength(32)
  expect(statuses.slice(-32).every((status) => status === 200)).toBe(true)
})
