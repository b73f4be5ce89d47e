#!/usr/bin/env node
import { main } from './main.ts'
import { lookForProgramsOnPathOnly } from './windows.ts'
import { processWorld } from './world.ts'

// When nothing is left to wait for, node ends, even in the middle of an `await`, with status 0; that it must not be.
let isDone = false
process.once('exit', () => {
  if (isDone) return
  process.exitCode = 1
  process.stderr.write('error: bitbucket-token ended before its work was done.\n')
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

// A diagnostic report holds the environment, and so every secret in it (NODE_OPTIONS=--report-on-signal and the like).
if (process.report !== undefined) {
  process.report.reportOnSignal = false
  process.report.reportOnFatalError = false
  process.report.reportOnUncaughtException = false
}

const stop = new AbortController()
let stoppedBy: 'SIGINT' | 'SIGTERM' | undefined
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    stoppedBy = signal
    stop.abort()
  })
}

// Not awaited: each run would load the bundler's machinery for a module that others have to wait for.
main(processWorld(process, stop.signal), process.argv.slice(2), (host) => {
  discard = () => host.discard()
}).then((status) => {
  isDone = true
  // 128 and the signal's number, as a shell has it.
  const stoppedStatus = { SIGINT: 130, SIGTERM: 143 } as const
  process.exitCode = status === 0 || stoppedBy === undefined ? status : stoppedStatus[stoppedBy]
  // All is written by now. Ending by itself, node would wait for what some proxy keeps open, and tidy up its heap first.
  process.exit()
})
