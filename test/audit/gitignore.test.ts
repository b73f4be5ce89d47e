import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isExcluded, lowerCase, parsePatterns } from '../../src/audit/gitignore.ts'
import { git, gitEnvironment } from '../support/git.ts'
import { makeTree, writeTree } from './tree.ts'

const latin1 = (text: string) => Buffer.from(text).toString('latin1')

/** Whether src/audit/gitignore.ts excludes the path. */
function isIgnored(patterns: string, path: string, ignoreCase = false): boolean {
  const parsed = parsePatterns(latin1(patterns), { ignoreCase })
  const names = latin1(path).split('/')
  for (let depth = 1; depth <= names.length; depth++) {
    const isDirectory = depth < names.length
    const part = names.slice(0, depth).map((name) => (ignoreCase ? lowerCase(name) : name))
    if (isExcluded({ depth: 0, ...parsed }, part, isDirectory, { steps: 0 }) === true) return true
  }
  return false
}

/** Returns the paths that git ignores. */
function ignoredByGit(
  root: string,
  patterns: string,
  paths: readonly string[],
  ignoreCase = false,
): string[] {
  writeTree(root, { '.gitignore': patterns })
  try {
    return execFileSync(
      'git',
      ['-c', `core.ignoreCase=${ignoreCase}`, 'check-ignore', '--no-index', '-z', '--stdin'],
      {
        cwd: root,
        env: gitEnvironment(),
        encoding: 'utf8',
        input: paths.map((path) => `${path}\0`).join(''),
      },
    )
      .split('\0')
      .slice(0, -1)
  } catch (error) {
    // Exit status 1 means that git ignores none of them.
    if (error instanceof Error && 'status' in error && error.status === 1) return []
    throw error
  }
}

const paths = [
  ...[
    'a',
    'b',
    'ab',
    'abc',
    'a.b',
    'a-b',
    'A',
    '.a',
    'x',
    'a b',
    'a ',
    ' a',
    '#a',
    '!a',
    'ä',
    'a]',
    '[a',
    '\\a',
    '-',
  ],
  ...[
    'a/b',
    'a/x',
    'a/b/c',
    'b/a',
    'x/a/b',
    'x/y/a',
    'a/x/b',
    'a/x/y/b',
    'x/a/y/b/z',
    'ab/c',
    'a/ab',
    'a/a/a/a',
    'x/*',
  ],
]

