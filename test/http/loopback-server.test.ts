import { once } from 'node:events'
import { connect, createServer, Server } from 'node:net'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { type LoopbackRequest, serveLoopback } from '../../src/http/loopback-server.ts'
import { closedPort } from '../support/loopback.ts'

/** Starts a server that stops after the test. Without `answer`, it echoes each request. */
async function serve(
  answer = async ({ method, url, body }: LoopbackRequest) => `${method} ${url.href} ${body}`,
  options: Parameters<typeof serveLoopback>[2] = {},
) {
  const port = await closedPort()
  const respond = async (request: LoopbackRequest) => ({ status: 200, body: await answer(request) })
  const server = await serveLoopback(port, respond, options)
  onTestFinished(() => server.close())
  return { port, url: `http://localhost:${port}` }
}

/** Sends raw bytes, and returns the first and the last line of the answer. */
async function outerLines(port: number, request: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.setEncoding('utf8').write(request)
  let said = ''
  for await (const piece of socket) said += piece
  const lines = said.trimEnd().split('\r\n')
  return `${lines[0]}: ${lines.at(-1)}`
}

test('passes on the request, over IPv4 and IPv6', async () => {
  const { port, url } = await serve()
  expect(await (await fetch(`${url}/a?b`, { method: 'POST', body: 'c' })).text()).toBe(`POST ${url}/a?b c`)
  for (const host of ['127.0.0.1', '[::1]']) {
    expect(await (await fetch(`http://${host}:${port}/`)).text()).toBe(`GET http://${host}:${port}/ `)
  }
})

test('port 0 takes a free port, and only on IPv4', async () => {
  const server = await serveLoopback(0, async ({ url }) => ({ status: 200, body: url.host }))
  onTestFinished(() => server.close())
  expect(await (await fetch(`http://127.0.0.1:${server.port}`)).text()).toBe(`127.0.0.1:${server.port}`)
  await expect(fetch(`http://[::1]:${server.port}`)).rejects.toThrow('fetch failed')
})

test.each([true, false])('keeps the process running until it is closed: %s', async (keepsAlive) => {
  const running = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPServerWrap').length
  const before = running()
  const options = keepsAlive ? {} : { keepsAlive }
  const server = await serveLoopback(0, async () => ({ status: 200, body: '' }), options)
  expect(running() - before).toBe(keepsAlive ? 1 : 0)
  await server.close()
})

test('refuses a body that is too large, and a request without a path', async () => {
  const { port, url } = await serve()
  const body = 'x'.repeat(128 * 1024)
  expect((await fetch(url, { method: 'POST', body })).status).toBe(200)
  expect((await fetch(url, { method: 'POST', body: `${body}${body}` })).status).toBe(413)
  const head = `Host: localhost:${port}\r\nConnection: close\r\n\r\n`
  // One character over the limit, in a second chunk.
  const chunks = `${body.length.toString(16)}\r\n${body}\r\n1\r\nx\r\n0\r\n\r\n`
  expect(await outerLines(port, `POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n${head}${chunks}`)).toBe(
    'HTTP/1.1 413 Payload Too Large: The request body is too large.',
  )
  expect(await outerLines(port, `GET http://evil.example/ HTTP/1.1\r\n${head}`)).toBe(
    'HTTP/1.1 400 Bad Request: The request has no valid path.',
  )
  // A host name at the start of the path is only a part of the path.
  expect(await outerLines(port, `GET //evil.example/ HTTP/1.1\r\n${head}`)).toMatch(/^HTTP\/1.1 200 OK: /)
})

test('refuses requests for a foreign host name, which may point at loopback', async () => {
  const heard: string[] = []
  const { port } = await serve(async ({ url }) => `${heard.push(url.host)}`)
  const ask = (host: string) => outerLines(port, `GET / HTTP/1.1\r\nConnection: close\r\n${host}\r\n`)
  const foreign = [`evil.example:${port}`, 'localhost', `localhost:${port + 1}`, `localhost.evil:${port}`, '']
  for (const host of foreign) {
    expect(await ask(`Host: ${host}\r\n`)).toBe(
      `HTTP/1.1 421 Misdirected Request: This is bitbucket-token on loopback; call it http://localhost:${port}/`,
    )
  }
  expect(heard).toEqual([])
  expect(await ask(`Host: LocalHost:${port}\r\n`)).toMatch(/^HTTP\/1.1 200 OK: /)
})

