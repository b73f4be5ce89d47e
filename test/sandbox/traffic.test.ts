import { connect } from 'node:net'
import { describe, expect } from 'vitest'
import { ask, askRest, askToken, basic, clock, grant, start, test } from './start.ts'

describe('requests', () => {
  test('are recorded in order for both hosts, with all their parts and the status of the answer', async ({
    sandbox,
  }) => {
    const { clientId, clientSecret, accessToken } = sandbox.credentials
    await askToken(sandbox, { grant_type: 'client_credentials' })
    await askRest(sandbox, '/2.0/user?fields=uuid', `Bearer ${accessToken}`)
    expect(sandbox.requests).toMatchObject([
      {
        method: 'POST',
        path: '/site/oauth2/access_token',
        headers: {
          authorization: basic(clientId, clientSecret),
          host: new URL(sandbox.url).host,
        },
        body: 'grant_type=client_credentials',
        status: 200,
      },
      {
        method: 'GET',
        path: '/2.0/user?fields=uuid',
        headers: { authorization: `Bearer ${accessToken}`, host: new URL(sandbox.apiUrl).host },
        body: '',
        status: 403,
      },
    ])
  })

  test('with a body that is too large are refused', async ({ sandbox }) => {
    const answer = await ask(`${sandbox.url}/x`, { method: 'POST', body: 'x'.repeat(2 * 1024 * 1024) })
    expect(answer.status).toBe(413)
    expect(sandbox.requests[0]?.body).toBe('')
  })

  test('with an invalid URL get an answer and do not stop the sandbox', async ({ sandbox }) => {
    const raw = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(new URL(sandbox.url).port), '127.0.0.1', () => {
        socket.end('OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
      })
      let received = ''
      socket.on('data', (chunk) => {
        received += chunk
      })
      socket.once('end', () => resolve(received)).once('error', reject)
    })
    expect(raw).toMatch(/^HTTP\/1\.1 500 /)
    expect((await ask(sandbox.url)).status).toBe(404)
  })
})

describe('script', () => {
  test('sends the answers in order, and then the real ones', async ({ sandbox }) => {
    sandbox.script(
      { status: 503, headers: { 'Retry-After': '1' }, body: 'busy' },
      { status: 502, headers: { 'Content-Type': 'text/html' }, body: '<html>' },
      { status: 200, body: { access_token: 'x' } },
      { status: 204 },
    )
    const ask = () => askToken(sandbox, { grant_type: 'client_credentials' })
    const first = await ask()
    expect(first).toMatchObject({ status: 503, text: 'busy', type: 'text/plain; charset=utf-8' })
    expect(first.headers.get('retry-after')).toBe('1')
    expect(await ask()).toMatchObject({ status: 502, text: '<html>', type: 'text/html' })
    expect(await ask()).toMatchObject({
      text: '{"access_token":"x"}',
      type: 'application/json; charset=utf-8',
    })
    expect(await ask()).toMatchObject({ status: 204, text: '' })
    expect(JSON.parse((await ask()).text)).toHaveProperty('scope')
    expect(sandbox.requests.map(({ status }) => status)).toEqual([503, 502, 200, 204, 200])
  })

  test('keeps an answer for a path until a request for that path', async ({ sandbox }) => {
    sandbox.script({ status: 500, path: '/2.0/' }, { status: 501 }, { status: 502, path: '/site/' })
    expect((await askToken(sandbox, {})).status).toBe(501)
    expect((await askToken(sandbox, {})).status).toBe(502)
    expect((await askToken(sandbox, {})).status).toBe(400)
    expect((await askRest(sandbox, '/2.0/user')).status).toBe(500)
    expect((await askRest(sandbox, '/2.0/user')).status).toBe(401)
  })

  test('lets a function cut or reset the connection', async ({ sandbox }) => {
    sandbox.script(
      (_req, res) => {
        res.writeHead(200, { 'content-length': 100 })
        res.write('{"access', () => res.destroy())
      },
      (_req, res) => res.socket?.resetAndDestroy(),
    )
    const ask = () => askToken(sandbox, { grant_type: 'client_credentials' })
    await expect(ask()).rejects.toThrow('terminated')
    await expect(ask()).rejects.toThrow('fetch failed')
    expect(sandbox.requests.map(({ status }) => status)).toEqual([200, 0])
  })

  test('lets a function send the real answer', async ({ sandbox }) => {
    sandbox.script((_req, res, answer) => {
      res.setHeader('x-seen', 'yes')
      answer()
    })
    const { status, headers } = await askToken(sandbox, { grant_type: 'client_credentials' })
    expect([status, headers.get('x-seen')]).toEqual([200, 'yes'])
  })

  test('uses the refresh token but sends nothing if the answer is lost', async () => {
    const time = clock()
    const sandbox = await start({ now: time.now })
    const form = { grant_type: 'refresh_token', refresh_token: sandbox.credentials.refreshToken }
    sandbox.script({ lost: true, path: '/site/' })
    await expect(askToken(sandbox, form)).rejects.toThrow('fetch failed')
    expect(sandbox.requests.map(({ status }) => status)).toEqual([0])
    time.advance(599)
    await grant(sandbox, form)
    time.advance(1)
    expect((await askToken(sandbox, form)).status).toBe(400)
  })
})

describe('rate limit', () => {
  test('answers 429 in plain text above the limit, until the window has moved on', async () => {
    const time = clock()
    const sandbox = await start({ now: time.now, rateLimit: { requests: 2, perSeconds: 60 } })
    const ask = () => askToken(sandbox, { grant_type: 'client_credentials' })
    expect((await ask()).status).toBe(200)
    time.advance(30)
    expect((await askRest(sandbox, '/2.0/user')).status).toBe(401)
    const refused = await ask()
    expect(refused).toMatchObject({
      status: 429,
      type: 'text/plain; charset=utf-8',
      text: 'Rate limit for this resource has been exceeded',
    })
    expect(refused.headers.get('retry-after')).toBeNull()
    time.advance(30)
    expect((await ask()).status).toBe(200)
    expect((await ask()).status).toBe(429)
  })

  test.each([7, 'Sun, 01 Nov 2026 12:00:07 GMT'])('sends Retry-After: %s', async (retryAfter) => {
    const sandbox = await start({ rateLimit: { requests: 0, perSeconds: 1, retryAfter } })
    const { status, headers } = await askRest(sandbox, '/2.0/user')
    expect([status, headers.get('retry-after')]).toEqual([429, String(retryAfter)])
  })
})
