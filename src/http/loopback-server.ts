import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { systemCode } from '../errors.ts'

/** A request that came over loopback and names loopback as its host. */
export interface LoopbackRequest {
  readonly method: string
  readonly url: URL
  /** Header names are in lower case. */
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface LoopbackAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string
  /** Called when the whole answer was sent. */
  readonly sent?: () => void
}

interface LoopbackServer {
  readonly port: number
  close(): Promise<void>
}

/** The connection limit of one server. A browser opens six. */
const connectionLimit = 64

/** How a server differs from the usual one. */
interface LoopbackOptions {
  readonly limits?: typeof timeLimits
  /** Whether the process runs until the server is closed. Default true. */
  readonly keepsAlive?: boolean
}

/** The time limits of a request, in milliseconds, so that slow requests do not use up the connections. */
const timeLimits = { headersTimeout: 5_000, requestTimeout: 10_000, connectionsCheckingInterval: 1_000 }

/** The longest body of a request. It is enough for a form with the longest token that we accept. */
const maxBodyCharacters = 128 * 1024

/** The headers of every answer. They forbid caching, embedding and sharing with other sites. */
const securityHeaders = {
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
 * Serves only this machine, on 127.0.0.1 and on ::1 if it exists. It needs both, because a browser may take either for
 * `localhost`, and another program could listen on the free one. Refuses every request for another host name before
 * reading it, because a foreign page may point its own name at loopback (DNS rebinding).
 * @param port 0 takes any free port, and then only on 127.0.0.1
 * @throws node's listen error, such as `EADDRINUSE`
 */
export async function serveLoopback(
  port: number,
  answer: (request: LoopbackRequest) => Promise<LoopbackAnswer>,
  { limits = timeLimits, keepsAlive = true }: LoopbackOptions = {},
): Promise<LoopbackServer> {
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    answerTo(request, hostsOf(portOf(servers, port)), answer).then(
      (answer) => send(response, answer),
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
    for (const address of port === 0 ? ['127.0.0.1'] : ['127.0.0.1', '::1']) {
      const server = createServer(limits, handle)
      server.maxConnections = connectionLimit
      try {
        server.listen(port, address)
        await once(server, 'listening')
        if (!keepsAlive) server.unref()
        servers.push(server)
      } catch (error) {
        if (address === '127.0.0.1' || !isWithoutIpv6(error)) throw error
      }
    }
  } catch (error) {
    await close()
    throw error
  }
  return { port: portOf(servers, port), close }
}

/** Returns the port that the servers really have. */
function portOf([server]: readonly Server[], wanted: number): number {
  const address = server?.address() as AddressInfo | null | undefined
  return address?.port ?? wanted
}

/** Returns the host names of loopback, as a client writes them. */
const hostsOf = (port: number): string[] =>
  ['localhost', '127.0.0.1', '[::1]'].map((name) => new URL(`http://${name}:${port}`).host)

/** Whether the error says that there is no ::1, as in many containers. */
const isWithoutIpv6 = (error: unknown): boolean =>
  /^(EADDRNOTAVAIL|EAFNOSUPPORT|EINVAL)$/.test(systemCode(error) ?? '')

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
  if (!path.startsWith('/') || !URL.canParse(address))
    return { status: 400, body: 'The request has no valid path.\n' }
  const body = await readBody(request)
  if (body === undefined) return { status: 413, body: 'The request body is too large.\n' }
  return answer({ method, url: new URL(address), headers, body })
}

/**
 * Reads the body of a request; undefined if it is too long. Reads to the end even then, because a client that is still
 * sending does not see the answer.
 */
function readBody(request: IncomingMessage): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (piece: string) => {
      if (body.length <= maxBodyCharacters) body += piece
    })
    request.once('end', () => resolve(body.length > maxBodyCharacters ? undefined : body))
    request.once('error', reject)
  })
}

function send(response: ServerResponse, { status, headers, body, sent }: LoopbackAnswer): void {
  response.writeHead(status, { ...securityHeaders, ...headers, 'content-length': Buffer.byteLength(body) })
  response.end(body, sent)
}
