import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { type Answer, type StreamedAnswer, send, text } from './answers.ts'
import type { RecordedRequest, SandboxOptions } from './contract.ts'
import type { Exchange } from './exchange.ts'
import { RateLimit } from './rate-limit.ts'
import { readBody, recordRequest } from './request-log.ts'
import { Script, scriptedReply } from './script.ts'

/** Requests that are remembered; a sandbox may run for days. */
const mostRequests = 10_000

/** What stands behind an origin. */
export type Surface = (exchange: Exchange) => Promise<Answer | StreamedAnswer>

/** What every request passes on its way to a surface: the log, the script, the rate limit. */
export class Traffic {
  readonly requests: RecordedRequest[] = []
  readonly script = new Script()
  readonly #rateLimit: RateLimit | undefined

  constructor(limit: SandboxOptions['rateLimit'], now: () => number) {
    this.#rateLimit = limit && new RateLimit(limit, now)
  }

  /** `isStreamed`: the paths whose bodies are left to the surface to read. */
  to(surface: Surface, isStreamed: (path: string) => boolean): RequestListener {
    return (req, res) => {
      this.#handle(surface, isStreamed, req, res).catch((error) => sendDefect(res, error))
    }
  }

  async #handle(
    surface: Surface,
    isStreamed: (path: string) => boolean,
    req: IncomingMessage,
    res: ServerResponse,
  ): Promise<void> {
    const entry = recordRequest(req, res)
    this.requests.push(entry)
    if (this.requests.length > mostRequests) this.requests.shift()
    const url = new URL(entry.path.startsWith('/') ? `http://sandbox${entry.path}` : entry.path)
    if (!isStreamed(url.pathname)) {
      const body = await readBody(req)
      if (body === undefined) return send(res, text(413, 'The sandbox takes bodies of at most 1 MB.'))
      entry.body = body
    }
    const decide = () => surface({ req, url, body: entry.body })

    const scripted = this.script.take(entry.path)
    if (typeof scripted === 'function') {
      return scripted(req, res, () => {
        decide().then(
          (answer) => give(answer, req, res),
          (error) => sendDefect(res, error),
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

/** A defect of the sandbox; or a client that went away while it was being read, and then nobody gets this. */
function sendDefect(res: ServerResponse, error: unknown): void {
  if (res.headersSent || res.destroyed) return
  send(res, text(500, `The sandbox failed: ${error instanceof Error ? error.message : String(error)}`))
}
