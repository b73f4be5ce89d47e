import type { AddressInfo } from 'node:net'
import { createServer, type Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'

/** One request of the program, and its connection. */
export interface Exchange {
  readonly socket: Socket
  /** The answer of a healthy Bitbucket: a token or the account. */
  readonly good: string
  /** Which of the two was requested. */
  readonly endpoint: 'token' | 'rest'
  /** `http://127.0.0.1:<port>` of this server. */
  readonly origin: string
  /** Servers that must receive no request: `port` on the same host, `host` on another. */
  readonly others: { readonly port: string; readonly host: string }
  /** 0 for the first try. */
  readonly number: number
}

export interface Misbehaviour {
  /** Called before anything is read. Without it, the connection is accepted as usual. */
  readonly onConnect?: (socket: Socket) => void
  /** Called when the whole request has been read. */
  readonly onRequest?: (exchange: Exchange) => void
  readonly tls?: Certificate
  /** Set if only the deadline ends the try. */
  readonly waits?: true
}

export interface Certificate {
  readonly key: string
  readonly cert: string
}

export interface FaultServer {
  readonly port: number
  /** Counts connections; each is one try of the program. */
  readonly tries: () => number
  readonly close: () => Promise<void>
}

export interface ServerOptions {
  readonly good: { readonly token: string; readonly rest: string }
  readonly others: Exchange['others']
  /** Returns the fault of a try; undefined for a good answer. */
  readonly misbehave: (number: number) => Misbehaviour | undefined
  /** Called when a fault that waits has sent everything. */
  readonly onSilence?: () => void
  /** The certificate of good tries. Without it, they use plain HTTP. */
  readonly tls?: Certificate
}

/** Builds an HTTP/1.1 message from the lines of its head and a body. */
export const message = (head: readonly string[], body: string | Buffer = ''): Buffer =>
  Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), Buffer.from(body)])

/** Builds the answer that a healthy server sends. */
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

/** Starts a server on loopback that writes its own bytes, because an HTTP library would repair some of the faults. */
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
      // After 20 ms the client has read what was sent.
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
