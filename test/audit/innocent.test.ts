import { expect, test } from 'vitest'
import { rules } from '../../src/audit/rules/index.ts'
import { innocentTree, publicTrees } from './innocent.ts'
import { scan } from './scan.ts'

test.each(publicTrees.map((tree, seed) => ({ ...tree, seed })))(
  'finds nothing in innocent text of the size of $name: $files files, $bytes bytes',
  ({ files, bytes, seed }) => {
    const found: string[] = []
    let size = 0
    let count = 0
    for (const { path, text } of innocentTree(seed, files, bytes)) {
      const content = Buffer.from(text)
      size += content.length
      count++
      for (const { rule, line } of scan(Buffer.from(path), content, rules).hits) {
        found.push(`${rule.id} ${path}:${line}: ${text.split('\n')[line - 1]?.slice(0, 160)}`)
      }
    }
    expect(found.slice(0, 10)).toEqual([])
    expect(count).toBe(files)
    expect(size).toBeGreaterThan(bytes * 0.9)
  },
)
