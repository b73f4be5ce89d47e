import { TokenError } from '../errors.ts'
import type { World } from '../world.ts'
import { type Attempts, timeForConsent } from './attempts.ts'
import type { ConsentServer } from './consent-server.ts'

/**
 * Waits until the token is saved and the user has seen the result.
 * @throws {TokenError} `no-consent` if nobody grants access in time, `interrupted`; otherwise what `receive` throws
 */
export async function waitForConsent(
  { finished, received }: ConsentServer,
  attempts: Attempts,
  world: World,
): Promise<void> {
  const done = new AbortController()
  try {
    await Promise.race([
      finished,
      timeOut(attempts, AbortSignal.any([done.signal, received]), world),
      rejectWhenStopped(received, world),
    ])
  } finally {
    done.abort()
  }
}

/** The longest wait in milliseconds. Each press of the button extends the wait, and a program could press it forever. */
const maxWait = 6 * timeForConsent

/** Rejects when nobody has come back for ten minutes. Never settles after an answer has arrived. */
async function timeOut(attempts: Attempts, noLonger: AbortSignal, world: World): Promise<never> {
  const begun = world.elapsed()
  try {
    for (;;) {
      const end = Math.min(attempts.end ?? begun + timeForConsent, begun + maxWait)
      const left = end - world.elapsed()
      if (left <= 0) break
      await world.sleep(left, noLonger)
    }
  } catch {
    return new Promise(() => {})
  }
  throw new TokenError(
    'no-consent',
    'Timed out: nobody granted access within ten minutes.',
    'Run it again, and press the button on Bitbucket’s page within ten minutes.',
  )
}

function rejectWhenStopped(received: AbortSignal, { stop: stopped }: World): Promise<never> {
  return new Promise((_, reject) => {
    const stop = () => {
      const before = received.aborted ? 'the token was saved' : 'anybody granted access'
      reject(new TokenError('interrupted', `Stopped before ${before}.`, 'Run it again.'))
    }
    if (stopped.aborted) stop()
    stopped.addEventListener('abort', stop, { once: true })
  })
}
