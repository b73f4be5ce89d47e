import type { AddressInfo } from 'node:net'
import { createServer, type Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'

/** One connection of the program under test, on which anything may be done. */
export interface Exchange {
  readonly socket: Socket
  /** What a healthy Bitbucket would answer here: a token, or the account. */
  readonly good: string
  /** Which of the two was asked for. */
  readonly endpoint: 'token' | 'rest'
  /** `http://127.0.0.1:<port>` of this server. */
  readonly origin: string
  /** Servers that must hear nothing: `port` on the same host, `host` on another. */
  readonly others: { readonly port: string; readonly host: string }
  /** 0 for the first try. */
  readonly number: number
}

export interface Misbehaviour {
  /** Comes before anything was read; without it the connection is accepted as usual. */
  readonly onConnect?: (socket: Socket) => void
  /** Comes when the whole request has been read. */
  readonly onRequest?: (exchange: Exchange) => void
  readonly tls?: Certificate
  /** Only its deadline ends a try. */
  readonly waits?: true
}

export interface Certificate {
  readonly key: string
  readonly cert: string
}

export interface FaultServer {
  readonly port: number
  /** Each connection is one try of the program. */
  readonly tries: () => number
  readonly close: () => Promise<void>
}

export interface ServerOptions {
  readonly good: { readonly token: string; readonly rest: string }
  readonly others: Exchange['others']
  /** What is done at which try; undefined for a try that goes well. */
  readonly misbehave: (number: number) => Misbehaviour | undefined
  /** Called when a misbehaviour that waits has done what it does. */
  readonly onSilence?: () => void
  /** The certificate of a try that goes well. None: plain HTTP. */
  readonly tls?: Certificate
}

/** An HTTP/1.1 message: lines of the head, then the body as it is. */
export const message = (head: readonly string[], body: string | Buffer = ''): Buffer =>
  Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), Buffer.from(body)])

/** The answer that is due, whole and as any server sends it. */
export const goodAnswer = (good: string): Buffer =>
  message(
    [
      'HTTP/1.1 200 OK',
      'Content-Type: application/json',
      'X-OAuth-Scopes: account, repository',
      `Content-Length: ${Buffer.byteLength(good)}`,
      'Connection: close',
    ],
    good,
  )

/** A server on loopback that writes its own bytes: no HTTP library stands between a fault and the program. */
export async function startFaultServer(options: ServerOptions): Promise<FaultServer> {
  const sockets = new Set<Socket>()
  let tries = 0
  const server = createServer({ noDelay: true }, (plain) => {
    const number = tries++
    const fault = options.misbehave(number)
    sockets.add(plain)
    plain.on('error', () => {})
    plain.on('close', () => sockets.delete(plain))
    const fallSilent = () => {
      // By then the client has read what was sent.
      if (fault?.waits) setTimeout(() => options.onSilence?.(), 20)
    }
    if (fault?.onConnect !== undefined) {
      fault.onConnect(plain)
      fallSilent()
      return
    }
    const tls = fault?.tls ?? options.tls
    const socket = tls === undefined ? plain : secured(plain, tls)
    onWholeRequest(socket, (path) => {
      const endpoint = path.startsWith('/site/oauth2/') ? 'token' : 'rest'
      const good = options.good[endpoint]
      if (fault?.onRequest === undefined) {
        socket.end(goodAnswer(good))
        return
      }
      const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      fault.onRequest({ socket, good, endpoint, origin, others: options.others, number })
      fallSilent()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    tries: () => tries,
    close: () => {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

function secured(plain: Socket, { key, cert }: Certificate): Socket {
  const secureContext = createSecureContext({ key, cert })
  const socket = new TLSSocket(plain, { isServer: true, secureContext })
  socket.on('error', () => plain.destroy())
  return socket
}

function onWholeRequest(socket: Socket, then: (path: string) => void): void {
  let text = ''
  const onData = (data: Buffer) => {
    text += data.toString('latin1')
    const end = text.indexOf('\r\n\r\n')
    if (end === -1) return
    const length = Number(/^content-length: (\d+)/im.exec(text.slice(0, end))?.[1] ?? 0)
    if (text.length < end + 4 + length) return
    socket.off('data', onData)
    socket.resume()
    then(text.split(' ')[1] ?? '')
  }
  socket.on('data', onData)
}
