/** @module-tag git */
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  lchownSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { messageOf } from '../../src/errors.ts'
import { trackedFile } from '../../src/git/tracked.ts'
import { trustedUsers } from '../../src/untrusted-file.ts'
import { git } from '../support/git.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

/** Creates a repository that tracks these files. */
function repository(files: readonly string[], ...how: readonly string[]): string {
  const path = join(temporaryDirectory(), 'repo')
  mkdirSync(path)
  git(path, 'init', '-q', ...how)
  add(path, ['README.md', ...files])
  return path
}

function add(repo: string, files: readonly string[]): void {
  for (const file of files) {
    mkdirSync(dirname(join(repo, file)), { recursive: true })
    writeFileSync(join(repo, file), 'content')
  }
  git(repo, 'add', '--force', ...files)
  git(repo, 'commit', '-q', '-m', 'files')
}

function find(path: string, owners = trustedUsers()): { found: string | undefined; unread: string[] } {
  const unread: string[] = []
  return {
    found: trackedFile(path, owners, (index, error) => unread.push(`${index}: ${messageOf(error)}`)),
    unread,
  }
}

const tracked = (repo: string, path = '.bitbucket-token') => {
  const { found, unread } = find(join(repo, path))
  expect(unread).toEqual([])
  return found
}

/** Names next to it in the order of an index, some of them long. */
const neighbours = [
  '.bitbucket-token-not/env.sh',
  '.bitbucket-token.txt',
  '.bitbucket/token',
  `deep/${'x'.repeat(200)}/.bitbucket-token/env.sh`,
  ...Array.from({ length: 50 }, (_, index) => `src/${'f'.repeat(index + 1)}`),
]

describe.each([2, 3, 4])('an index of version %i', (version) => {
  const inVersion = (files: readonly string[], ...how: readonly string[]) => {
    const repo = repository(files, ...how)
    // git writes version 3 only if an entry needs its flags.
    if (version === 3) git(repo, 'update-index', '--skip-worktree', 'README.md')
    else git(repo, 'update-index', '--index-version', String(version))
    return repo
  }

  test.each(['env.sh', 'git-credentials', 'refresh-token', 'deep/er'])('contains %s', (name) => {
    const repo = inVersion([...neighbours, `.bitbucket-token/${name}`])
    expect(tracked(repo)).toBe(join(repo, '.bitbucket-token', name))
  })

  test('contains no such file', () => {
    expect(tracked(inVersion(neighbours))).toBeUndefined()
  })

  test('with SHA-256', () => {
    expect(tracked(inVersion(neighbours, '--object-format=sha256'))).toBeUndefined()
    const repo = inVersion([...neighbours, '.bitbucket-token/env.sh'], '--object-format=sha256')
    expect(tracked(repo)).toBe(join(repo, '.bitbucket-token/env.sh'))
  })

  test('split into two files', () => {
    const repo = inVersion([...neighbours, '.bitbucket-token/env.sh'])
    git(repo, 'update-index', '--split-index')
    writeFileSync(join(repo, 'new'), '')
    git(repo, 'add', 'new')
    expect(tracked(repo)).toBe(join(repo, '.bitbucket-token/env.sh'))
    expect(tracked(repo, 'elsewhere')).toBeUndefined()
    git(repo, 'rm', '-q', '--cached', '.bitbucket-token/env.sh')
    git(repo, 'update-index', '--no-split-index')
    expect(tracked(repo)).toBeUndefined()
  })
})

