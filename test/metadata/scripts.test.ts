import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { suites } from '../support/suites.ts'
import { npmScripts, npmScriptsIn, readText, root } from './files.ts'

const contributing = readText('CONTRIBUTING.md')

test.each(npmScripts)('CONTRIBUTING explains `npm run %s` in one line', (name) => {
  const command = name === 'test' ? 'npm test' : `npm run ${name}`
  // npm runs this script itself.
  const start = name === 'prepack' ? '`npm pack` runs the script `prepack`' : command
  expect(contributing.split('\n').filter((line) => line.startsWith(start))).not.toEqual([])
})

const documents = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'test/README.md',
  'test/faults/README.md',
  'test/hostile/README.md',
  'test/mutation/README.md',
  'scripts/bench/README.md',
  'scripts/simulate/README.md',
  'bitbucket-pipelines.yml',
].concat(
  readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
)

test.each(documents)('%s names only npm scripts and suites that exist', (name) => {
  const text = readText(name)
  expect(npmScripts).toEqual(expect.arrayContaining(npmScriptsIn(text)))
  const named = [...text.matchAll(/\bnpm test ([a-z]+)\b/g)].map(([, suite]) => suite)
  expect(Object.keys(suites)).toEqual(expect.arrayContaining(named))
})
