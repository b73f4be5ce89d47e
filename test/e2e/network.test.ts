import { expect } from 'vitest'
import { closedPort } from '../support/loopback.ts'
import { runAction } from './support/action.ts'
import { inputsFor, startBitbucket, test } from './support/bitbucket.ts'
import { failsEverywhere } from './support/everywhere.ts'
import { cutChunks, halfBody, reset, silence, stall } from './support/faults.ts'
import { runShell } from './support/shell.ts'
import { complaint, requestsOf } from './support/transcript.ts'

// Exit status 5: Bitbucket could not be reached, kept failing, or another server answered instead.

test('exits 5 if nobody listens', async ({ bitbucket }) => {
  const port = await closedPort()
  const inputs = { ...inputsFor.consumer(bitbucket), url: `http://127.0.0.1:${port}`, retries: '1' }
  const told = await failsEverywhere({ bitbucket, inputs })
  expect(told.replaceAll(String(port), '<port>')).toMatchInlineSnapshot(`
    "127.0.0.1:<port>: the connection to 127.0.0.1:<port> failed (ECONNREFUSED). Retrying in 0.0 s (try 2 of 2).
    error: 127.0.0.1:<port>: the connection to 127.0.0.1:<port> failed (ECONNREFUSED). Gave up after 2 tries.
    Check that this machine can reach the address. If it needs a proxy, set HTTPS_PROXY (and NO_PROXY).
    exit 5"
  `)
})

test('exits 5 if every try gets a 503', async ({ bitbucket }) => {
  const inputs = { ...inputsFor.consumer(bitbucket), retries: '1' }
  const before = () => bitbucket.script({ status: 503, body: 'busy' }, { status: 503, body: 'busy' })
  expect(await failsEverywhere({ bitbucket, inputs, before })).toMatchInlineSnapshot(`
    "POST /site/oauth2/access_token -> 503
    POST /site/oauth2/access_token -> 503
    <bitbucket host> answered with status 503. Retrying in 0.0 s (try 2 of 2).
    error: <bitbucket host> answered with status 503. Gave up after 2 tries.
    See the status page of that service (Bitbucket: https://bitbucket.status.atlassian.com), then run the job again. A longer timeout or more retries may help.
    exit 5"
  `)
})

test('exits 5 if a 429 asks to wait longer than the timeout', async () => {
  const bitbucket = await startBitbucket({ rateLimit: { requests: 0, perSeconds: 3600, retryAfter: 90 } })
  const inputs = inputsFor.accessToken(bitbucket)
  expect(await failsEverywhere({ bitbucket, inputs })).toMatchInlineSnapshot(`
    "GET /2.0/user -> 429
    error: <api host> answered with status 429. It asked to wait 90 s, but the timeout of 60 s ends before that.
    Each OAuth client, token or user has a limit of requests per hour. Run fewer jobs at once, share one token within a job, or set a longer timeout.
    exit 5"
  `)
})

test('exits 5 if the token endpoint answers with an HTML page', async ({ bitbucket }) => {
  const inputs = inputsFor.consumer(bitbucket)
  const body = '<!doctype html><title>Log in</title><h1>This text must never be shown</h1>'
  const before = () => bitbucket.script({ status: 200, headers: { 'content-type': 'text/html' }, body })
  expect(await failsEverywhere({ bitbucket, inputs, before })).toMatchInlineSnapshot(`
    "POST /site/oauth2/access_token -> 200
    error: <bitbucket host> answered with status 200 and an HTML page instead of a bearer token in JSON.
    A proxy, firewall or login page between this machine and Bitbucket may have answered instead. Open <bitbucket> from this network, and see https://bitbucket.status.atlassian.com.
    exit 5"
  `)
})

test('exits 5 if a firewall answers with a 403', async ({ bitbucket }) => {
  const inputs = inputsFor.accessToken(bitbucket)
  const body = '<html>This text must never be shown</html>'
  const before = () => bitbucket.script({ status: 403, headers: { 'content-type': 'text/html' }, body })
  expect(await failsEverywhere({ bitbucket, inputs, before })).toMatchInlineSnapshot(`
    "GET /2.0/user -> 403
    error: <api host> answered with status 403 and an HTML page instead of Bitbucket's own answer.
    A proxy, firewall or login page between this machine and Bitbucket may have answered instead. Open <api> from this network, and see https://bitbucket.status.atlassian.com.
    exit 5"
  `)
})

