import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** A request as the server received it. */
export interface Heard {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** Answers one request. The socket is for answers that no HTTP library can send. */
export type Answer = (response: ServerResponse, socket: Socket) => void

export interface Loopback {
  /** `http://127.0.0.1:<port>/` */
  readonly url: URL
  readonly heard: Heard[]
}

/** Starts a real server that gives the n-th request the n-th answer, and later requests the last answer. */
export async function loopback(...answers: readonly Answer[]): Promise<Loopback> {
  const heard: Heard[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request
      const answer = answers[Math.min(heard.length, answers.length - 1)]
      heard.push({ method, path, headers, body: Buffer.concat(chunks).toString() })
      if (answer === undefined) throw new Error('this server expected no request')
      answer(response, request.socket)
    })
  })
  return { url: new URL(await listening(server)), heard }
}

/** Starts a server on a free port, stops it when the test ends, and returns `http://127.0.0.1:<port>`. */
export async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(() => resolve()))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/**
 * The ports to choose from. They are below the ephemeral ports, because after many connections Linux has few of those left
 * and gives the same one to two callers in turn. They are above all ports that browsers refuse.
 */
const lowest = 12_000
const ports = 20_000
let offset = process.pid * 32

/**
 * Returns the first of `inARow` consecutive ports on which nobody listens. No process gets one of them unless it asks for it
 * by number.
 */
export async function closedPort(inARow = 1): Promise<number> {
  for (let tries = 0; tries < 1_000; tries++) {
    const first = lowest + (offset % ports)
    offset += inARow
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