describe('a tracked file is found', () => {
  test('behind paths that are too long for the length in their flags', () => {
    const repo = repository(['.bitbucket-token/env.sh'])
    const id = git(repo, 'rev-parse', 'HEAD:README.md').trim()
    for (const length of [4_094, 4_095, 4_200])
      git(repo, 'update-index', '--add', '--cacheinfo', `100644,${id},${'-'.repeat(length)}`)
    expect(tracked(repo)).toBe(join(repo, '.bitbucket-token/env.sh'))
  })

  test('if the file or its directory was deleted', () => {
    const repo = repository(['.bitbucket-token/env.sh'])
    rmSync(join(repo, '.bitbucket-token'), { recursive: true })
    expect(tracked(repo)).toBe(join(repo, '.bitbucket-token/env.sh'))
  })

  test('if it is added and not yet committed', () => {
    const repo = repository([])
    mkdirSync(join(repo, '.bitbucket-token'))
    writeFileSync(join(repo, '.bitbucket-token/env.sh'), '')
    git(repo, 'add', '--intent-to-add', '.bitbucket-token/env.sh')
    expect(tracked(repo)).toBe(join(repo, '.bitbucket-token/env.sh'))
  })

  test('in a subdirectory, even if it does not exist yet', () => {
    const repo = repository(['a/b/secret/env.sh'])
    expect(tracked(repo, 'a/b/secret')).toBe(join(repo, 'a/b/secret/env.sh'))
    expect(tracked(repo, 'b/secret')).toBeUndefined()
    rmSync(join(repo, 'a'), { recursive: true })
    expect(tracked(repo, 'a/b/secret')).toBe(join(repo, 'a/b/secret/env.sh'))
  })

  test('if the directory itself is a tracked file or a submodule', () => {
    const repo = repository(['.bitbucket-token'])
    expect(tracked(repo)).toBe(join(repo, '.bitbucket-token'))
    const outer = repository([])
    git(outer, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', repo, 'module')
    expect(tracked(outer, 'module')).toBe(join(outer, 'module'))
  })

  test('in a worktree and in a submodule, where .git is a file', () => {
    const repo = repository(['.bitbucket-token/env.sh'])
    git(repo, 'worktree', 'add', '-q', '../tree')
    const tree = join(dirname(repo), 'tree')
    expect(tracked(tree)).toBe(join(tree, '.bitbucket-token/env.sh'))
    const outer = repository([])
    git(outer, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', repo, 'module')
    expect(tracked(outer, 'module/.bitbucket-token')).toBe(join(outer, 'module/.bitbucket-token/env.sh'))
  })

  test('through a link to the clone, and if .git is a link', () => {
    const repo = repository(['.bitbucket-token/env.sh'])
    const link = join(dirname(repo), 'link')
    symlinkSync(repo, link)
    expect(tracked(link)).toBe(join(repo, '.bitbucket-token/env.sh'))
    renameSync(join(repo, '.git'), join(dirname(repo), 'elsewhere'))
    symlinkSync('../elsewhere', join(repo, '.git'))
    expect(tracked(repo)).toBe(join(repo, '.bitbucket-token/env.sh'))
  })

  test('in a repository that contains the nearest one', () => {
    const outer = repository(['inner/.bitbucket-token/env.sh'])
    git(join(outer, 'inner'), 'init', '-q')
    expect(tracked(join(outer, 'inner'))).toBe(join(outer, 'inner/.bitbucket-token/env.sh'))
  })
})

describe('an invalid index is ignored', () => {
  test.each([
    ['a FIFO', 'not a regular file', (index: string) => execFileSync('mkfifo', [index])],
    ['an endless device', 'a link', (index: string) => symlinkSync('/dev/zero', index)],
    ['a directory', 'not a regular file', (index: string) => mkdirSync(index)],
    ['cut', 'damaged', (index: string) => writeFileSync(index, 'DIRC\0\0\0\u0002\0\0\0\u0009abc')],
    ...[
      ['an index of a later version', 'DIRC\0\0\0\u0005\0\0\0\u0000'],
      ['an index of the first version', 'DIRC\0\0\0\u0001\0\0\0\u0000'],
      ['another kind of file', 'NONE\0\0\0\u0002\0\0\0\u0000'],
      ['too short', 'DIRC\0\0\0\u0002\0\0\0'],
      ['empty', ''],
    ].map(
      ([name = '', text = '']) =>
        [name, 'not an index of a known version', (index: string) => writeFileSync(index, text)] as const,
    ),
  ] as const)('%s', (_, reason, make) => {
    const repo = repository(['.bitbucket-token/env.sh'])
    rmSync(join(repo, '.git/index'))
    make(join(repo, '.git/index'))
    const { found, unread } = find(join(repo, '.bitbucket-token'))
    expect(found).toBeUndefined()
    expect(unread).toEqual([expect.stringMatching(`^${join(repo, '.git/index')}: it is ${reason}`)])
  })

  test.each(['gitdir: /nowhere', 'gitdir: ../../..', 'gitdir: /dev/zero', 'gitdir: \0', 'nonsense', ''])(
    'a .git file with %j',
    (text) => {
      const directory = temporaryDirectory()
      writeFileSync(join(directory, '.git'), text)
      expect(find(join(directory, '.bitbucket-token')).found).toBeUndefined()
    },
  )

  test('a .git file that names a repository in a later line or word', () => {
    const repo = repository(['.bitbucket-token/env.sh'])
    renameSync(join(repo, '.git'), join(repo, 'elsewhere'))
    for (const before of ['see ', 'see\n']) {
      writeFileSync(join(repo, '.git'), `${before}gitdir: elsewhere\n`)
      expect(find(join(repo, '.bitbucket-token'))).toEqual({ found: undefined, unread: [] })
    }
  })

  test('a .git that is a FIFO or an endless device', () => {
    for (const make of [
      (path: string) => execFileSync('mkfifo', [path]),
      (path: string) => symlinkSync('/dev/zero', path),
    ]) {
      const directory = temporaryDirectory()
      make(join(directory, '.git'))
      expect(find(join(directory, '.bitbucket-token')).found).toBeUndefined()
    }
  })

  test('a directory that is no longer a repository', () => {
    const repo = repository(['.bitbucket-token/env.sh'])
    appendFileSync(join(repo, '.git/index'), 'more')
    expect(tracked(repo)).toBe(join(repo, '.bitbucket-token/env.sh'))
    rmSync(join(repo, '.git/index'))
    expect(find(join(repo, '.bitbucket-token'))).toEqual({ found: undefined, unread: [] })
  })
})

describe("another user's repository", { tags: ['root'] }, () => {
  test("is not read through a link that is another user's", () => {
    const repo = repository(['.bitbucket-token/env.sh'])
    renameSync(join(repo, '.git'), join(repo, 'elsewhere'))
    symlinkSync('elsewhere', join(repo, '.git'))
    expect(find(join(repo, '.bitbucket-token')).found).toBeDefined()
    lchownSync(join(repo, '.git'), 1000, 1000)
    expect(find(join(repo, '.bitbucket-token')).found).toBeUndefined()
  })

  test.each(['.git', '.git/index'])(
    'is not read if %s belongs to them, unless they are trusted',
    (theirs) => {
      const repo = repository(['.bitbucket-token/env.sh'])
      lchownSync(join(repo, theirs), 1000, 1000)
      expect(find(join(repo, '.bitbucket-token')).found).toBeUndefined()
      expect(find(join(repo, '.bitbucket-token'), [0, 1000]).found).toBeDefined()
    },
  )
})
