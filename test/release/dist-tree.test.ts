import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const script = join(import.meta.dirname, '../../scripts/release/dist-tree.ts')
const paths = ['README.md', 'dist', 'dist/index.js', 'dist/17.index.js', 'dist/a/b', 'src/main.ts', ''].join(
  '\n',
)

function treeOf(files: Readonly<Record<string, string>>, change: (built: string) => void = () => {}) {
  const built = temporaryDirectory()
  for (const [name, content] of Object.entries(files)) writeFileSync(join(built, name), content)
  change(built)
  const { stdout, stderr, status } = spawnSync(process.execPath, [script, built, 'abc'], {
    input: paths,
    encoding: 'utf8',
  })
  return { tree: stdout === '' ? undefined : JSON.parse(stdout), stderr, status }
}

const good = { 'index.js': 'new();', '4.index.js': 'more();', 'package.json': '{}', 'licenses.txt': 'MIT' }

describe('the dist of an update', () => {
  test('replaces the old dist, and changes nothing else', () => {
    expect(treeOf(good)).toEqual({
      tree: {
        base_tree: 'abc',
        tree: [
          { path: 'dist/4.index.js', mode: '100644', type: 'blob', content: 'more();' },
          { path: 'dist/index.js', mode: '100755', type: 'blob', content: 'new();' },
          { path: 'dist/licenses.txt', mode: '100644', type: 'blob', content: 'MIT' },
          { path: 'dist/package.json', mode: '100644', type: 'blob', content: '{}' },
          { path: 'dist/17.index.js', mode: '100644', type: 'blob', sha: null },
        ],
      },
      stderr: '',
      status: 0,
    })
  })

  test('may have all file names that a build produces', () => {
    const names = readdirSync(join(import.meta.dirname, '../../dist'))
    expect(treeOf(Object.fromEntries(names.map((name) => [name, name])))).toMatchObject({
      stderr: '',
      status: 0,
    })
  })

  test.each<[string, Record<string, string>, (built: string) => void, string]>([
    ['a file of another type', { ...good, 'run.sh': '' }, () => {}, '"run.sh" is not a plain file'],
    ['a hidden file', { ...good, '.npmrc': '' }, () => {}, '".npmrc" is not a plain file'],
    [
      'a name with a path in it',
      { ...good, '..\\index.js': '' },
      () => {},
      '"..\\\\index.js" is not a plain file',
    ],
    [
      'a directory',
      good,
      (built) => mkdirSync(join(built, '5.index.js')),
      '"5.index.js" is not a plain file',
    ],
    [
      'a link',
      good,
      (built) => symlinkSync('/etc/hostname', join(built, '5.index.js')),
      '"5.index.js" is not a plain file',
    ],
    ['no program', { 'package.json': '{}' }, () => {}, 'index.js is missing'],
    ['too much', { ...good, 'index.js': 'x'.repeat(600_000) }, () => {}, 'the files have 600'],
  ])('is refused with %s', (_, files, change, why) => {
    const { tree, stderr, status } = treeOf(files, change)
    expect([tree, status]).toEqual([undefined, 1])
    expect(stderr).toContain(`Not committed: ${why}`)
  })
})
