/** @module-tag openssl */
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { type Fixture, makeFixture } from './fixture.ts'
import { hosts } from './hosts.ts'
import { runFault } from './run-case.ts'
import { inProcess } from './start.ts'
import { testOfCases } from './suite.ts'
import { groups, hardest, kindNames, modesIn, needsProcess } from './table.ts'

// Runs every fault in every mode with every kind of credential: src in this process, with debug on and a clock that never
// waits. dist.test.ts has the faults that need a process.

let fixture: Fixture
beforeAll(async () => {
  // The requests must not use the machine's own proxy.
  for (const name of ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY']) delete process.env[name]
  fixture = await makeFixture()
})
afterAll(() => expect(fixture.strayRequests(), 'requests to the other servers').toBe(0))

const concurrency = 24

describe('every fault in every mode', () => {
  for (const group of groups) {
    const faults = group.rows.filter((fault) => !needsProcess(fault))
    if (faults.length === 0) continue
    testOfCases(group.title, concurrency, () =>
      faults.flatMap((fault, row) =>
        kindNames.flatMap((kind) =>
          modesIn(group, kind, row).map((mode) => () => runFault({ fault, kind, mode }, fixture, inProcess)),
        ),
      ),
    )
  }
})

describe('every fault on other CIs', () => {
  for (const host of Object.keys(hosts).filter((name) => name !== 'github') as (keyof typeof hosts)[]) {
    testOfCases(host, concurrency, () =>
      groups
        .flatMap(({ rows }) => rows.filter((fault) => !needsProcess(fault)))
        .flatMap((fault, index) =>
          // The kinds take turns, so each fault occurs in two modes and each kind meets every sort of fault.
          [hardest, 'once' as const].map((mode, second) => () => {
            const kind = kindNames[(index + second) % kindNames.length] ?? 'client credentials'
            return runFault({ fault, kind, mode, host }, fixture, inProcess)
          }),
        ),
    )
  }
})
