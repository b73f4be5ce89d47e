import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'

/** A request that was meant for us: by way of loopback, and under a name of loopback. */
export interface LoopbackRequest {
  readonly method: string
  readonly url: URL
  /** Names in lower case. */
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface LoopbackAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string
  /** Called when all of it is on its way. */
  readonly sent?: () => void
}

export interface LoopbackServer {
  close(): Promise<void>
}

/** Of one server. A browser opens six. */
const mostConnections = 64

/** Milliseconds in which a request must be here, so that slow ones do not keep the connections from others. */
const slowestRequest = { headersTimeout: 5_000, requestTimeout: 10_000, connectionsCheckingInterval: 1_000 }

/** Characters; a form with the longest token that is taken from anybody. */
const bodyLimit = 128 * 1024

/** Of every answer: it is of this moment, for this reader, and no part of another page. */
const usualHeaders = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'content-type': 'text/plain; charset=utf-8',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  connection: 'close',
}

/**
 * Serves this machine alone, on 127.0.0.1 and, where there is one, on ::1: `localhost` is either, as the browser
 * likes, and on one that we left free another program could listen. A request under a foreign name is refused before it
 * is looked at: a page from elsewhere whose name was pointed at loopback (DNS rebinding) sends its own.
 * @throws node's listen error, such as `EADDRINUSE`
 */
export async function serveLoopback(
  port: number,
  answer: (request: LoopbackRequest) => Promise<LoopbackAnswer>,
  slowest = slowestRequest,
): Promise<LoopbackServer> {
  const hosts = ['localhost', '127.0.0.1', '[::1]'].map((name) => new URL(`http://${name}:${port}`).host)
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    answerTo(request, hosts, answer).then(
      (given) => send(response, given),
      () => send(response, { status: 500, body: 'Something unexpected failed.\n' }),
    )
  }
  const servers: Server[] = []
  const close = async () => {
    await Promise.all(
      servers.map(async (server) => {
        const closed = once(server, 'close')
        server.close()
        server.closeAllConnections()
        await closed
      }),
    )
  }
  try {
    for (const address of ['127.0.0.1', '::1']) {
      const server = createServer(slowest, handle)
      server.maxConnections = mostConnections
      try {
        server.listen(port, address)
        await once(server, 'listening')
        servers.push(server)
      } catch (error) {
        if (address === '127.0.0.1' || !isWithoutIpv6(error)) throw error
      }
    }
  } catch (error) {
    await close()
    throw error
  }
  return { close }
}

/** Containers and some machines have no ::1. */
const isWithoutIpv6 = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  /^(EADDRNOTAVAIL|EAFNOSUPPORT|EINVAL)$/.test(String(error.code))

async function answerTo(
  request: IncomingMessage,
  hosts: readonly string[],
  answer: (request: LoopbackRequest) => Promise<LoopbackAnswer>,
): Promise<LoopbackAnswer> {
  const { method = '', url: path = '', headers } = request
  const { host = '' } = headers
  if (!hosts.includes(host.toLowerCase())) {
    return { status: 421, body: `This is bitbucket-token on loopback; call it http://${hosts[0]}/\n` }
  }
  const address = `http://${host}${path}`
  if (!path.startsWith('/') || !URL.canParse(address)) return { status: 400, body: 'That is no path.\n' }
  const body = await readBody(request)
  if (body === undefined) return { status: 413, body: 'That is too much.\n' }
  return answer({ method, url: new URL(address), headers, body })
}

/** Undefined where it is too long. What is too much is read on and dropped, for who still sends hears no answer. */
function readBody(request: IncomingMessage): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (piece: string) => {
      if (body.length <= bodyLimit) body += piece
    })
    request.once('end', () => resolve(body.length > bodyLimit ? undefined : body))
    request.once('error', reject)
  })
}

function send(response: ServerResponse, { status, headers, body, sent }: LoopbackAnswer): void {
  response.writeHead(status, { ...usualHeaders, ...headers, 'content-length': Buffer.byteLength(body) })
  response.end(body, sent)
}
