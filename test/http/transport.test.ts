import { execFile, execFileSync } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import nock from 'nock'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { type HttpRequest, maxAnswerBytes, NoAnswer } from '../../src/http/exchange.ts'
import { serveLoopback } from '../../src/http/loopback-server.ts'
import { send } from '../../src/http/transport.ts'
import { Secret } from '../../src/secret.ts'
import { version } from '../../src/version.ts'
import { makeAuthority } from '../faults/certificates.ts'
import { connectProxy } from '../support/connect-proxy.ts'
import { type Answer, closedPort, listening, loopback } from '../support/loopback.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

beforeEach(() => {
  for (const name of ['HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY', 'ACTIONS_ORCHESTRATION_ID']) {
    vi.stubEnv(name, undefined)
    vi.stubEnv(name.toLowerCase(), undefined)
  }
})
afterEach(() => {
  vi.unstubAllEnvs()
})

const never = new AbortController().signal
const get = (url: URL | string, signal = never) =>
  send({ method: 'GET', url: new URL(url), headers: {} }, signal)

/** Returns the {@link NoAnswer} of a request that must fail. */
async function noAnswer(from: Promise<unknown>): Promise<NoAnswer> {
  const outcome = await from.catch((error: unknown) => error)
  expect(outcome).toBeInstanceOf(NoAnswer)
  return outcome as NoAnswer
}

const containing = (text: string) => expect.stringContaining(text)

/** Returns a promise, and the function that resolves it. */
function withResolver() {
  let resolve = () => {}
  const promise = new Promise<void>((resolver) => {
    resolve = resolver
  })
  return { promise, resolve }
}

const head = (...lines: string[]) => `HTTP/1.1 ${lines.join('\r\n')}\r\n\r\n`
const raw =
  (text: string, end: 'fin' | 'reset' = 'fin'): Answer =>
  (_, socket) =>
    socket.write(text, () => (end === 'fin' ? socket.end() : socket.resetAndDestroy()))

