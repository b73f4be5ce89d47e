import { spawnSync } from 'node:child_process'
import { revealed, type Secret } from '../secret.ts'

/**
 * The input of a process besides its arguments. Secrets belong here, because everybody on the machine can read
 * arguments.
 */
export interface ProcessInput {
  readonly stdin?: Secret
  readonly env: Readonly<Record<string, string | Secret | undefined>>
}

/** Runs a CI's own tool and waits for it. @returns whether it succeeded; false if the tool is missing */
export type RunProcess = (command: string, args: readonly string[], input: ProcessInput) => boolean

/** Runs a tool and discards its output, which could repeat secrets. */
export const runProcess: RunProcess = (command, args, { stdin, env }) => {
  const { status } = spawnSync(command, args, {
    input: stdin?.reveal() ?? '',
    env: Object.fromEntries(
      Object.entries(env).map(([name, value]) => [name, value === undefined ? undefined : revealed(value)]),
    ),
    stdio: ['pipe', 'ignore', 'ignore'],
    timeout: 10_000,
  })
  return status === 0
}
