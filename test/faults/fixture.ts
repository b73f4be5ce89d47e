import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { type Certificates, makeAuthority } from './certificates.ts'
import { type Certificate, type Exchange, startFaultServer } from './server.ts'
import type { Fault } from './table.ts'

/** What the cases of a test file share. */
export interface Fixture {
  readonly others: Exchange['others']
  readonly authority: Certificates
  readonly certificates: Readonly<
    Record<NonNullable<Fault['certificate']> | 'bitbucket.invalid', Certificate>
  >
  /** How many requests reached the other servers. */
  readonly strayRequests: () => number
}

/** Makes a private authority, and a server that must receive no request. Both are removed after the test file. */
export async function makeFixture(): Promise<Fixture> {
  const directory = mkdtempSync(join(realpathSync(tmpdir()), 'bitbucket-token-authority-'))
  const authority = makeAuthority(directory)
  const { sign } = authority
  const others = await startFaultServer({
    good: { token: '{}', rest: '{}' },
    others: { port: '', host: '' },
    misbehave: () => undefined,
  })
  afterAll(async () => {
    await others.close()
    rmSync(directory, { recursive: true, force: true })
  })
  return {
    authority,
    others: { port: `http://127.0.0.1:${others.port}`, host: `http://localhost:${others.port}` },
    certificates: {
      good: sign('127.0.0.1'),
      'unknown authority': sign('127.0.0.1', { by: 'stranger' }),
      expired: sign('127.0.0.1', { days: -1 }),
      'other name': sign('bitbucket.org'),
      'bitbucket.invalid': sign('bitbucket.invalid'),
    },
    strayRequests: others.tries,
  }
}
