import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { filesOfClone } from '../../src/audit/files.ts'
import { rules } from '../../src/audit/rules/index.ts'
import { scan } from '../../src/audit/scan.ts'
import { root } from '../metadata/files.ts'

const { signal: stop } = new AbortController()

test('this repository has nothing to find but the made-up secrets of its tests', async () => {
  const found: string[] = []
  for await (const path of filesOfClone({ directory: root, env: process.env, stop })) {
    const name = path.toString()
    // What is built is made of src/; a link leads to something that is looked at itself.
    if (/^(?:test|dist)\//.test(name)) continue
    for (const { rule, line } of scan(path, readFileSync(join(root, name)), rules).hits) {
      found.push(`${rule.id} ${name}:${line}`)
    }
  }
  expect(found).toEqual([])
})