test('sends headers that forbid caching, embedding and sharing', async () => {
  const { url } = await serve(async () => 'ü')
  const { headers } = await fetch(url)
  expect(Object.fromEntries([...headers].filter(([name]) => name !== 'date'))).toEqual({
    'cache-control': 'no-store',
    'content-length': '2',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'content-type': 'text/plain; charset=utf-8',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    connection: 'close',
  })
})

test('allows an answer its own headers, and calls back when it is sent', async () => {
  const port = await closedPort()
  const sent = vi.fn()
  const answer = { status: 302, headers: { location: '/there' }, body: '', sent }
  const server = await serveLoopback(port, async () => answer)
  onTestFinished(() => server.close())
  const { status, headers } = await fetch(`http://127.0.0.1:${port}`, { redirect: 'manual' })
  expect([status, headers.get('location'), headers.get('cache-control')]).toEqual([302, '/there', 'no-store'])
  await vi.waitFor(() => expect(sent).toHaveBeenCalledOnce())
})

test('answers 500 if the handler fails, without its message', async () => {
  const { url } = await serve(async () => {
    throw new Error('a secret')
  })
  const answer = await fetch(url)
  expect([answer.status, await answer.text()]).toEqual([500, 'Something unexpected failed.\n'])
})

test('closes without waiting for unfinished requests', async () => {
  const port = await closedPort()
  const server = await serveLoopback(port, async () => ({ status: 200, body: '' }))
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.on('error', () => {}).write('GET / HT')
  await server.close()
  socket.destroy()
})

describe('if it cannot listen on an address', () => {
  /** Makes listening on one address fail with this error. */
  function refuse(refused: string, code: string): void {
    const { listen } = Server.prototype
    const refusing = function (this: Server, ...args: unknown[]) {
      if (args[1] !== refused) return Reflect.apply(listen, this, args)
      process.nextTick(() => this.emit('error', Object.assign(new Error(code), { code })))
      return this
    }
    vi.spyOn(Server.prototype, 'listen').mockImplementation(refusing as typeof listen)
    onTestFinished(() => void vi.restoreAllMocks())
  }

  test.each(['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL'])(
    'IPv4 alone is enough if there is no IPv6 (%s)',
    async (code) => {
      refuse('::1', code)
      const { port } = await serve(async () => 'here')
      expect(await (await fetch(`http://127.0.0.1:${port}`)).text()).toBe('here')
    },
  )

  test.each([
    ['127.0.0.1', 'EADDRNOTAVAIL'],
    ['::1', 'EACCES'],
  ])('it fails for %s with %s', async (address, code) => {
    const port = await closedPort()
    refuse(address, code)
    const serving = serveLoopback(port, async () => ({ status: 200, body: '' }))
    await expect(serving).rejects.toMatchObject({ code })
  })
})

test('fails if another program uses its port on either address', async () => {
  for (const address of ['127.0.0.1', '::1']) {
    const other = createServer().listen(await closedPort(), address)
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    const serving = serveLoopback(port, async () => ({ status: 200, body: '' }))
    await expect(serving).rejects.toMatchObject({ code: 'EADDRINUSE' })
    other.close()
    await once(other, 'close')
    // The failed try leaves nothing behind.
    await (await serveLoopback(port, async () => ({ status: 200, body: '' }))).close()
  }
})

test('closes a connection without a complete request', async () => {
  const limits = { headersTimeout: 50, requestTimeout: 100, connectionsCheckingInterval: 20 }
  const { port } = await serve(undefined, { limits })
  for (const begun of [
    '',
    'GET / HT',
    'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf',
  ]) {
    const socket = connect(port, '127.0.0.1')
    socket.write(begun)
    socket.on('error', () => {}).resume()
    await new Promise((resolve) => socket.once('close', resolve))
  }
})

test('limits connections, and serves again when they are closed', async () => {
  const { port } = await serve()
  // The system accepts the extra connections, and the server drops them.
  const sockets = Array.from({ length: 80 }, () =>
    connect(port, '127.0.0.1')
      .on('error', () => {})
      .resume(),
  )
  await expect.poll(() => sockets.filter(({ destroyed }) => destroyed).length).toBe(16)
  for (const socket of sockets) socket.destroy()
  await expect.poll(async () => (await fetch(`http://localhost:${port}/`)).status).toBe(200)
})
