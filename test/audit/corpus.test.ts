import { describe, expect, test } from 'vitest'
import { corpusFiles, expectedFaults, foundFaults, keyOf, precisionOf, recallOf, scores } from './corpus.ts'

const files = corpusFiles()
const faults = expectedFaults()

describe('the corpus', () => {
  test('has at least 150 files with faults and 150 without', () => {
    const ofKind = (kind: string) => files.filter(({ path }) => path.startsWith(kind)).length
    expect(ofKind('findings/')).toBeGreaterThanOrEqual(150)
    expect(ofKind('innocent/')).toBeGreaterThanOrEqual(150)
  })

  test('has a fault in each file of findings/, and none in innocent/', () => {
    const withFault = new Set(faults.map(({ path }) => path))
    expect(files.filter(({ path }) => path.startsWith('findings/') !== withFault.has(path))).toEqual([])
  })

  test('lists each fault once, on a line that exists', () => {
    expect(new Set(faults.map(keyOf)).size).toBe(faults.length)
    const lines = new Map(files.map(({ path, text }) => [path, text.trimEnd().split('\n').length]))
    expect(faults.filter(({ path, line }) => line > (lines.get(path) ?? 0))).toEqual([])
  })
})

describe('the rules', () => {
  const { byRule, all } = scores()

  test.each([all, ...byRule])('find at least 95 % of the faults of: $name', (score) => {
    expect(recallOf(score)).toBeGreaterThanOrEqual(0.95)
  })

  test('are right in at least 98 % of their findings', () => {
    expect(precisionOf(all)).toBeGreaterThanOrEqual(0.98)
  })

  test('give each finding the expected level', () => {
    const levels = new Map(faults.map((fault) => [keyOf(fault), fault.level]))
    const wrong = foundFaults().filter((fault) => (levels.get(keyOf(fault)) ?? fault.level) !== fault.level)
    expect(wrong).toEqual([])
  })
})
