import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RecordedRequest } from './contract.ts'

/** A body that is not git's is a form of a few hundred bytes; more than this is a mistake of the caller. */
const bodyLimit = 1024 * 1024

/** An entry for the log; its status comes from the answer once that has begun. */
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

/** The whole body, or undefined when it is too large. Rejects when the client goes away. */
export function readBody(req: IncomingMessage): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    req.on('data', (chunk: Buffer) => {
      length += chunk.length
      // What is too much is read on and dropped, for a client that is still sending does not hear an answer.
      if (length > bodyLimit) resolve(undefined)
      else chunks.push(chunk)
    })
    req.once('end', () => resolve(Buffer.concat(chunks).toString('utf8')))
    req.once('error', reject)
  })
}
