import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { FileReader } from '../../src/audit/files.ts'
import { auditedFiles } from '../../src/audit/listing.ts'
import { sizeLimit } from '../../src/audit/scan.ts'
import { git, gitEnvironment } from '../support/git.ts'
import { makeTree, writeTree } from './tree.ts'

const { signal: stop } = new AbortController()

async function namesFrom(paths: AsyncIterable<Buffer>): Promise<string[]> {
  const names: string[] = []
  for await (const path of paths) names.push(path.toString('latin1'))
  return names.sort()
}
const sleep = (milliseconds: number, signal: AbortSignal) => setTimeout(milliseconds, undefined, { signal })
const pause = async () => {}

/** Returns the names of the listed files, and each note with the prefix `note: `. */
async function listed(directory: string, env: Record<string, string>): Promise<string[]> {
  const notes: string[] = []
  const git = { directory, env, stop, sleep }
  const names = await namesFrom(auditedFiles(git, pause, (what) => notes.push(`note: ${what}`)))
  return [...names, ...notes]
}
const inClone = (directory: string) => listed(directory, gitEnvironment())
const withoutGit = async (directory: string) => {
  const names = await listed(directory, { PATH: '/nonexistent' })
  return names.filter((name) => name !== 'note: no clone')
}

/** Patterns of every kind in two directories, with files that match and files that do not. */
const patterned = {
  '.gitignore': '*.log\n/build/\n!keep.log\nsecret-*\n\\#odd\n',
  '.hidden': '',
  'keep.log': '',
  'drop.log': '',
  '#odd': '',
  'build/out.js': '',
  'src/build/out.js': '',
  'src/drop.log': '',
  'src/.gitignore': '!drop.log\n*.tmp\ndeep/**/x\n',
  'src/a.tmp': '',
  'src/deep/y/x': '',
  'src/deep/y/z': '',
  'other/a.tmp': '',
  'other/secret-1/file': '',
  'with space/ä.txt': '',
}

describe('the files of a clone', () => {
  test('are those that git tracks or would add', async () => {
    const root = makeTree(patterned)
    git(root, 'init', '--quiet')
    git(root, 'add', '--force', 'drop.log', 'keep.log')
    expect(await inClone(root)).toEqual(
      [
        ...['#odd', '.gitignore', '.hidden', 'drop.log', 'keep.log', 'other/a.tmp', 'src/.gitignore'],
        ...['src/build/out.js', 'src/deep/y/z', 'src/drop.log', 'with space/ä.txt'],
      ]
        .filter((name) => name !== '#odd')
        .map((name) => Buffer.from(name).toString('latin1'))
        .sort(),
    )
  })

  test('are relative to the audited directory', async () => {
    const root = makeTree({ 'a/b.txt': '', 'c.txt': '', 'a/x.log': '', '.gitignore': '*.log\n' })
    git(root, 'init', '--quiet')
    expect(await inClone(join(root, 'a'))).toEqual(['b.txt'])
  })

  test('are those of the directory, even if a hook of another clone starts the audit', async () => {
    const root = makeTree({ 'a/b.txt': '', 'c.txt': '' })
    const hooked = makeTree({ 'd.txt': '' })
    for (const clone of [root, hooked]) {
      git(clone, 'init', '--quiet')
      git(clone, 'add', '.')
    }
    const seenFromHook = (of: string, directory: string) => {
      const local = { GIT_DIR: join(of, '.git'), GIT_INDEX_FILE: join(of, '.git/index'), GIT_PREFIX: 'x/' }
      return listed(directory, { ...gitEnvironment(), ...local })
    }
    expect(await seenFromHook(root, join(root, 'a'))).toEqual(['b.txt'])
    expect(await seenFromHook(hooked, root)).toEqual(['a/b.txt', 'c.txt'])
  })

  test('are listed once, even if both sides of a merge changed them', async () => {
    const root = makeTree({ 'a.txt': '1' })
    git(root, 'init', '--quiet', '--initial-branch=main')
    const commit = (text: string) => {
      writeTree(root, { 'a.txt': text })
      git(root, 'add', '.')
      git(root, 'commit', '--quiet', '--message', text)
    }
    commit('1')
    git(root, 'checkout', '--quiet', '-b', 'side')
    commit('2')
    git(root, 'checkout', '--quiet', 'main')
    commit('3')
    expect(() => git(root, 'merge', 'side')).toThrow()
    expect(await inClone(root)).toEqual(['a.txt'])
  })

  test('are all files if there is no clone, with a note', async () => {
    const root = makeTree({ 'a.txt': '' })
    expect(await inClone(root)).toEqual(['a.txt', 'note: no clone'])
    expect(await listed(root, { PATH: '/nonexistent' })).toEqual(['a.txt', 'note: no clone'])
  })

  test('are listed without starting a program that the clone’s configuration names', async () => {
    const root = makeTree({ 'a.txt': '' })
    git(root, 'init', '--quiet')
    git(root, 'config', 'core.fsmonitor', `touch ${join(root, 'started')}; false`)
    expect(await inClone(root)).toEqual(['a.txt'])
  })
})

