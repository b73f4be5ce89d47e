/** @module-tag git */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { excludeFromGit } from '../../src/git/exclude.ts'
import { git, gitEnvironment } from '../support/git.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

/** A repository with one commit. */
function repository(path = join(temporaryDirectory(), 'repo')): string {
  mkdirSync(path, { recursive: true })
  git(path, 'init', '-q')
  git(path, 'commit', '-q', '--allow-empty', '-m', 'first')
  return path
}

/** Makes a directory with a secret in it, and leaves it out of git. */
function exclude(directory: string): string | undefined {
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, 'env.sh'), 'secret')
  return excludeFromGit(directory)
}

/** What git would take along, of files it does not know. */
const untracked = (cwd: string) => git(cwd, 'status', '--porcelain', '--untracked-files=all')

/** Those of these paths that git ignores, by its own word. */
function ignored(cwd: string, paths: readonly string[]): string[] {
  const { stdout, stderr } = spawnSync('git', ['check-ignore', '--stdin', '-z'], {
    cwd,
    env: gitEnvironment(),
    input: paths.join('\0'),
    encoding: 'utf8',
  })
  expect(stderr).toBe('')
  return stdout.split('\0').slice(0, -1)
}

describe('git does not see the directory', () => {
  test('in a repository', () => {
    const repo = repository()
    expect(exclude(join(repo, '.bitbucket-token'))).toBe(join(repo, '.git/info/exclude'))
    expect(untracked(repo)).toBe('')
    git(repo, 'add', '-A')
    expect(git(repo, 'diff', '--cached', '--name-only')).toBe('')
  })

  test('in a subdirectory, and sees one of the same name elsewhere', () => {
    const repo = repository()
    exclude(join(repo, 'a/b/secret'))
    mkdirSync(join(repo, 'secret'))
    writeFileSync(join(repo, 'secret/theirs'), '')
    expect(untracked(repo)).toBe('?? secret/theirs\n')
  })

  test('in a worktree, whose exclude file is that of the repository', () => {
    const repo = repository()
    const tree = join(repo, '../tree')
    git(repo, 'worktree', 'add', '-q', tree)
    expect(exclude(join(tree, '.bitbucket-token'))).toBe(join(repo, '.git/info/exclude'))
    expect(untracked(tree)).toBe('')
  })

  test('in a submodule', () => {
    const inner = repository()
    const outer = repository()
    git(outer, '-c', 'protocol.file.allow=always', 'submodule', 'add', '-q', inner, 'sub')
    git(outer, 'commit', '-q', '-m', 'sub')
    const file = exclude(join(outer, 'sub/.bitbucket-token'))
    expect(file).toBe(join(outer, '.git/modules/sub/info/exclude'))
    expect(untracked(join(outer, 'sub'))).toBe('')
    expect(untracked(outer)).toBe('')
  })

  test('in a clone without templates, where there is no info directory', () => {
    const path = join(temporaryDirectory(), 'repo')
    mkdirSync(path)
    git(path, 'init', '-q', '--template=')
    exclude(join(path, '.bitbucket-token'))
    expect(untracked(path)).toBe('')
  })

  test('whatever characters are in its name, and sees all others', () => {
    const names = [
      ...['with space', ' leading', 'trailing ', 'trailing  ', '#hash', '!bang', 'st*r', 'qu?stion', '[set]'],
      ...['[!a-z]', 'back\\slash', 'trailing\\', 'ünïcode €', '**', '{a,b}', '"quoted"', '~', '$HOME'],
    ]
    const repo = repository()
    for (const name of names) exclude(join(repo, name, '.bitbucket-token'))
    expect(untracked(repo)).toBe('')
    const ours = names.map((name) => `${name}/.bitbucket-token/env.sh`)
    const others = ['stxr', 'quxstion', 's', 'a', 'bang', 'backslash', 'trailing', 'x'].map(
      (name) => `${name}/.bitbucket-token/env.sh`,
    )
    expect(ignored(repo, [...ours, ...others, ...names.map((name) => `${name}/other`)])).toEqual(ours)
  })
})

describe('the exclude file', () => {
  test('names the directory once, however often it is asked to', () => {
    const repo = repository()
    const file = exclude(join(repo, '.bitbucket-token')) ?? ''
    const once = readFileSync(file, 'utf8')
    exclude(join(repo, '.bitbucket-token'))
    expect(readFileSync(file, 'utf8')).toBe(once)
    expect(once).toMatch(/\n\/\.bitbucket-token\/\n$/)
  })

  test.each([
    ['without a line break at its end', '*.log', '*.log\n/.bitbucket-token/\n'],
    ['with the line breaks of Windows', '*.log\r\n', '*.log\r\n/.bitbucket-token/\n'],
    ['that is empty', '', '/.bitbucket-token/\n'],
  ])('%s keeps what stands in it', (_, before, after) => {
    const repo = repository()
    writeFileSync(join(repo, '.git/info/exclude'), before)
    exclude(join(repo, '.bitbucket-token'))
    expect(readFileSync(join(repo, '.git/info/exclude'), 'utf8')).toBe(after)
    expect(untracked(repo)).toBe('')
  })
})

test('outside a repository there is nothing to do', () => {
  const base = temporaryDirectory()
  expect(exclude(join(base, 'a/.bitbucket-token'))).toBeUndefined()
})

test('where .git is not what git reads, nothing is made', () => {
  const base = temporaryDirectory()
  writeFileSync(join(base, '.git'), 'not a gitdir: elsewhere\n')
  expect(exclude(join(base, '.bitbucket-token'))).toBeUndefined()
  expect(readdirSync(base).sort()).toEqual(['.bitbucket-token', '.git'])
})
