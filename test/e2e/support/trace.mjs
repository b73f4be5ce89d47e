// Loaded into the program with --import: reports the program's output, file operations and requests, in order, over file
// descriptor 3. It changes only the randomness: a retry waits a random part of a window, and here it does not wait.
import { subscribe } from 'node:diagnostics_channel'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const { writeSync, statSync, existsSync, readFileSync } = fs
const tell = (event) => writeSync(3, `${JSON.stringify(event)}\n`)

Math.random = () => 0

// Node's own functions call each other; only the outermost call is the program's.
let depth = 0
function observe(name, describe) {
  const original = fs[name]
  fs[name] = (...args) => {
    const event = depth === 0 ? describe(...args) : undefined
    depth++
    try {
      const result = original(...args)
      if (event !== undefined) tell(typeof event === 'function' ? event(result) : event)
      return result
    } finally {
      depth--
    }
  }
}

const text = (data) => (typeof data === 'string' ? data : Buffer.from(data).toString('utf8'))

observe('writeSync', (fd, data) => {
  const stream = { 1: 'stdout', 2: 'stderr' }[fd]
  return stream && ((written) => ({ did: stream, text: text(Buffer.from(data).subarray(0, written)) }))
})
observe('appendFileSync', (path, data) => ({ did: 'append', path: String(path), text: text(data) }))
observe('writeFileSync', (path, data) =>
  typeof path === 'number' ? undefined : { did: 'write', path: String(path), text: text(data) },
)
observe('mkdirSync', (path) => (existsSync(path) ? undefined : () => ({ did: 'mkdir', path: String(path) })))
// A secret file is written under a temporary name and then renamed. The final name counts.
observe('renameSync', (_from, to) => () => ({
  did: 'file',
  path: String(to),
  mode: (statSync(to).mode & 0o7777).toString(8).padStart(4, '0'),
  text: readFileSync(to, 'utf8'),
}))
for (const name of ['rmSync', 'rmdirSync', 'unlinkSync']) {
  observe(name, (path) => (existsSync(path) ? { did: 'remove', path: String(path) } : undefined))
}
syncBuiltinESMExports()

subscribe('http.client.request.start', ({ request }) => {
  tell({ did: 'request', method: request.method, host: request.getHeader('host'), path: request.path })
})
