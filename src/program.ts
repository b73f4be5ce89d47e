import { failureScript } from './failure-script.ts'
import { main } from './main.ts'
import { lookForProgramsOnPathOnly } from './windows.ts'
import { processWorld } from './world.ts'

const stop = new AbortController()
const world = processWorld(process, stop.signal)
const args = process.argv.slice(2)

// When nothing is left to wait for, node ends with status 0, even in the middle of an `await`. That would look like success.
let isDone = false
process.once('exit', (code) => {
  const status = isDone ? code : 1
  if (!isDone) {
    process.exitCode = status
    process.stderr.write('error: bitbucket-token ended before its work was done.\nReport it.\n')
  }
  const script = status === 0 ? '' : failureScript(args, status)
  if (script === '' || world.isTerminal('stdout')) return
  try {
    world.stdout(script)
  } catch {
    // Nobody reads stdout, so no shell evaluates it.
  }
})
/** Removes what the run has written. Only for a crash: otherwise `acquire` removes it itself. */
let discard = () => {}
process.once('uncaughtException', (error) => {
  isDone = true
  try {
    discard()
  } catch {
    // The error that ended the run is reported, not this one.
  }
  process.stderr.write(`error: bitbucket-token failed: ${error.name}.\n`)
  process.exit(1)
})

lookForProgramsOnPathOnly(process)

// tunnel (in @actions/http-client) calls the deprecated Buffer() for a proxy's password. Node would warn on stderr, but
// users cannot do anything about it.
process.noDeprecation = true

// A diagnostic report contains the environment, and so every secret in it (NODE_OPTIONS=--report-on-signal and similar
// options).
if (process.report !== undefined) {
  process.report.reportOnSignal = false
  process.report.reportOnFatalError = false
  process.report.reportOnUncaughtException = false
}

let stoppedBy: 'SIGINT' | 'SIGTERM' | undefined
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    stoppedBy = signal
    stop.abort()
  })
}

// No top-level await, because with it the bundler would load code for asynchronous modules in each run.
main(world, args, (host) => {
  discard = () => host.discard()
}).then((status) => {
  isDone = true
  // 128 plus the signal number, as in a shell.
  const stoppedStatus = { SIGINT: 130, SIGTERM: 143 } as const
  process.exitCode = status === 0 || stoppedBy === undefined ? status : stoppedStatus[stoppedBy]
  // Everything is written now. Without this call, Node would wait for connections that a proxy keeps open, and free its
  // memory first.
  process.exit()
})
