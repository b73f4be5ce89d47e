import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

export interface ConnectProxy {
  readonly url: string
  /** `host:port proxy-authorization` of each CONNECT. */
  readonly heard: string[]
}

/**
 * Starts a real proxy that knows only CONNECT. It connects every name to one port on loopback, or gives the answer that a
 * test chooses. Tests use other names than loopback's because http-client uses no proxy for loopback addresses.
 * @param certificate if clients speak TLS to the proxy itself
 */
export async function connectProxy(
  answer: { to: number } | { status: number } | 'silence',
  certificate?: { readonly key: string; readonly cert: string },
): Promise<ConnectProxy> {
  const heard: string[] = []
  const sockets = new Set<Socket>()
  const server = certificate === undefined ? createServer() : createTlsServer(certificate)
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  })
  server.on('connect', (request, client: Socket) => {
    heard.push([request.url, request.headers['proxy-authorization']].filter(Boolean).join(' '))
    client.on('error', () => {})
    if (answer === 'silence') return
    if ('status' in answer) {
      client.end(`HTTP/1.1 ${answer.status} No\r\nContent-Length: 0\r\n\r\n`)
      return
    }
    const target = connect(answer.to, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      target.pipe(client).pipe(target)
    })
    target.on('error', () => client.destroy())
    target.on('close', () => client.destroy())
    client.on('close', () => target.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => server.close(() => resolve()))
  })
  const origin = certificate === undefined ? 'http://127.0.0.1' : 'https://localhost'
  return { url: `${origin}:${(server.address() as AddressInfo).port}`, heard }
}
