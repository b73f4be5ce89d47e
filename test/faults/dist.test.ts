/** @module-tag openssl */
import { beforeAll, describe } from 'vitest'
import { type Fixture, makeFixture } from './fixture.ts'
import { runFault } from './run-case.ts'
import { asProcess } from './start.ts'
import { testOfCases } from './suite.ts'
import { groups, hardest, kindNames, modesIn, needsProcess } from './table.ts'

// Runs `dist` as a process: every fault once, and those that need a process in every mode.
// FAULTS=all runs everything that matrix.test.ts runs, which takes a quarter of an hour.

let fixture: Fixture
beforeAll(async () => {
  fixture = await makeFixture()
})

const concurrency = 4
const runsAll = process.env['FAULTS'] === 'all'

describe('dist', () => {
  for (const group of groups) {
    if (group.areAlike && !runsAll) continue
    testOfCases(group.title, concurrency, () =>
      group.rows.flatMap((fault, row) => {
        const isAll = runsAll || needsProcess(fault)
        const kinds = isAll ? kindNames : kindNames.filter((_, index) => index === row % kindNames.length)
        return kinds.flatMap((kind) =>
          (isAll ? modesIn(group, kind, row) : [hardest]).map(
            (mode) => () => runFault({ fault, kind, mode }, fixture, asProcess),
          ),
        )
      }),
    )
  }
})
