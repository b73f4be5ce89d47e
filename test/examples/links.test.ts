import { existsSync, readdirSync } from 'node:fs'
import { basename, dirname, join, normalize } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Document, documents, readDocument, root } from './documents.ts'

/** Why a link of a document leads nowhere; undefined where it does not. */
function brokenBecause(document: Document, link: string): string | undefined {
  // Another site, which no test can visit.
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
  test('leads nowhere that is not there', () => {
    expect(brokenLinks(document)).toEqual([])
  })

  test('names only files that there are', () => {
    expect(pathsNamedIn(document).filter((path) => !isThere(document, path))).toEqual([])
  })
})

test.each([
  ['a file that is gone', '[a](docs/gone.md)', 'there is no docs/gone.md'],
  ['a file outside', '[a](../README.md)', 'there is no ../README.md'],
  ['a section that is gone', '[a](docs/git.md#gone)', 'docs/git.md has no section #gone'],
  ['a section of its own', '# One\n[a](#two)', 'README.md has no section #two'],
  ['a picture that is gone', '![a](docs/gone.svg)', 'there is no docs/gone.svg'],
  ['a cell of a table', '| a |\n| --- |\n| [b](gone) |', 'there is no gone'],
])('%s would be noticed', (_, text, complaint) => {
  expect(brokenLinks(readDocument('README.md', text))).toEqual([complaint])
})

test('anchors are those that GitHub makes', () => {
  const { anchors } = readDocument('a.md', '# `a` B: c?\n## Twice\n## Twice\n## “It” – [link](b)')
  expect(anchors).toEqual(['a-b-c', 'twice', 'twice-1', 'it--link'])
})

test('every page can be reached from the README', () => {
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

/** What a recipe has its reader make. */
const notThereYet = ['src/hosts/semaphore.ts', 'src/credentials/service-key.ts']

/** What looks like a file of ours where it stands as code, or in a list of files. */
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

/** From the root, the document, `src` or `test`, or by its name alone where the sentence says which room it is in. */
function isThere({ name }: Document, path: string): boolean {
  if (notThereYet.includes(path)) return true
  if (!path.includes('/')) return fileNames.has(path)
  return ['', dirname(name), 'src', 'test'].some((directory) => existsSync(join(root, directory, path)))
}
