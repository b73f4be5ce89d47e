import { beforeAll, describe } from 'vitest'
import { play } from './play.ts'
import { makeStage, type Stage } from './stage.ts'
import { asProcess } from './start.ts'
import { testOfCases } from './suite.ts'
import { groups, hardest, kindNames, modeNames, needsProcess } from './table.ts'

// The program that users run, as a process: every fault once, those that only a process can meet in every way.
// FAULTS=all plays everything so.

let stage: Stage
beforeAll(async () => {
  stage = await makeStage()
})

const most = 4
const isFull = process.env['FAULTS'] === 'all'

describe('dist', () => {
  for (const { title, rows, isMuchAlike } of groups) {
    if (isMuchAlike && !isFull) continue
    testOfCases(title, most, () =>
      rows.flatMap((fault, row) => {
        const isAll = isFull || needsProcess(fault)
        const kinds = isAll ? kindNames : kindNames.filter((_, index) => index === row % kindNames.length)
        const modes = isAll ? modeNames : [hardest]
        return kinds.flatMap((kind) =>
          modes.map((mode) => () => play({ fault, kind, mode }, stage, asProcess)),
        )
      }),
    )
  }
})
