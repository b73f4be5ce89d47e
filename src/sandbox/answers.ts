import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'

/** What a surface of the sandbox answers. */
export interface Answer {
  status: number
  headers: OutgoingHttpHeaders
  body: string
}

/** An answer that is not known beforehand but streamed. */
export type StreamedAnswer = (req: IncomingMessage, res: ServerResponse) => void

export function json(status: number, body: object, headers: OutgoingHttpHeaders = {}): Answer {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    body: JSON.stringify(body),
  }
}

/** Plain text; the only type of which git shows a refusal to its user, as `remote: …`. */
export function text(status: number, body: string, headers: OutgoingHttpHeaders = {}): Answer {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers }, body }
}

/** A page, as a web site answers. */
export function page(status: number, title: string, sentence: string): Answer {
  const body = `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>${title} &mdash; Bitbucket</title></head>
<body><h1>${title}</h1><p>${sentence}</p></body>
</html>
`
  return { status, headers: { 'content-type': 'text/html; charset=utf-8' }, body }
}

export function send(res: ServerResponse, { status, headers, body }: Answer): void {
  res.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers })
  res.end(body)
}
