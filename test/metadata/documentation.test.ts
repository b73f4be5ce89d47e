import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { documentUrl } from '../../src/documentation.ts'
import { documents } from '../examples/documents.ts'
import { readText, root } from './files.ts'

const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => ({ path, text: readFileSync(join(root, 'src', path), 'utf8') }))

test('documents are in the repository that package.json names', () => {
  const { repository } = JSON.parse(readText('package.json')) as { repository: { url: string } }
  expect(documentUrl('git.md')).toBe(`${repository.url.replace(/^git\+|\.git$/g, '')}/blob/main/docs/git.md`)
})

test('messages name only pages and sections that exist', () => {
  const named = sources.flatMap(({ text }) =>
    [...text.matchAll(/documentUrl\('([^']+)'\)/g)].map(([, page = '']) => page),
  )
  expect(named.length).toBeGreaterThan(4)
  const missing = named.filter((page) => {
    const [name, anchor] = page.split('#')
    const document = documents.get(`docs/${name}`)
    return document === undefined || (anchor !== undefined && !document.anchors.includes(anchor))
  })
  expect(missing).toEqual([])
})

test('no message names a document by its path in the repository', () => {
  const withoutComments = (text: string) => text.replace(/^ *(?:\/?\*|\/\/).*/gm, '')
  const naming = sources.filter(({ text }) => /(?<!main\/)docs\/[\w-]+\.md/.test(withoutComments(text)))
  expect(naming.map(({ path }) => path)).toEqual([])
})
