import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RecordedRequest } from './contract.ts'

/** The largest body in bytes. Bodies other than git's have a few hundred bytes, so a larger one is a mistake of the client. */
const bodyLimit = 1024 * 1024

/** Makes an entry for the log. Its status is that of the answer, once the answer has started. */
export function recordRequest(req: IncomingMessage, res: ServerResponse): RecordedRequest & { body: string } {
  return {
    method: req.method ?? '',
    path: req.url ?? '',
    headers: req.headers,
    body: '',
    get status() {
      return res.headersSent ? res.statusCode : 0
    },
  }
}

/** Reads the whole body. Returns undefined if it is too large, and rejects if the client disconnects. */
export function readBody(req: IncomingMessage): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    req.on('data', (chunk: Buffer) => {
      length += chunk.length
      // The rest is read and dropped, because a client that is still sending does not read an answer.
      if (length > bodyLimit) resolve(undefined)
      else chunks.push(chunk)
    })
    req.once('end', () => resolve(Buffer.concat(chunks).toString('utf8')))
    req.once('error', reject)
  })
}
