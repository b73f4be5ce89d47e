import type { ScriptedHandler } from '../../../src/sandbox/index.ts'

/** A token answer that carries a token, so that a program which takes half of it has something to leak. */
const body = JSON.stringify({
  access_token: 'a-token-that-only-ever-arrives-in-part',
  token_type: 'bearer',
  expires_in: 7200,
  scope: 'repository',
})

/** Promises the whole body, sends all but the last brace, closes. */
export const halfBody: ScriptedHandler = (_req, res) => {
  res.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) + 1 })
  res.write(body, () => res.destroy())
}

/** A whole document in a chunk, but never the chunk that says it is the last. */
export const cutChunks: ScriptedHandler = (_req, res) => {
  res.writeHead(200, { 'content-type': 'application/json' })
  res.write(body, () => res.destroy())
}

/** The connection is reset before a word of the answer. */
export const reset: ScriptedHandler = (req) => {
  req.socket.resetAndDestroy()
}

/** Refuses, and repeats in its reason all that it was sent. */
export const repeats: ScriptedHandler = (req, res) => {
  const reason = { error: 'invalid_request', error_description: `What is ${req.headers.authorization}?` }
  res.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify(reason))
}

/** Hears the request and never answers. */
export const silence: ScriptedHandler = () => {}

/** Begins the answer, and then sends no more. */
export const stall: ScriptedHandler = (_req, res) => {
  res.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
  res.write(body.slice(0, 40))
}
