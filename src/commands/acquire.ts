import type { Run } from '../run.ts'
import { choose } from './choose.ts'

/**
 * Gets a working Bitbucket credential and hands it over to the rest of the CI job. If anything fails, it takes everything
 * back.
 */
export async function acquire(run: Run): Promise<void> {
  run.host.prepare()
  const chosen = choose(run)
  // The most frequent failure is a wrong input, and it needs no other step.
  const { discard, handOver, handOverRefreshToken, obtainCredential, prepareCredential, report, verify } =
    await import('./acquire-steps.ts')
  const prepared = await prepareCredential(chosen, run)
  try {
    const credential = await obtainCredential(prepared, run)
    handOverRefreshToken(credential, prepared, run)
    const verified = await verify(credential, prepared.http, run)
    const howToUse = handOver(verified, run)
    report(verified, howToUse, run)
  } catch (error) {
    discard(run.host)
    throw error
  }
}
