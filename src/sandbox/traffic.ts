import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { RecordedRequest, SandboxOptions, ScriptedAnswer, ScriptedReply } from './contract.ts'
import { type Answer, type Exchange, json, type StreamedAnswer, send, text } from './exchange.ts'
import { RateLimit } from './rate-limit.ts'

/** How many requests are kept. The number is limited because a sandbox may run for days. */
const maxRequests = 10_000

/** The largest body of a request. Bodies other than git's have a few hundred bytes, so a larger one is a mistake of the client. */
const maxBodyBytes = 1024 * 1024

/** Answers the requests to one origin. */
export type Handler = (exchange: Exchange) => Promise<Answer | StreamedAnswer>

/** Passes every request through the log, the script and the rate limit, and then to a handler. */
export class Traffic {
  readonly requests: RecordedRequest[] = []
  /** The answers that a test has prepared. */
  readonly script: ScriptedAnswer[] = []
  readonly #rateLimit: RateLimit | undefined

  constructor(limit: SandboxOptions['rateLimit'], now: () => number) {
    this.#rateLimit = limit && new RateLimit(limit, now)
  }

  /** @param isStreamed whether the handler itself reads the body of a request to this path */
  listenerFor(handler: Handler, isStreamed: (path: string) => boolean = () => false): RequestListener {
    return (req, res) => {
      this.#handle(handler, isStreamed, req, res).catch((error) => sendError(res, error))
    }
  }

  async #handle(
    handler: Handler,
    isStreamed: (path: string) => boolean,
    req: IncomingMessage,
    res: ServerResponse,
  ): Promise<void> {
    const entry = recordRequest(req, res)
    this.requests.push(entry)
    if (this.requests.length > maxRequests) this.requests.shift()
    const url = new URL(entry.path.startsWith('/') ? `http://sandbox${entry.path}` : entry.path)
    if (!isStreamed(url.pathname)) {
      const body = await readBody(req)
      if (body === undefined) return send(res, text(413, 'The sandbox accepts bodies of at most 1 MB.'))
      entry.body = body
    }
    const realAnswer = () => handler({ req, url, body: entry.body })

    const scripted = this.#takeScripted(entry.path)
    if (typeof scripted === 'function') {
      return scripted(req, res, () => {
        realAnswer().then(
          (answer) => sendOrStream(answer, req, res),
          (error) => sendError(res, error),
        )
      })
    }
    if (scripted !== undefined && 'status' in scripted) return send(res, scriptedReply(scripted))
    if (scripted !== undefined) {
      await realAnswer()
      res.destroy()
      return
    }
    sendOrStream(this.#rateLimit?.refusal() ?? (await realAnswer()), req, res)
  }

  /** Takes the first prepared answer that is meant for this path. */
  #takeScripted(path: string): ScriptedAnswer | undefined {
    const index = this.script.findIndex(
      (answer) => typeof answer === 'function' || path.startsWith(answer.path ?? ''),
    )
    return index === -1 ? undefined : this.script.splice(index, 1)[0]
  }
}

function sendOrStream(answer: Answer | StreamedAnswer, req: IncomingMessage, res: ServerResponse): void {
  if (typeof answer === 'function') answer(req, res)
  else send(res, answer)
}

/** Answers 500 because of a bug in the sandbox. If the client has disconnected, does nothing. */
function sendError(res: ServerResponse, error: unknown): void {
  if (res.headersSent || res.destroyed) return
  send(res, text(500, `The sandbox failed: ${error instanceof Error ? error.message : String(error)}`))
}

/** Makes an entry for the log. Its status is that of the answer, once the answer has started. */
function recordRequest(req: IncomingMessage, res: ServerResponse): RecordedRequest & { body: string } {
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
function readBody(req: IncomingMessage): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    req.on('data', (chunk: Buffer) => {
      length += chunk.length
      // The rest is read and dropped, because a client that is still sending does not read an answer.
      if (length > maxBodyBytes) resolve(undefined)
      else chunks.push(chunk)
    })
    req.once('end', () => resolve(Buffer.concat(chunks).toString('utf8')))
    req.once('error', reject)
  })
}

function scriptedReply({ status, headers = {}, body = '' }: ScriptedReply): Answer {
  const answer = typeof body === 'string' ? text(status, body) : json(status, body)
  for (const [name, value] of Object.entries(headers)) answer.headers[name.toLowerCase()] = value
  return answer
}