describe('patterns match the same paths as in git:', () => {
  test.each([
    ...[
      'a',
      '/a',
      'a/',
      'a/b',
      '/a/b',
      '*',
      '?',
      '*.b',
      'a*',
      '*b*',
      '**',
      '**/',
      '/**',
      '**/a',
      'a/**',
      'a/**/b',
      '**/a/**',
    ],
    ...[
      '***',
      'a**b',
      'a/**b',
      '**a',
      '**/**/b',
      '*/',
      '*/b',
      '/*',
      '/*/b',
      'a//b',
      'a/b/',
      '//',
      '/',
      '!',
      '!a',
      '',
    ],
    ...[
      '*\n!a',
      '*\n!a/\n!*/',
      'a\n!a/b',
      '*.b\n!a.b',
      '#a',
      '\\#a',
      '\\!a',
      'a\\ ',
      'a ',
      'a  ',
      'a\\',
      '\\a',
      '\\\\a',
    ],
    ...[
      '[ab]',
      '[!a]',
      '[^a]',
      '[a-c]',
      '[c-a]',
      '[a',
      '[]a]',
      '[]',
      '[!]a]',
      '[a-]',
      '[-a]',
      '[[:alpha:]]',
      '[[:space:]]b',
    ],
    ...[
      '[[:nope:]]',
      '[[:constructor:]]',
      '[[:alpha:]',
      '[[:',
      '[[a]',
      '[\\]a]',
      '[a\\-c]',
      'a/[b-x]',
      '[a/b]',
      '*[]',
      'a\\/b',
    ],
    ...['\ufeffa', 'a\r', 'a\r\nb\r', 'ä', '?b', '[ä]', '*/**/b', '**/x/**/b', 'x/**/y/**/z', '**/*', '*/**'],
  ])('%j', (patterns) => {
    const root = makeTree()
    git(root, 'init', '--quiet')
    const expected = ignoredByGit(root, patterns, paths)
    expect(paths.filter((path) => isIgnored(patterns, path))).toEqual(expected)
  })

  test.each([
    '[/-[]a',
    '[!/-[]a',
    '[+-C]',
    '[[:upper:]]a',
    '[[:lower:]]a',
    '[^[:upper:]]',
    'A*B',
    '\\Aa',
    '[A]a',
    'ä',
  ])('%j if case is ignored', (patterns) => {
    const root = makeTree()
    git(root, 'init', '--quiet')
    const names = [...paths, 'xa', 'XA', 'aa', '-a', 'Ä', 'AxB']
    const expected = ignoredByGit(root, patterns, names, true)
    expect(names.filter((path) => isIgnored(patterns, path, true))).toEqual(expected)
  })

  test('random patterns', () => {
    const root = makeTree()
    git(root, 'init', '--quiet')
    const piece = fc.constantFrom(
      ...[
        'a',
        'b',
        'x',
        'A',
        '.',
        '/',
        '/',
        '*',
        '*',
        '**',
        '**/',
        '/**/',
        '?',
        '[ab]',
        '[!a]',
        '[',
        ']',
        '-',
        '\\',
        '!',
        ' ',
      ],
    )
    const line = fc
      .array(piece, { minLength: 1, maxLength: 7 })
      .map((pieces) => pieces.join(''))
      // For these, git does not do what gitignore(5) says: it compares the start of a pattern by itself, and treats the rest as
      // the start of a pattern; and `**\\/` needs a directory.
      .filter((line) => !/[^/!]\*\*|\*\*\\/.test(line))
    const text = fc.array(line, { minLength: 1, maxLength: 3 }).map((lines) => `${lines.join('\n')}\n`)
    const path = fc
      .array(fc.string({ unit: fc.constantFrom('a', 'b', 'x', 'A', '.', '-'), minLength: 1, maxLength: 3 }), {
        minLength: 1,
        maxLength: 5,
      })
      .filter((names) => names.every((name) => !/^\.+$/.test(name)))
      .map((names) => names.join('/'))
    fc.assert(
      fc.property(
        text,
        fc.uniqueArray(path, { minLength: 20, maxLength: 40 }),
        fc.boolean(),
        (patterns, some, ignoreCase) => {
          expect(some.filter((one) => isIgnored(patterns, one, ignoreCase))).toEqual(
            ignoredByGit(root, patterns, some, ignoreCase),
          )
        },
      ),
      { numRuns: 150 },
    )
  })
})

describe('patterns that are made to be slow', () => {
  test.each([
    ['a/**/'.repeat(12), Array(60).fill('a').join('/')],
    [`${'a/**/'.repeat(500)}b`, Array(1_000).fill('a').join('/')],
    [`${'*a'.repeat(100)}b`, 'a'.repeat(255)],
    [`${'**/'.repeat(600) + '*a'.repeat(30)}b`, Array(100).fill('a'.repeat(20)).join('/')],
    [`${'[a-z]*'.repeat(200)}Z`, 'a'.repeat(255)],
  ])('take a bounded number of steps: %.30s…', (pattern, path) => {
    const parsed = parsePatterns(pattern, { ignoreCase: false })
    const effort = { steps: 0 }
    expect(isExcluded({ depth: 0, ...parsed }, path.split('/'), false, effort)).toBeUndefined()
    expect(effort.steps).toBeLessThan(pattern.length * path.length)
  })

  test('are not used if they are longer than a path can be', () => {
    expect(parsePatterns(`${'a'.repeat(5_000)}\nb\n`, { ignoreCase: false })).toMatchObject({
      patterns: [{ names: ['b'] }],
      tooLong: 1,
    })
  })
})
