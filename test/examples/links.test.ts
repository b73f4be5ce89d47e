import { existsSync, readdirSync } from 'node:fs'
import { basename, dirname, join, normalize } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Document, documents, readDocument, root } from './documents.ts'

/** Returns why a link of a document is broken, or undefined if it works. */
function brokenBecause(document: Document, link: string): string | undefined {
  // A link to another site, which a test cannot check.
  if (/^[a-z]+:/.test(link)) return undefined
  const [path = '', anchor] = decodeURI(link).split('#')
  const name = path === '' ? document.name : normalize(join(dirname(document.name), path))
  if (name.startsWith('..') || !existsSync(join(root, name))) return `there is no ${name}`
  if (anchor === undefined) return undefined
  const target = name === document.name ? document : documents.get(name)
  return target?.anchors.includes(anchor) ? undefined : `${name} has no section #${anchor}`
}

const brokenLinks = (document: Document): string[] =>
  document.links.flatMap((link) => brokenBecause(document, link) ?? [])

describe.each([...documents.values()])('$name', (document) => {
  test('has no broken links', () => {
    expect(brokenLinks(document)).toEqual([])
  })

  test('names only files that exist', () => {
    expect(pathsNamedIn(document).filter((path) => !exists(document, path))).toEqual([])
  })
})

test.each([
  ['a missing file', '[a](docs/gone.md)', 'there is no docs/gone.md'],
  ['a file outside the repository', '[a](../README.md)', 'there is no ../README.md'],
  ['a missing section', '[a](docs/git.md#gone)', 'docs/git.md has no section #gone'],
  ['a missing section of the same page', '# One\n[a](#two)', 'README.md has no section #two'],
  ['a missing picture', '![a](docs/gone.svg)', 'there is no docs/gone.svg'],
  ['a missing file in a table cell', '| a |\n| --- |\n| [b](gone) |', 'there is no gone'],
])('notices a link to %s', (_, text, problem) => {
  expect(brokenLinks(readDocument('README.md', text))).toEqual([problem])
})

test('makes the same anchors as GitHub', () => {
  const { anchors } = readDocument('a.md', '# `a` B: c?\n## Twice\n## Twice\n## “It” – [link](b)')
  expect(anchors).toEqual(['a-b-c', 'twice', 'twice-1', 'it--link'])
})

test('the README leads to every page', () => {
  const reached = new Set<string>()
  const visit = (name: string): void => {
    const document = documents.get(name)
    if (document === undefined || reached.has(name)) return
    reached.add(name)
    for (const link of document.links) visit(normalize(join(dirname(name), link.replace(/#.*/, ''))))
  }
  visit('README.md')
  expect([...documents.keys()].filter((name) => !reached.has(name))).toEqual([])
})

const fileNames = new Set(
  ['.', 'docs', 'scripts', 'src', 'test'].flatMap((directory) =>
    readdirSync(join(root, directory), { recursive: directory !== '.', encoding: 'utf8' }).map((path) =>
      basename(path),
    ),
  ),
)

/** Files that a recipe in CONTRIBUTING.md tells its reader to create. */
const notThereYet = ['src/hosts/semaphore.ts', 'src/credentials/service-key.ts']

/** Returns inline code and entries of file lists that look like a file of this repository. */
function pathsNamedIn({ codeSpans, examples }: Document): string[] {
  const lists = examples
    .filter(({ language }) => language === '')
    .flatMap(({ text }) => text.match(/^\S+/gm) ?? [])
  return [...codeSpans, ...lists].filter(
    (text) =>
      /^(?:\.ci|\.github|dist|docs|scripts|src|test)\/[\w./-]*$/.test(text) ||
      /^[\w./-]+\.(?:md|ts|mjs|test\.ts)$/.test(text),
  )
}

/** Whether a path exists: from the root, the document, `src` or `test`; a bare file name may be in any directory. */
function exists({ name }: Document, path: string): boolean {
  if (notThereYet.includes(path)) return true
  if (!path.includes('/')) return fileNames.has(path)
  return ['', dirname(name), 'src', 'test'].some((directory) => existsSync(join(root, directory, path)))
}
