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

/** A port on which nobody listens. */
export async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
