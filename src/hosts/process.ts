import { spawnSync } from 'node:child_process'
import type { Secret } from '../secret.ts'
import { revealed } from './host.ts'

/** What a process gets besides its arguments, which everybody on the machine can read. */
export interface ProcessInput {
  readonly stdin?: Secret
  readonly env: Readonly<Record<string, string | Secret | undefined>>
}

/** Runs a CI's own tool to its end; whether it succeeded. A tool that is not there did not. */
export type RunProcess = (command: string, args: readonly string[], input: ProcessInput) => boolean

/** What the tool prints is dropped: it could repeat what it was given. */
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
