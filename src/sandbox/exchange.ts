import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'

/** A request as every handler of the sandbox gets it. */
export interface Exchange {
  req: IncomingMessage
  /** Path and query. The host has no meaning. */
  url: URL
  /** Empty for git and on the media host. */
  body: string
}

export interface Answer {
  status: number
  headers: OutgoingHttpHeaders
  body: string
}

export type StreamedAnswer = (req: IncomingMessage, res: ServerResponse) => void

export function json(status: number, body: object, headers: OutgoingHttpHeaders = {}): Answer {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    body: JSON.stringify(body),
  }
}

/** Parses JSON. Returns an empty object if the text is not JSON. */
export function parseJson(text: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text))
  } catch {
    return {}
  }
}

/** Makes an answer in plain text, the only type that git shows to its user if it is a refusal (`remote: …`). */
export function text(status: number, body: string, headers: OutgoingHttpHeaders = {}): Answer {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers }, body }
}

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
