import { expect, onTestFinished, test } from 'vitest'
import { Attempts } from '../../src/authorize/attempts.ts'
import { startConsentServer } from '../../src/authorize/consent-server.ts'
import { quoteForLog } from '../../src/errors.ts'
import { closedPort } from '../support/loopback.ts'

async function startServer() {
  const callback = new URL(`http://localhost:${await closedPort()}/oauth-callback`)
  let problems = 0
  const server = await startConsentServer({
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
  onTestFinished(() => server.close())
  return { callback, problemCount: () => problems }
}

test('keeps the pages of the 32 latest answers only', async () => {
  const { callback, problemCount } = await startServer()
  const places: string[] = []
  for (let number = 0; number < 100; number++) {
    const { headers } = await fetch(`${callback}?code=c&state=${number}`, { redirect: 'manual' })
    places.push(new URL(headers.get('location') ?? '', callback).href)
  }
  expect(problemCount()).toBe(100)
  const statuses = await Promise.all(places.map(async (place) => (await fetch(place)).status))
  expect(statuses.filter((status) => status === 200)).toHaveLength(32)
  expect(statuses.slice(-32).every((status) => status === 200)).toBe(true)
})
