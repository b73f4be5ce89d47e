import { spawnSync } from 'node:child_process'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { notesOf, withRelease } from '../../scripts/release/changelog.ts'
import { compareVersions, isVersion } from '../../scripts/release/version.ts'
import { git } from '../support/git.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const root = join(import.meta.dirname, '../..')

test.each(['1.2.3', '0.0.0', '10.20.30'])('%s is a version', (text) => expect(isVersion(text)).toBe(true))

test.each(['', '1', '1.2', 'v1.2.3', '1.2.3-rc.1', '1.2.3+5', '01.2.3', '1.2.3 ', '1.2.3\n', 'latest'])(
  '"%s" is not a version',
  (text) => expect(isVersion(text)).toBe(false),
)

test('compares versions as numbers, starting with the first part', () => {
  const sorted = ['0.9.10', '1.0.0', '1.2.9', '1.2.10', '1.10.0', '2.0.0', '10.0.0']
  expect([...sorted].reverse().sort(compareVersions)).toEqual(sorted)
  expect(compareVersions('1.2.3', '1.2.3')).toBe(0)
})

const changelog = `# Changes

Some words.

## Unreleased

- New.
  And more of it.

## 1.1.0 (2026-10-01)

- Old.
`

describe('the changelog', () => {
  test('replaces "Unreleased" by the version and date, and keeps the rest', () => {
    expect(withRelease(changelog, '1.2.0', '2026-11-21')).toBe(
      changelog.replace('## Unreleased', '## 1.2.0 (2026-11-21)'),
    )
  })

  test.each([
    ['has no changes', changelog.replace(/- New.\n.*\n/, ''), '1.2.0', 'nothing under'],
    [
      'has no unreleased section',
      changelog.replace('## Unreleased', '### Unreleased'),
      '1.2.0',
      'no "## Unreleased"',
    ],
    ['already has the version', changelog, '1.1.0', '1.1.0 is already released, and 1.1.0 is not newer'],
    ['has a newer version', changelog, '1.0.9', '1.1.0 is already released, and 1.0.9 is not newer'],
  ])('that %s is refused', (_, text, version, why) => {
    expect(() => withRelease(text, version, '2026-11-21')).toThrow(why)
  })

  test('has the changes of each version', () => {
    expect(notesOf(withRelease(changelog, '1.2.0', '2026-11-21'), '1.2.0')).toBe('- New.\n  And more of it.')
    expect(notesOf(changelog, '1.1.0')).toBe('- Old.')
    expect(notesOf(changelog, '1.1')).toBe('')
    expect(notesOf(changelog, '9.9.9')).toBe('')
  })
})

/** Makes a repository with the files that the scripts read before they write anything. */
function clone() {
  const path = temporaryDirectory()
  const edit = (name: string, change: (text: string) => string) =>
    writeFileSync(join(path, name), change(readFileSync(join(path, name), 'utf8')))
  for (const name of ['scripts/release', 'package.json'])
    cpSync(join(root, name), join(path, name), { recursive: true })
  edit('package.json', (text) => text.replace(/"version": ".*"/, '"version": "1.1.0"'))
  writeFileSync(join(path, 'CHANGELOG.md'), changelog)
  git(path, 'init', '--quiet')
  const commit = () => {
    git(path, 'add', '--all')
    git(path, 'commit', '--quiet', '--message', 'all of it')
  }
  commit()
  const script = (name: string, ...args: string[]) => {
    const file = join(path, 'scripts/release', name)
    const { stdout, stderr, status } = spawnSync(process.execPath, [file, ...args], { encoding: 'utf8' })
    return { stdout, stderr, status }
  }
  return { path, edit, commit, script }
}

type Clone = ReturnType<typeof clone>

describe('prepare.ts refuses', () => {
  test.each<[string, string[], (clone: Clone) => void, string]>([
    ['a missing version', [], () => {}, '"" is not a version such as 1.2.3'],
    ['a tag instead of a version', ['v1.2.3'], () => {}, '"v1.2.3" is not a version such as 1.2.3'],
    ['a date of another format', ['1.2.3', '21.11.2026'], () => {}, '"21.11.2026" is not a date'],
    ['an older version', ['1.0.9'], () => {}, 'package.json is at 1.1.0, and 1.0.9 is older'],
    ['a released version', ['1.1.0'], () => {}, '1.1.0 is already released, and 1.1.0 is not newer'],
    [
      'a version that has a tag',
      ['1.2.3'],
      ({ path }) => git(path, 'tag', 'v1.2.3'),
      'the tag v1.2.3 already exists',
    ],
    [
      'a tree with changes',
      ['1.2.3'],
      ({ edit }) => edit('package.json', (text) => `${text}\n`),
      'the working tree has uncommitted changes: commit them first',
    ],
    [
      'a tree with new files',
      ['1.2.3'],
      ({ path }) => writeFileSync(join(path, 'new'), ''),
      'the working tree has uncommitted changes: commit them first',
    ],
    [
      'a release without changes',
      ['1.2.3'],
      ({ edit, commit }) => {
        edit('CHANGELOG.md', (text) => text.replace(/- New.\n.*\n/, ''))
        commit()
      },
      'CHANGELOG.md has nothing under "## Unreleased"',
    ],
  ])('%s, and writes nothing', (_, args, change, why) => {
    const copy = clone()
    change(copy)
    const before = git(copy.path, 'status', '--porcelain')
    const { stderr, status } = copy.script('prepare.ts', ...args)
    expect(stderr).toContain(`Not prepared: ${why}`)
    expect(status).toBe(1)
    expect(git(copy.path, 'status', '--porcelain')).toBe(before)
  })
})

describe('the notes of a release', () => {
  test('are its section of the changelog', () => {
    expect(clone().script('notes.ts', 'v1.1.0')).toEqual({ stdout: '- Old.\n', stderr: '', status: 0 })
  })

  test.each([
    ['v1.2.0', 'The tag is "v1.2.0", but package.json is at 1.1.0.\n'],
    ['1.1.0', 'The tag is "1.1.0", but package.json is at 1.1.0.\n'],
  ])('refuse the tag %s', (tag, stderr) => {
    expect(clone().script('notes.ts', tag)).toEqual({ stdout: '', stderr, status: 1 })
  })

  test('refuse a version that the changelog does not have', () => {
    const { edit, script } = clone()
    edit('CHANGELOG.md', (text) => text.replace('1.1.0', '1.0.0'))
    expect(script('notes.ts', 'v1.1.0')).toMatchObject({
      stderr: 'CHANGELOG.md has no section for 1.1.0. Run: npx node scripts/release/prepare.ts 1.1.0\n',
      status: 1,
    })
  })
})