describe('the files below a directory, without git,', () => {
  test('are those that git would add', async () => {
    const root = makeTree(patterned)
    const walked = await withoutGit(root)
    git(root, 'init', '--quiet')
    expect(walked).toEqual(await inClone(root))
    expect(walked).not.toContain('drop.log')
  })

  test('obey the patterns in the directories above, up to the root of the clone', async () => {
    const root = makeTree({
      '.gitignore': '*.log\n',
      'clone/.gitignore': '*.tmp\n',
      'clone/a/b.tmp': '',
      'clone/a/c.log': '',
    })
    git(join(root, 'clone'), 'init', '--quiet')
    expect(await withoutGit(join(root, 'clone/a'))).toEqual(['c.log'])
  })

  test('can have any name, and links are not followed', async () => {
    const root = makeTree({ 'line\nbreak': '', 'a/b': '' })
    writeFileSync(Buffer.concat([Buffer.from(`${root}/not-utf8-`), Buffer.from([0xff])]), '')
    symlinkSync(root, join(root, 'a/circle'))
    const names = ['a/b', 'a/circle', 'line\nbreak', 'not-utf8-\u00ff']
    expect(await withoutGit(root)).toEqual(names)
    git(root, 'init', '--quiet')
    expect(await inClone(root)).toEqual(names)
  })
})

describe('FileReader', () => {
  const read = (root: string, name: string) => {
    const content = new FileReader(root).read(Buffer.from(name))
    return Buffer.isBuffer(content) ? content.toString() : content
  }

  test('returns the whole content', () => {
    const root = makeTree({ a: 'x'.repeat(200_000), empty: '' })
    expect(read(root, 'a')).toBe('x'.repeat(200_000))
    expect(read(root, 'empty')).toBe('')
  })

  test('skips binary files and files larger than the limit', () => {
    const root = makeTree({
      binary: 'PNG\0\u0001',
      huge: Buffer.alloc(sizeLimit + 1, 'a'),
      large: Buffer.alloc(sizeLimit, 'a'),
    })
    expect(read(root, 'binary')).toBe('binary')
    expect(read(root, 'huge')).toBe('too large')
    expect(read(root, 'large')).toHaveLength(sizeLimit)
  })

  test('treats UTF-16 as text, because Windows writes it', () => {
    const root = makeTree({ a: Buffer.from('\ufeffa=b\r\n', 'utf16le') })
    expect(read(root, 'a')).toContain('a\0=\0b')
  })

  test('does not follow links, wait for pipes or fail for missing files', () => {
    const root = makeTree({ a: '' })
    symlinkSync('a', join(root, 'link'))
    symlinkSync('nowhere', join(root, 'dangling'))
    mkdirSync(join(root, 'directory'))
    execFileSync('mkfifo', [join(root, 'pipe')])
    rmSync(join(root, 'a'))
    expect(['link', 'dangling', 'directory', 'pipe', 'a', 'a/b'].map((name) => read(root, name))).toEqual([
      'a link',
      'a link',
      undefined,
      undefined,
      undefined,
      undefined,
    ])
  })
})
