import { expect } from 'vitest'
import { closedPort } from '../../support/loopback.ts'
import type { Bitbucket } from './bitbucket.ts'
import { killSwitch } from './program.ts'
import { runShell, type ShellRun, type ShellStep } from './shell.ts'

/** A running `bitbucket-token authorize` that waits for a person. */
export interface Authorizing {
  /** The address of its page: `http://localhost:<port>`. */
  readonly origin: string
  readonly callback: string
  readonly ended: Promise<ShellRun>
  readonly kill: (signal: NodeJS.Signals) => void
}

/** Starts it with a consumer that has the right callback URL, and waits until it listens. */
export async function startAuthorizing(
  bitbucket: Bitbucket,
  { args = [], inputs = {}, ...step }: Partial<ShellStep> = {},
): Promise<Authorizing> {
  const origin = `http://localhost:${await closedPort()}`
  const callback = `${origin}/oauth-callback`
  const consumer = bitbucket.issue('consumer', { callback })
  const { onStart, kill } = killSwitch()
  let listens = () => {}
  const ready = new Promise<void>((resolve) => {
    listens = resolve
  })
  const ended = runShell({
    ...step,
    bitbucket,
    inputs: { 'client-id': consumer.clientId, 'client-secret': consumer.clientSecret, ...inputs },
    args: ['authorize', '--callback', callback, ...args],
    onStart,
    onStderr: (said) => {
      if (said.includes(`Open ${origin}/ in a browser`)) listens()
    },
  })
  const early = await Promise.race([ready, ended])
  if (early !== undefined) throw new Error(`authorize ended too early: ${early.stderr}`)
  return { origin, callback, ended, kill }
}

/** Returns what the program wrote to stderr, with its addresses replaced by names. */
export const saidBy = ({ stderr }: ShellRun, { origin }: Authorizing): string =>
  stderr
    .replaceAll(origin, '<origin>')
    .replaceAll(new URL(origin).port, '<port>')
    .replaceAll(/127\.0\.0\.1:\d+/g, '<sandbox>')

export function expectDone(run: ShellRun): void {
  expect([run.status, run.stderr]).toEqual([0, expect.stringContaining('Access was granted.')])
}
