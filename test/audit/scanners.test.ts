import { expect, test } from 'vitest'
import { rules } from '../../src/audit/rules/index.ts'
import { scan } from './scan.ts'
import { vectors } from './scanners.ts'

test.each(vectors)('$scanner: $rule ($because)', ({ line, rule }) => {
  const { hits } = scan(Buffer.from('config/settings'), Buffer.from(`# Bitbucket\n${line}\n`), rules)
  expect(hits.map((hit) => hit.rule.id)).toEqual(rule === undefined ? [] : [rule])
})
