/** @module-tag openssl */
import { beforeAll, describe } from 'vitest'
import { play } from './play.ts'
import { makeStage, type Stage } from './stage.ts'
import { asProcess } from './start.ts'
import { testOfCases } from './suite.ts'
import { groups, hardest, kindNames, modesIn, needsProcess } from './table.ts'

// The program that users run, as a process: every fault once, those that only a process can meet in every way.
// FAULTS=all plays everything that matrix.test.ts plays so: a quarter of an hour.

let stage: Stage
beforeAll(async () => {
  stage = await makeStage()
})

const most = 4
const isFull = process.env['FAULTS'] === 'all'

describe('dist', () => {
  for (const group of groups) {
    if (group.isMuchAlike && !isFull) continue
    testOfCases(group.title, most, () =>
      group.rows.flatMap((fault, row) => {
        const isAll = isFull || needsProcess(fault)
        const kinds = isAll ? kindNames : kindNames.filter((_, index) => index === row % kindNames.length)
        return kinds.flatMap((kind) =>
          (isAll ? modesIn(group, kind, row) : [hardest]).map(
            (mode) => () => play({ fault, kind, mode }, stage, asProcess),
          ),
        )
      }),
    )
  }
})