describe('a complete answer', () => {
  test('has status, headers in lower case and body', async () => {
    const server = await loopback((response) => {
      response.writeHead(403, { 'X-OAuth-Scopes': 'account, repository' }).end('{"ä":"€"}')
    })
    const { status, headers, body } = await get(new URL('/2.0/user?x=1', server.url))
    expect({ status, body, scopes: headers['x-oauth-scopes'] }).toEqual({
      status: 403,
      body: '{"ä":"€"}',
      scopes: 'account, repository',
    })
    expect(server.heard.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /2.0/user?x=1'])
  })

  test('may come in chunks that split a character', async () => {
    const [first, second] = [Buffer.from('€').subarray(0, 1), Buffer.from('€').subarray(1)]
    const server = await loopback((response) => {
      response.write(first)
      setImmediate(() => response.end(second))
    })
    expect(await get(server.url)).toMatchObject({ status: 200, body: '€' })
  })

  test('may be empty', async () => {
    const server = await loopback((response) => response.writeHead(401).end())
    expect(await get(server.url)).toMatchObject({ status: 401, body: '' })
  })

  test('may have a header twice', async () => {
    const server = await loopback((response) => response.setHeader('Set-Cookie', ['a=1', 'b=2']).end('x'))
    expect((await get(server.url)).headers['set-cookie']).toBe('a=1,b=2')
  })

  test('may be as large as the limit', async () => {
    const server = await loopback((response) => response.end('x'.repeat(maxAnswerBytes)))
    expect((await get(server.url)).body).toHaveLength(maxAnswerBytes)
  })

  test('with a transient failure is not retried here', async () => {
    const server = await loopback((response) => response.writeHead(503).end())
    expect((await get(server.url)).status).toBe(503)
    expect(server.heard).toHaveLength(1)
  })

  test('may have the content encoding identity', async () => {
    const server = await loopback((response) => response.setHeader('Content-Encoding', 'identity').end('x'))
    expect((await get(server.url)).body).toBe('x')
  })
})

describe('an incomplete or invalid answer is an error', () => {
  const halves: Record<string, Answer> = {
    'a body shorter than its Content-Length': raw(`${head('200 OK', 'Content-Length: 99')}{"access_token":`),
    'a body with Content-Length, then a reset': raw(
      `${head('200 OK', 'Content-Length: 99')}{"access_token":`,
      'reset',
    ),
    'a chunked body without its last chunk': raw(
      `${head('200 OK', 'Transfer-Encoding: chunked')}3\r\nabc\r\n`,
    ),
    'a chunked body that ends inside a chunk': raw(
      `${head('200 OK', 'Transfer-Encoding: chunked')}30\r\nabc`,
    ),
    'a chunked body, then a reset': raw(
      `${head('200 OK', 'Transfer-Encoding: chunked')}3\r\nabc\r\n`,
      'reset',
    ),
    'headers without the announced body': raw(head('200 OK', 'Content-Length: 2')),
  }
  test.each(Object.entries(halves))('%s', async (_, answer) => {
    const { url } = await loopback(answer)
    expect(await noAnswer(get(url))).toMatchObject({
      message: 'the connection ended in the middle of the answer',
      isTransient: true,
    })
  })

  test.each<[string, Answer]>([
    ['a reset before the headers', (_, socket) => socket.resetAndDestroy()],
    ['an end before the headers', (_, socket) => socket.end()],
    ['an end in the middle of the headers', raw('HTTP/1.1 200 OK\r\nContent-')],
    ['something that is not HTTP', raw('SSH-2.0-OpenSSH_9.2\r\n')],
  ])('%s', async (_, answer) => {
    const { url } = await loopback(answer)
    expect(await noAnswer(get(url))).toMatchObject({
      message: containing(`the connection to ${url.host} failed`),
      isTransient: true,
      nextStep: containing('HTTPS_PROXY'),
    })
  })

  test('an unexpected switch to another protocol', async () => {
    const { url } = await loopback(raw(head('101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: x')))
    const { message, isTransient } = await noAnswer(get(url))
    expect([message, isTransient]).toEqual([`the connection to ${url.host} failed`, true])
  })

  test('a body over the limit, which is not read to its end', async () => {
    let sent = 0
    const cut = withResolver()
    const { url } = await loopback((response) => {
      const chunk = Buffer.alloc(65_536, 'x')
      const more = () => {
        while (!response.destroyed && sent < 64 * maxAnswerBytes) {
          sent += chunk.length
          if (!response.write(chunk)) break
        }
      }
      response.on('drain', more).on('close', cut.resolve)
      more()
    })
    expect(await noAnswer(get(url))).toMatchObject({
      message: `the answer is larger than ${maxAnswerBytes} bytes`,
      isTransient: false,
    })
    await cut.promise
    expect(sent).toBeLessThan(64 * maxAnswerBytes)
  })

  test('a compressed body, which was not requested', async () => {
    const { url } = await loopback((response) =>
      response.setHeader('Content-Encoding', 'gzip').end(gzipSync('{"access_token":"x"}')),
    )
    expect(await noAnswer(get(url))).toMatchObject({
      message: containing('compressed'),
      isTransient: false,
      nextStep: containing('proxy, firewall or login page'),
    })
  })

  test('a body that is not UTF-8, because decoding it would change a token', async () => {
    const { url } = await loopback((response) => response.end(Buffer.from([0x22, 0xff, 0x22])))
    expect(await noAnswer(get(url))).toMatchObject({ message: containing('UTF-8'), isTransient: false })
  })

  // Gateways may answer in Latin-1 or compressed. Their status still counts.
  test.each([
    ['in Latin-1', {}, Buffer.from('D\xe9sol\xe9', 'latin1')],
    ['compressed', { 'Content-Encoding': 'gzip' }, gzipSync('Sorry')],
  ])('but a 503 is still retried if its body is %s', async (_, headers, body) => {
    const { url } = await loopback((response) => response.writeHead(503, headers).end(body))
    const outcome = await get(url).catch((error: unknown) => error)
    const isRetried =
      outcome instanceof NoAnswer ? outcome.isTransient : (outcome as { status: number }).status === 503
    expect(isRetried).toBe(true)
  })
})

test.each([200, 503])('does not wait for the rest of an unreadable body with %d', async (status) => {
  const closed = withResolver()
  const { url } = await loopback((response) => {
    response.on('close', closed.resolve).writeHead(status, { 'Content-Encoding': 'gzip' }).write('never ends')
  })
  const outcome = await get(url).catch((error: unknown) => error)
  if (status === 503) expect(outcome).toMatchObject({ status, body: '' })
  else expect(outcome).toBeInstanceOf(NoAnswer)
  await closed.promise
})

describe('without a server', () => {
  test('a refused connection is transient', async () => {
    const port = await closedPort()
    expect(await noAnswer(get(`http://127.0.0.1:${port}`))).toMatchObject({
      message: `the connection to 127.0.0.1:${port} failed (ECONNREFUSED)`,
      isTransient: true,
      cause: { code: 'ECONNREFUSED' },
    })
  })

  test('the error names a host that cannot be resolved', async () => {
    // A label that is too long for any resolver, so no name server is asked.
    const name = `${'a'.repeat(64)}.invalid`
    expect(await noAnswer(get(`http://${name}`))).toMatchObject({
      message: containing(`the name ${name} could not be resolved`),
      isTransient: true,
      nextStep: containing('HTTPS_PROXY'),
    })
  })

  test('an IPv6 address is not resolved as a name', async () => {
    const { message } = await noAnswer(get(`http://[::1]:${await closedPort()}`))
    expect(message).toContain('the connection to [::1]')
    const port = await closedPort()
    const server = await serveLoopback(port, async ({ url }) => ({ status: 200, body: url.host }))
    onTestFinished(() => server.close())
    expect((await get(`http://[::1]:${port}`)).body).toBe(`[::1]:${port}`)
  })
})

describe('an abort ends', () => {
  const reason = new NoAnswer('cut off', true, '')

  /** Returns an abort controller, and a promise that resolves when the client has received the head of an answer. */
  function abortable() {
    const abort = new AbortController()
    const channel = 'http.client.response.finish'
    const hasHead = new Promise<void>((resolve) => {
      const seen = () => resolve()
      subscribe(channel, seen)
      onTestFinished(() => void unsubscribe(channel, seen))
    })
    return { abort, hasHead }
  }

  test('a request without an answer, and its connection', async () => {
    const { abort } = abortable()
    const closed = withResolver()
    const { url } = await loopback((_, socket) => {
      socket.on('close', closed.resolve)
      abort.abort(reason)
    })
    await expect(get(url, abort.signal)).rejects.toBe(reason)
    await closed.promise
  })

  test('an answer that never ends', async () => {
    const { abort, hasHead } = abortable()
    const { url } = await loopback((response) => response.write('{'))
    hasHead.then(() => setImmediate(() => abort.abort(reason)))
    await expect(get(url, abort.signal)).rejects.toBe(reason)
  })

  test('an answer that drips, which no idle timer would end', async () => {
    const { abort, hasHead } = abortable()
    const { url } = await loopback((response) => {
      const drip = () => {
        if (response.destroyed) return
        response.write(' ')
        setImmediate(drip)
      }
      drip()
    })
    hasHead.then(() => setImmediate(() => abort.abort(reason)))
    await expect(get(url, abort.signal)).rejects.toBe(reason)
  })

  test('a request before it is sent', async () => {
    const server = await loopback((response) => response.end())
    await expect(get(server.url, AbortSignal.abort(reason))).rejects.toBe(reason)
    expect(server.heard).toEqual([])
  })
})

describe('a redirect', () => {
  const form = new Secret('client_secret=hunter-hunter')
  test.each([301, 302, 303, 307, 308])('%d to another port is not followed', async (status) => {
    const other = await loopback((response) => response.end())
    const { url } = await loopback((response) =>
      response.writeHead(status, { Location: other.url.href }).end('moved'),
    )
    const answer = await send(
      { method: 'POST', url, headers: { authorization: new Secret('Basic x') }, body: form },
      never,
    )
    expect(answer.status).toBe(status)
    expect(answer.headers['location']).toBe(other.url.href)
    expect(other.heard).toEqual([])
  })

  test('with a relative target is returned', async () => {
    const { url } = await loopback((response) => response.writeHead(302, { Location: '/login' }).end())
    expect((await get(url)).status).toBe(302)
  })
})

test('a POST contains exactly its form, its headers and our user agent', async () => {
  nock.disableNetConnect()
  onTestFinished(() => {
    nock.cleanAll()
    nock.enableNetConnect()
    nock.restore()
  })
  const headers: Record<string, string> = {}
  nock('https://bitbucket.org')
    .post('/site/oauth2/access_token', 'grant_type=refresh_token&refresh_token=a%2Bb')
    .reply((request: Request) => {
      Object.assign(headers, Object.fromEntries(request.headers))
      return [200, '{}']
    })
  const request: HttpRequest = {
    method: 'POST',
    url: new URL('https://bitbucket.org/site/oauth2/access_token'),
    headers: {
      authorization: new Secret('Basic a2V5OnNlY3JldA=='),
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
    },
    body: new Secret('grant_type=refresh_token&refresh_token=a%2Bb'),
  }
  expect(await send(request, never)).toMatchObject({ status: 200, body: '{}' })
  const { host: _, connection: __, ...sent } = headers
  expect(sent).toEqual({
    authorization: 'Basic a2V5OnNlY3JldA==',
    'content-type': 'application/x-www-form-urlencoded',
    accept: 'application/json',
    'content-length': '44',
    'user-agent': `bitbucket-token/${version}`,
  })
})

describe('TLS', () => {
  test('a certificate is checked even if NODE_TLS_REJECT_UNAUTHORIZED=0 is meant for another program', {
    tags: ['openssl'],
  }, async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    const port = await untrustedServer()
    const direct = await noAnswer(get(`https://localhost:${port}/`))
    expect(direct.message).toMatch(/^the certificate of localhost:\d+ was not accepted \(/)
    vi.stubEnv('HTTPS_PROXY', (await connectProxy({ to: port })).url)
    const tunneled = await noAnswer(get('https://bitbucket.test/'))
    expect(tunneled.message).toMatch(/^the certificate of bitbucket\.test was not accepted \(/)
  })

  test('a certificate that is not valid at this time leads to the clock of the machine', {
    tags: ['openssl'],
  }, async () => {
    const { message, isTransient, nextStep } = await noAnswer(
      get(`https://localhost:${await untrustedServer(-1)}/`),
    )
    expect(message).toMatch(/^the certificate of \S+ was not accepted \(CERT_HAS_EXPIRED\)$/)
    expect(isTransient).toBe(false)
    expect(nextStep).toMatch(/^Set the clock of this machine .* If the clock is right, a proxy /)
  })

  test("a proxy's certificate is checked too, and the error names the proxy", {
    tags: ['openssl'],
  }, async () => {
    for (const allowAll of ['0', '1']) {
      vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', allowAll)
      const proxy = await connectProxy({ status: 503 }, makeAuthority(temporaryDirectory()).sign('127.0.0.1'))
      vi.stubEnv('HTTPS_PROXY', proxy.url.replace('http:', 'https:'))
      const { message, isTransient, nextStep } = await noAnswer(get('https://bitbucket.test/'))
      expect([message, isTransient]).toEqual(['the certificate of the proxy was not accepted', false])
      expect(nextStep).toContain('NODE_EXTRA_CA_CERTS')
      expect(proxy.heard).toEqual([])
    }
  })

  test('a server without TLS is not reported as a bad certificate', async () => {
    const { url } = await loopback()
    const { message } = await noAnswer(get(`https://${url.host}`))
    expect(message).not.toContain('certificate')
    expect(message).toContain(url.host)
  })
})

/** Starts a server for `localhost` whose certificate nobody trusts, and returns its port. */
async function untrustedServer(days = 2): Promise<number> {
  const server = createServer(makeAuthority(temporaryDirectory()).sign('localhost', { days }))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

describe('through a proxy', { tags: ['openssl', 'process'] }, () => {
  /** Starts a server for `bitbucket.test` with a self-signed certificate. */
  async function tlsServer() {
    const directory = temporaryDirectory()
    const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')]
    const options =
      '-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=bitbucket.test'
    const files = ['-addext', 'subjectAltName=DNS:bitbucket.test', '-keyout', key, '-out', cert]
    execFileSync('openssl', ['req', ...options.split(' '), ...files], { stdio: 'pipe' })
    const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
      response.end(`${request.headers.host}${request.url}`)
    })
    return { port: Number(new URL(await listening(server)).port), cert }
  }

  /** Sends a request in its own process, because node reads NODE_EXTRA_CA_CERTS at the start. */
  async function sendOnce(url: string, env: Record<string, string>): Promise<unknown> {
    const script = join(import.meta.dirname, '../support/send-once.ts')
    const { PATH = '' } = process.env
    const { stdout } = await promisify(execFile)(process.execPath, [script, url], { env: { PATH, ...env } })
    return JSON.parse(stdout)
  }

  test('the answer comes from the right server, whose CA node trusts', async () => {
    const { port, cert } = await tlsServer()
    const proxy = await connectProxy({ to: port })
    const env = { HTTPS_PROXY: proxy.url.replace('//', '//us%40er:p%25w@'), NODE_EXTRA_CA_CERTS: cert }
    const [whole, otherName] = await Promise.all([
      sendOnce('https://bitbucket.test/2.0/user', env),
      sendOnce('https://other.test/', env),
    ])
    expect(whole).toEqual({ status: 200, body: 'bitbucket.test/2.0/user' })
    expect(otherName).toMatchObject({
      message: 'the certificate of other.test was not accepted (ERR_TLS_CERT_ALTNAME_INVALID)',
      isTransient: false,
    })
    const authorization = `Basic ${Buffer.from('us@er:p%w').toString('base64')}`
    expect(proxy.heard.toSorted()).toEqual([
      `bitbucket.test:443 ${authorization}`,
      `other.test:443 ${authorization}`,
    ])
  })

  test('an untrusted certificate is not retried, and the advice names the remedy', async () => {
    const { port } = await tlsServer()
    const proxy = await connectProxy({ to: port })
    vi.stubEnv('HTTPS_PROXY', proxy.url)
    expect(await noAnswer(get('https://bitbucket.test/'))).toMatchObject({
      message: expect.stringMatching(
        /^the certificate of bitbucket\.test was not accepted \(\w*SELF_SIGNED\w*\)$/,
      ),
      isTransient: false,
      nextStep: containing('NODE_EXTRA_CA_CERTS'),
    })
  })

  // tinyproxy answers 401 if the password is wrong.
  test.each([
    [407, false, 'http://user:password@proxy:port'],
    [401, false, 'http://user:password@proxy:port'],
    [403, false, 'NO_PROXY'],
    [500, true, 'NO_PROXY'],
    [502, true, 'NO_PROXY'],
    [503, true, 'NO_PROXY'],
  ])(
    'status %d of the proxy is transient: %s, and the advice names %s',
    async (status, isTransient, advice) => {
      const proxy = await connectProxy({ status })
      vi.stubEnv('https_proxy', proxy.url)
      expect(await noAnswer(get('https://bitbucket.test/'))).toMatchObject({
        message: `the proxy refused the connection to bitbucket.test with status ${status}`,
        isTransient,
        nextStep: containing(advice),
      })
      expect(proxy.heard).toEqual(['bitbucket.test:443'])
    },
  )

  test('an abort ends a request whose proxy does not answer the CONNECT', async () => {
    const abort = new AbortController()
    const reason = new NoAnswer('cut off', true, '')
    const proxy = await connectProxy('silence')
    vi.stubEnv('HTTPS_PROXY', proxy.url)
    const outcome = get('https://bitbucket.test/', abort.signal)
    await vi.waitFor(() => expect(proxy.heard).toHaveLength(1), { interval: 1, timeout: 10_000 })
    abort.abort(reason)
    await expect(outcome).rejects.toBe(reason)
  })

  test('an address with https:// for a proxy without TLS leads to http://', async () => {
    const proxy = await connectProxy({ status: 403 })
    vi.stubEnv('HTTPS_PROXY', proxy.url.replace('http:', 'https:'))
    expect(await noAnswer(get('https://bitbucket.test/'))).toMatchObject({
      message: 'the proxy does not speak TLS',
      isTransient: false,
      nextStep: containing('Write http:// instead of https:// in HTTPS_PROXY'),
    })
  })

  test('the error blames an unreachable proxy, not Bitbucket', async () => {
    vi.stubEnv('HTTPS_PROXY', `http://user:proxy-password@127.0.0.1:${await closedPort()}`)
    const { message, isTransient, nextStep } = await noAnswer(get('https://bitbucket.test/'))
    expect(message).toBe('the proxy could not be reached (ECONNREFUSED)')
    expect(isTransient).toBe(true)
    expect(nextStep).toContain('HTTPS_PROXY')
    expect(nextStep).not.toContain('proxy-password')
  })

  // http-client ignores a proxy address that it cannot read. The label of this host is too long to reach any server.
  const nowhere = `https://${'a'.repeat(64)}.invalid`

  test.each([
    'http://user:hunter%@127.0.0.1:3128',
    'user:hunter@proxy.example.com:3128',
    'proxy:3128',
    'socks5://p',
  ])('an invalid proxy address is an error: %s', async (address) => {
    vi.stubEnv('HTTPS_PROXY', address)
    const { message, isTransient, nextStep } = await noAnswer(get(nowhere))
    expect(message).toMatch(/proxy.*HTTPS_PROXY/)
    expect(nextStep).toMatch(/HTTPS_PROXY=http:.*http:\/\/user:password@/)
    expect(message + nextStep).not.toContain('hunter')
    expect(isTransient).toBe(false)
  })

  test.each([
    ['https_proxy', nowhere],
    ['HTTP_PROXY', nowhere.replace('https', 'http')],
    ['http_proxy', nowhere.replace('https', 'http')],
  ])('an invalid proxy address in %s is an error too', async (name, url) => {
    vi.stubEnv(name, 'proxy:3128')
    expect((await noAnswer(get(url))).message).toBe(`the proxy address in ${name} is not valid`)
  })

  test('a proxy for https does not affect plain http', async () => {
    vi.stubEnv('HTTPS_PROXY', 'proxy:3128')
    const { message } = await noAnswer(get(nowhere.replace('https', 'http')))
    expect(message).toContain('could not be resolved')
  })

  test('an invalid proxy address does not affect a host in NO_PROXY', async () => {
    vi.stubEnv('HTTPS_PROXY', 'proxy:3128')
    vi.stubEnv('NO_PROXY', 'example.com, invalid')
    expect((await noAnswer(get(nowhere))).message).toContain('could not be resolved')
  })

  test('a request to loopback never uses the proxy', async () => {
    const proxy = await connectProxy({ status: 403 })
    vi.stubEnv('HTTP_PROXY', proxy.url)
    const { url } = await loopback((response) => response.end('direct'))
    expect((await get(url)).body).toBe('direct')
    expect(proxy.heard).toEqual([])
  })
})

test('sends nothing if node is set to leak it, even in a program that uses the library', async () => {
  const server = await loopback()
  for (const [name, value] of [
    ['NODE_DEBUG', 'http,net'],
    ['NODE_OPTIONS', '--max-old-space-size=512 --tls-keylog=/tmp/keys'],
  ] as const) {
    vi.stubEnv(name, value)
    await expect(get(server.url)).rejects.toMatchObject({
      code: 'input',
      message: expect.stringContaining(name),
    })
    vi.unstubAllEnvs()
  }
  expect(server.heard).toEqual([])
})
