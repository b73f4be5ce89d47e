import { expect, test } from 'vitest'
import { coversPath, parseGitPath, spellingsOf } from '../../src/git/git-path.ts'

const id = '{6f1c2d9e-0000-4000-8000-000000000000}'

test.each([
  ['acme', 'acme'],
  ['acme/', 'acme'],
  ['.acme', '.acme'],
  ['acme/website', 'acme/website'],
  ['acme/website/', 'acme/website'],
  ['acme/website.git', 'acme/website'],
  ['acme/website.git/', 'acme/website'],
  ['Acme/website.GIT', 'Acme/website'],
  ['acme/website.github.io', 'acme/website.github.io'],
  ['acme/..website', 'acme/..website'],
  [`${id}/${id}`, `${id}/${id}`],
])('%s means %s', (item, path) => {
  expect(parseGitPath(item)).toBe(path)
})

test.each([
  ...['', '/', '.', '..', './', '../', '../website', '/acme', 'acme//', 'acme//website'],
  ...['acme/.', 'acme/..', 'acme/./', 'acme/../', 'acme/.git', 'acme/website/src', 'acme/website//'],
  ...['acme website', 'acme/web site', 'https://bitbucket.org/acme', 'acme?', 'acme/website?'],
])('%j is neither a workspace nor a repository', (item) => {
  expect(parseGitPath(item)).toBeUndefined()
})

test.each([
  ['acme', ['acme']],
  ['Acme', ['Acme', 'acme']],
  ['acme/website', ['acme/website', 'acme/website.git']],
  ['Acme/Web', ['Acme/Web', 'Acme/Web.git', 'acme/web', 'acme/web.git']],
])('URLs write %s in each of these ways', (path, spellings) => {
  expect(spellingsOf(path)).toEqual(spellings)
})

test.each([
  [[], 'any/thing'],
  [['acme'], 'acme/website.git'],
  [['acme'], 'acme'],
  [['Acme'], '/aCME/website.git/info/lfs'],
  [['other', 'acme/Website'], '//Acme/website'],
  [['acme/website'], 'acme/website.git/info/lfs'],
  [['acme/website.github.io'], 'acme/website.github.io.git'],
])('%j covers %s', (paths, asked) => {
  expect(coversPath(paths, asked)).toBe(true)
})

test.each([
  [['acme'], 'acme-2/website.git'],
  [['acme'], 'other/acme.git'],
  [['acme/website', 'acme/app'], 'acme/website-2.git'],
  [['acme/website'], 'acme'],
])('%j does not cover %s', (paths, asked) => {
  expect(coversPath(paths, asked)).toBe(false)
})
