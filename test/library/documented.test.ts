import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'

const src = join(import.meta.dirname, '../../src')

/** Lists what an index exports: each name and the file that it comes from. */
function exportsOf(index: string): (readonly [name: string, file: string])[] {
  const text = readFileSync(join(src, index), 'utf8')
  return [...text.matchAll(/^export (?:type )?\{([^}]*)\} from '([^']+)'/gm)].flatMap(
    ([, names = '', file = '']) =>
      names
        .split(',')
        .map((name) => name.trim().replace(/^type /, ''))
        .filter(Boolean)
        .map((name) => [name, join(src, index, '..', file)] as const),
  )
}

describe.each(['library/index.ts', 'testing/index.ts'])('the exports of %s', (index) => {
  const names = exportsOf(index)
  test('are more than a few', () => expect(names.length).toBeGreaterThan(5))

  test.each(names)('%s has a docstring', (name, file) => {
    const declaration = new RegExp(
      String.raw`\*/\nexport (?:(?:async )?(?:function|class|interface|type|const) ${name}\b|type \{ \w+ as ${name} \})`,
    )
    // The sandbox's index exports what another file of its module declares.
    const files = readdirSync(dirname(file)).filter((one) => one.endsWith('.ts'))
    const room = files.map((one) => readFileSync(join(dirname(file), one), 'utf8'))
    expect(room.filter((text) => declaration.test(text))).toHaveLength(1)
  })
})