test('exits 5 without following a redirect', async ({ bitbucket }) => {
  const other = await startBitbucket()
  const inputs = inputsFor.consumer(bitbucket)
  const location = `${other.url}/site/oauth2/access_token?secret=no`
  const before = () => bitbucket.script({ status: 307, headers: { location } })
  const told = await failsEverywhere({ bitbucket, inputs, before })
  expect(told.replaceAll(other.url, '<other>')).toMatchInlineSnapshot(`
    "POST /site/oauth2/access_token -> 307
    error: <bitbucket host> answered with status 307, a redirect to <other> instead of a token.
    The redirect was not followed because it would have received your secret. A proxy, firewall or login page between this machine and Bitbucket may have answered instead. If the address has changed, set url and api-url.
    exit 5"
  `)
  expect(other.requests).toEqual([])
})

test.each([
  ['half a body', halfBody],
  ['a body without its last chunk', cutChunks],
  ['a reset', reset],
])('exits 5 for %s from the token endpoint', async (_, fault) => {
  const bitbucket = await startBitbucket()
  const inputs = { ...inputsFor.consumer(bitbucket), retries: '1' }
  const told = await failsEverywhere({ bitbucket, inputs, before: () => bitbucket.script(fault, fault) })
  expect(told).toMatch(/the connection (ended in the middle of the answer|to .* failed \(ECONNRESET\))\./)
  expect(told).toContain('Gave up after 2 tries.')
  expect(told).toMatch(/\nexit 5$/)
})

test.each([
  ['a server that never answers', silence],
  ['a server that stops in the middle of its answer', stall],
])('exits 5 for %s', async (_, fault) => {
  const bitbucket = await startBitbucket()
  bitbucket.script(fault, fault, fault, fault, fault)
  const run = await runShell({ bitbucket, inputs: { ...inputsFor.consumer(bitbucket), timeout: '1' } })
  // A try may use a third of the time. It depends on the clock whether time for another try is left.
  expect(complaint(run)).toMatch(
    /^error: <bitbucket host>: no answer within 0\.\d s\. (The timeout of 1\.0 s leaves no time to retry|Gave up after 5 tries)\.$/m,
  )
  expect(complaint(run)).toContain('or set a longer timeout.')
  expect(run.status).toBe(5)
})

test('retries each request separately', async ({ bitbucket }) => {
  bitbucket.script({ status: 500 }, { status: 502, path: '/2.0/' })
  const inputs = { ...inputsFor.consumer(bitbucket), repository: bitbucket.repository, retries: '1' }
  const run = await runAction({ bitbucket, inputs })
  expect(requestsOf(run)).toEqual([
    'POST /site/oauth2/access_token -> 500',
    'POST /site/oauth2/access_token -> 200',
    'GET /2.0/repositories/sandbox/hello -> 502',
    'GET /2.0/repositories/sandbox/hello -> 200',
  ])
  expect(run.status).toBe(0)
})

test.each([['0'], ['1']])('waits %s s after a 429 with that Retry-After', async (seconds) => {
  const bitbucket = await startBitbucket()
  const arrivals: number[] = []
  bitbucket.script(
    (_req, res) => {
      arrivals.push(performance.now())
      res.writeHead(429, { 'content-type': 'text/plain', 'retry-after': seconds }).end('slow down')
    },
    (_req, _res, answer) => {
      arrivals.push(performance.now())
      answer()
    },
  )
  const run = await runAction({ bitbucket })
  expect(run.status).toBe(0)
  expect(run.stdout).toContain(`Retrying in ${seconds}.0 s (try 2 of 5).\n`)
  const [first = 0, second = 0] = arrivals
  // A timer may fire up to a millisecond early.
  expect(second - first).toBeGreaterThan(Number(seconds) * 1_000 - 2)
})

test('repeats a refresh if its answer was lost, because the used token still works', async ({
  bitbucket,
}) => {
  bitbucket.script({ lost: true })
  const run = await runAction({ bitbucket, inputs: inputsFor.refreshToken(bitbucket) })
  expect(requestsOf(run)).toEqual([
    'POST /site/oauth2/access_token -> 0',
    'POST /site/oauth2/access_token -> 200',
  ])
  expect(bitbucket.isLive(run.outputs['refresh-token'] ?? '')).toBe(true)
  expect(run.status).toBe(0)
})

test('hands over a new refresh token even if the run fails later', async () => {
  const bitbucket = await startBitbucket({ scopes: ['account'] })
  const inputs = { ...inputsFor.refreshToken(bitbucket), scopes: 'repository' }
  const run = await runAction({ bitbucket, inputs })
  expect(run.status).toBe(4)
  expect(Object.keys(run.outputs)).toEqual(['refresh-token'])
  expect(bitbucket.isLive(run.outputs['refresh-token'] ?? '')).toBe(true)
  expect(run.env).toEqual({})
})
