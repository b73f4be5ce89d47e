import type { ScriptedHandler } from '../../../src/sandbox/index.ts'

/** An answer with a token, so a program that reads half of it has something to leak. */
const body = JSON.stringify({
  access_token: 'a-token-that-only-ever-arrives-in-part',
  token_type: 'bearer',
  expires_in: 7200,
  scope: 'repository',
})

/** Announces one byte more than it sends, then closes the connection. */
export const halfBody: ScriptedHandler = (_req, res) => {
  res.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) + 1 })
  res.write(body, () => res.destroy())
}

/** Sends a whole document in a chunk, but not the final empty chunk. */
export const cutChunks: ScriptedHandler = (_req, res) => {
  res.writeHead(200, { 'content-type': 'application/json' })
  res.write(body, () => res.destroy())
}

/** Resets the connection before any answer. */
export const reset: ScriptedHandler = (req) => {
  req.socket.resetAndDestroy()
}

/** Refuses, and repeats the Authorization header in its reason. */
export const repeats: ScriptedHandler = (req, res) => {
  const reason = { error: 'invalid_request', error_description: `What is ${req.headers.authorization}?` }
  res.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify(reason))
}

/** Receives the request and never answers. */
export const silence: ScriptedHandler = () => {}

/** Starts the answer, then sends nothing more. */
export const stall: ScriptedHandler = (_req, res) => {
  res.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
  res.write(body.slice(0, 40))
}
