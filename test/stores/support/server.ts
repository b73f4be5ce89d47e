import { createServer, type IncomingHttpHeaders } from 'node:http'
import { listening } from '../../support/loopback.ts'

export interface ReceivedRequest {
  readonly method: string
  /** The percent-decoded path. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: Readonly<Record<string, unknown>>
}

export interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: object
}

export interface Server {
  /** Without a trailing slash. */
  readonly url: string
  readonly asked: ReceivedRequest[]
  /** A line such as `GET /path -> 200` for each request. */
  readonly log: string[]
  /** Replies to give instead of the real ones, in this order. `lost` does the work and drops the connection. */
  readonly script: (Reply | 'lost')[]
}

/** Starts a service on loopback that stops after the test. */
export async function serve(answer: (asked: ReceivedRequest) => Reply): Promise<Server> {
  const asked: ReceivedRequest[] = []
  const log: string[] = []
  const script: (Reply | 'lost')[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const url = new URL(request.url ?? '', 'http://server')
      const text = Buffer.concat(chunks).toString()
      const one: ReceivedRequest = {
        method: request.method ?? '',
        path: decodeURIComponent(url.pathname),
        query: url.searchParams,
        headers: request.headers,
        body: text === '' ? {} : JSON.parse(text),
      }
      asked.push(one)
      const scripted = script.shift()
      const { status, headers, body } = scripted === undefined || scripted === 'lost' ? answer(one) : scripted
      log.push(`${one.method} ${url.pathname}${url.search} -> ${scripted === 'lost' ? 'lost' : status}`)
      if (scripted === 'lost') {
        response.destroy()
        return
      }
      response.writeHead(status, { 'content-type': 'application/json', ...headers })
      response.end(body === undefined ? '' : JSON.stringify(body))
    })
  })
  return { url: await listening(server), asked, log, script }
}
