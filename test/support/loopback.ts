import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** One request as the server saw it. */
export interface Heard {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** What a server does with one request; the socket is there for what no HTTP library would send. */
export type Answer = (response: ServerResponse, socket: Socket) => void

export interface Loopback {
  /** `http://127.0.0.1:<port>/` */
  readonly url: URL
  readonly heard: Heard[]
}

/** A real server that gives the n-th request the n-th answer, and the last one to all that follow. */
export async function loopback(...answers: readonly Answer[]): Promise<Loopback> {
  const heard: Heard[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request
      const answer = answers[Math.min(heard.length, answers.length - 1)]
      heard.push({ method, path, headers, body: Buffer.concat(chunks).toString() })
      if (answer === undefined) throw new Error('this server was to hear nothing')
      answer(response, request.socket)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(() => resolve()))
  })
  return { url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`), heard }
}

/**
 * Below all that a system gives to who asks for any port, a connection's own end among them: right after many connections
 * Linux has few of those left, and gives the same one to two who ask in turn. Above all that browsers refuse.
 */
const lowest = 12_000
const ports = 20_000
let asked = process.pid * 32

/** A port on which nobody listens, nor on the next ones, and that nobody gets who does not ask for it by number. */
export async function closedPort(inARow = 1): Promise<number> {
  for (let tries = 0; tries < 1_000; tries++) {
    const first = lowest + (asked % ports)
    asked += inARow
    const row = Array.from({ length: inARow }, (_, index) => first + index)
    if ((await Promise.all(row.map(isClosed))).every(Boolean)) return first
  }
  throw new Error('no port is free')
}

async function isClosed(port: number): Promise<boolean> {
  const server = createServer()
  const isFree = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false)).listen(port, () => resolve(true))
  })
  await new Promise((resolve) => server.close(resolve))
  return isFree
}
