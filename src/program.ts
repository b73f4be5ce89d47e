import { failureScript } from './evaluated.ts'
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
    process.stderr.write('error: bitbucket-token ended before its work was done.\n')
  }
  const script = status === 0 ? '' : failureScript(args, status)
  if (script === '' || world.isTerminal('stdout')) return
  try {
    world.stdout(script)
  } catch {
    // Nobody reads stdout, so nobody evaluates it.
  }
})
/** Takes back what the run has made: an exit status that is not 0 must mean that nothing is left. */
let discard = () => {}
process.once('uncaughtException', (error) => {
  isDone = true
  try {
    discard()
  } catch {
    // The error that ends the run is the one to tell.
  }
  process.stderr.write(`error: bitbucket-token failed: ${error.name}.\n`)
  process.exit(1)
})

lookForProgramsOnPathOnly(process)

// tunnel (in @actions/http-client) calls the deprecated Buffer() for a proxy's password. Node would warn on stderr, where
// users cannot do anything about it.
process.noDeprecation = true

// A diagnostic report holds the environment, and so every secret in it (NODE_OPTIONS=--report-on-signal and the like).
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

// Not awaited: each run would load the bundler's machinery for a module that others have to wait for.
main(world, args, (host) => {
  discard = () => host.discard()
}).then((status) => {
  isDone = true
  // 128 and the signal's number, as a shell has it.
  const stoppedStatus = { SIGINT: 130, SIGTERM: 143 } as const
  process.exitCode = status === 0 || stoppedBy === undefined ? status : stoppedStatus[stoppedBy]
  // All is written by now. Ending by itself, node would wait for what some proxy keeps open, and tidy up its heap first.
  process.exit()
})
