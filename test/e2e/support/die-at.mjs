// Loaded into the program with --import. Counts the program's writes, processes and requests, and kills the program just
// before number DIE_AT. Each is a line in the file DIE_LOG. A retry waits a random part of a window; here it does not wait.
// The clock is CLOCK_AHEAD milliseconds ahead.

import childProcess from 'node:child_process'
import { subscribe } from 'node:diagnostics_channel'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const { appendFileSync } = fs
const at = Number(process.env.DIE_AT ?? 0)
const log = process.env.DIE_LOG
let count = 0
let depth = 0
Math.random = () => 0

const { now } = Date
const ahead = Number(process.env.CLOCK_AHEAD ?? 0)
Date.now = () => now() + ahead

function boundary(name) {
  count++
  // Node's own functions call each other and these; only the outermost call is the program's.
  depth++
  if (log) appendFileSync(log, `${name}\n`)
  depth--
  if (count === at) process.kill(process.pid, 'SIGKILL')
}

function watch(module, name, describe) {
  const original = module[name]
  module[name] = (...args) => {
    const what = depth === 0 ? describe(...args) : undefined
    if (what !== undefined) boundary(`${name} ${what}`)
    depth++
    try {
      return original(...args)
    } finally {
      depth--
      // The child has received nothing yet.
      if (name === 'spawn') boundary(`spawned ${what}`)
    }
  }
}

const nameOf = (path) => String(path).split('/').at(-1)
// Removes the unique numbers, which differ between runs.
const plain = (path) => nameOf(path).replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, '*')
watch(fs, 'openSync', (path, flags) => (/[wa]/.test(String(flags)) ? plain(path) : undefined))
for (const name of ['appendFileSync', 'writeFileSync']) {
  watch(fs, name, (path) => (typeof path === 'number' ? 'to it' : plain(path)))
}
for (const name of ['mkdirSync', 'rmSync', 'rmdirSync', 'renameSync']) watch(fs, name, plain)
watch(fs, 'fsyncSync', () => '')
watch(childProcess, 'spawn', (file, args) => `${nameOf(file)} ${args[0]}`)
syncBuiltinESMExports()

const said = (request) => `${request.method} ${request.path.replace(/%7B.*/, '…')}`
subscribe('http.client.request.start', ({ request }) => boundary(`request ${said(request)}`))
subscribe('http.client.response.finish', ({ request }) => boundary(`response to ${said(request)}`))
