/** @module-tag openssl */
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { hosts } from './hosts.ts'
import { play } from './play.ts'
import { makeStage, type Stage } from './stage.ts'
import { inProcess } from './start.ts'
import { testOfCases } from './suite.ts'
import { groups, hardest, kindNames, modesIn, needsProcess } from './table.ts'

// Every fault, in every way, for every kind of credential: src in this process, on a clock that waits for nothing, with
// debug on. dist.test.ts has what is left to a process.

let stage: Stage
beforeAll(async () => {
  // The machine's own proxy is not in play.
  for (const name of ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY']) delete process.env[name]
  stage = await makeStage()
})
afterAll(() => expect(stage.heardElsewhere(), 'what the other servers heard').toBe(0))

const most = 24

describe('in every way', () => {
  for (const group of groups) {
    const faults = group.rows.filter((fault) => !needsProcess(fault))
    if (faults.length === 0) continue
    testOfCases(group.title, most, () =>
      faults.flatMap((fault, row) =>
        kindNames.flatMap((kind) =>
          modesIn(group, kind, row).map((mode) => () => play({ fault, kind, mode }, stage, inProcess)),
        ),
      ),
    )
  }
})

describe('on other hosts', () => {
  for (const host of Object.keys(hosts).filter((name) => name !== 'github') as (keyof typeof hosts)[]) {
    testOfCases(host, most, () =>
      groups
        .flatMap(({ rows }) => rows.filter((fault) => !needsProcess(fault)))
        .flatMap((fault, index) =>
          // Kind and way go round, so that each fault shows in two ways and each kind meets every sort of fault.
          [hardest, 'once' as const].map((mode, second) => () => {
            const kind = kindNames[(index + second) % kindNames.length] ?? 'client credentials'
            return play({ fault, kind, mode, host }, stage, inProcess)
          }),
        ),
    )
  }
})
