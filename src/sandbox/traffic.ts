import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { type Answer, type StreamedAnswer, send, text } from './answers.ts'
import type { RecordedRequest, SandboxOptions } from './contract.ts'
import type { Exchange } from './exchange.ts'
import { RateLimit } from './rate-limit.ts'
import { readBody, recordRequest } from './request-log.ts'
import { Script, scriptedReply } from './script.ts'

/** How many requests are kept. The number is limited because a sandbox may run for days. */
const maxRequests = 10_000

/** Answers the requests to one origin. */
export type Handler = (exchange: Exchange) => Promise<Answer | StreamedAnswer>

/** Passes every request through the log, the script and the rate limit, and then to a handler. */
export class Traffic {
  readonly requests: RecordedRequest[] = []
  readonly script = new Script()
  readonly #rateLimit: RateLimit | undefined

  constructor(limit: SandboxOptions['rateLimit'], now: () => number) {
    this.#rateLimit = limit && new RateLimit(limit, now)
  }

  /** @param isStreamed whether the handler itself reads the body of a request to this path */
  to(handler: Handler, isStreamed: (path: string) => boolean): RequestListener {
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
    const decide = () => handler({ req, url, body: entry.body })

    const scripted = this.script.take(entry.path)
    if (typeof scripted === 'function') {
      return scripted(req, res, () => {
        decide().then(
          (answer) => give(answer, req, res),
          (error) => sendError(res, error),
        )
      })
    }
    if (scripted !== undefined && 'status' in scripted) return send(res, scriptedReply(scripted))
    if (scripted !== undefined) {
      await decide()
      res.destroy()
      return
    }
    give(this.#rateLimit?.refusal() ?? (await decide()), req, res)
  }
}

function give(answer: Answer | StreamedAnswer, req: IncomingMessage, res: ServerResponse): void {
  if (typeof answer === 'function') answer(req, res)
  else send(res, answer)
}

/** Answers 500 because of a bug in the sandbox. If the client has disconnected, does nothing. */
function sendError(res: ServerResponse, error: unknown): void {
  if (res.headersSent || res.destroyed) return
  send(res, text(500, `The sandbox failed: ${error instanceof Error ? error.message : String(error)}`))
}
