import * as core from '@actions/core'
import type { World } from '../world.ts'

/**
 * Functions of @actions/core that write to the log. The `World` that each takes first writes for it, because core itself
 * writes to process.stdout, which loses what a slow reader has not read when the process exits.
 */
export const setSecret = through(core.setSecret)
export const info = through(core.info)
export const debug = through(core.debug)
export const warning = through(core.warning)
export const error = through(core.error)

function through<Args extends unknown[]>(log: (...args: Args) => void) {
  return (world: World, ...args: Args): void => {
    const stdout = Object.getOwnPropertyDescriptor(process, 'stdout') ?? {}
    // The real process.stdout is not even opened: node would make a pipe non-blocking for every process that shares it.
    Object.defineProperty(process, 'stdout', { configurable: true, value: { write: world.stdout } })
    try {
      log(...args)
    } finally {
      Object.defineProperty(process, 'stdout', stdout)
    }
  }
}
