// Loaded into the program behind trace.mjs: lets something happen at the n-th boundary, counted from its first own
// statement. `crash.mjs?do=SIGKILL&at=7`
//
// A boundary is a call into the file system, a request, or the moment at which an `await` goes on. `do` is a signal,
// or `throw` (an error out of that call; at an await, one that nobody catches), or `full`: from that write to a file
// on, half of each arrives and then there is no room. `in=fs` or `in=await` counts only that kind.
import { createHook } from 'node:async_hooks'
import { subscribe } from 'node:diagnostics_channel'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const what = new URL(import.meta.url).searchParams
const act = what.get('do')
const at = Number(what.get('at'))
const kind = what.get('in')
const { writeSync } = fs

let isArmed = false
process.on('newListener', (name) => {
  // The first thing that index.ts does; what node does to load it is not the program's.
  if (name === 'exit' || name === 'uncaughtException') isArmed = true
})

let count = 0
/** Whether this is the boundary; a signal has been sent then. */
function isReached(name, of) {
  if (!isArmed || (kind !== null && kind !== of)) return false
  count++
  if (act === 'full' ? count < at : count !== at) return false
  if (count === at) writeSync(3, `${JSON.stringify({ did: 'crash', path: name })}\n`)
  if (act.startsWith('SIG')) process.kill(process.pid, act)
  return true
}

const failure = (code, name) =>
  Object.assign(new Error(`${code}: injected, ${name}`), { code, syscall: name })

/** Bytes that go to a file, as the call would write them: the first half arrives. */
const writesHalf = {
  appendFileSync: (original, [file, data, ...more]) => original(file, half(data), ...more),
  writeFileSync: (original, [file, data, ...more]) => original(file, half(data), ...more),
  writeSync: (original, [file, data]) => original(file, half(data)),
}
const half = (data) => Buffer.from(data).subarray(0, Math.floor(Buffer.byteLength(data) / 2))

let depth = 0
function watch(name) {
  const original = fs[name]
  const replacement = (...args) => {
    const isOutermost = depth === 0 && !(name === 'writeSync' && args[0] === 3)
    const isStream = name === 'writeSync' && args[0] <= 2
    depth++
    try {
      if (isOutermost && act === 'full') {
        if (name in writesHalf && !isStream && isReached(`${name} ${args[0]}`, 'fs')) {
          writesHalf[name](original, args)
          throw failure('ENOSPC', name)
        }
      } else if (isOutermost && isReached(`${name} ${args[0]}`, 'fs') && act === 'throw') {
        throw failure('EIO', name)
      }
      return original(...args)
    } finally {
      depth--
    }
  }
  fs[name] = Object.assign(replacement, original)
}

for (const name of [
  'appendFileSync',
  'chmodSync',
  'closeSync',
  'fchmodSync',
  'fstatSync',
  'ftruncateSync',
  'lstatSync',
  'mkdirSync',
  'openSync',
  'readFileSync',
  'readdirSync',
  'realpathSync',
  'renameSync',
  'rmSync',
  'rmdirSync',
  'statSync',
  'writeFileSync',
  'writeSync',
]) {
  watch(name)
}
syncBuiltinESMExports()

if (act !== 'full') {
  subscribe('http.client.request.start', () => {
    if (isReached('request', 'fs') && act === 'throw') throw failure('EIO', 'request')
  })
  const promises = new Set()
  createHook({
    init: (id, type) => {
      if (type === 'PROMISE') promises.add(id)
    },
    before: (id) => {
      if (!promises.has(id) || !isReached('await', 'await') || act !== 'throw') return
      // A hook that throws would end node itself.
      process.nextTick(() => {
        throw failure('EIO', 'await')
      })
    },
  }).enable()
}
