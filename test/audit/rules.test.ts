import { describe, expect, test } from 'vitest'
import { rules } from '../../src/audit/rules/index.ts'
import { type Hit, scan } from '../../src/audit/scan.ts'
import { planted } from './planted.ts'

const hitsIn = (path: string, text: string): readonly Hit[] =>
  scan(Buffer.from(path), Buffer.from(text), rules).hits
const places = (hits: readonly Hit[]) => hits.map(({ rule, line, column }) => `${rule.id} ${line}:${column}`)

describe('finds', () => {
  test.each(planted)('$rule $kind', ({ rule, path, text, at }) => {
    expect(places(hitsIn(path, text))).toEqual(at.map((place) => `${rule} ${place}`))
  })

  test('something for every rule', () => {
    expect(new Set(planted.map(({ rule }) => rule))).toEqual(new Set(rules.map(({ id }) => id)))
  })
})
