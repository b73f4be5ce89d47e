// Loaded into the program after trace.mjs: injects a fault at the n-th boundary, counted from the program's first
// statement. `crash.mjs?do=SIGKILL&at=7`
//
// A boundary is a file system call, a request, or the moment at which an `await` resumes. `do` is one of:
// - a signal
// - `throw`: the call throws an error; at an `await`, the error is uncaught
// - `full`: from this write on, half of each write to a file arrives, and then the disk is full
// `in=fs` or `in=await` counts only boundaries of that kind.
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
  // index.ts adds this listener first. Calls that Node makes to load it do not count.
  if (name === 'exit' || name === 'uncaughtException') isArmed = true
})

let count = 0
/** Counts a boundary and returns whether it is the chosen one. Sends the signal, if `do` is one. */
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

/** Calls that write bytes to a file, changed so that only the first half arrives. */
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
      // An error thrown by the hook itself would end Node.
      process.nextTick(() => {
        throw failure('EIO', 'await')
      })
    },
  }).enable()
}
