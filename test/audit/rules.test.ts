import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { rules } from '../../src/audit/rules/index.ts'
import type { Hit } from '../../src/audit/scan.ts'
import { restDescription } from '../support/programs.ts'
import { secrets } from './made-up.ts'
import { planted } from './planted.ts'
import { scan } from './scan.ts'

const hitsIn = (path: string, text: string): readonly Hit[] =>
  scan(Buffer.from(path), Buffer.from(text), rules).hits
const places = (hits: readonly Hit[]) => hits.map(({ rule, line, column }) => `${rule.id} ${line}:${column}`)

describe('finds', () => {
  test.each(planted)('$rule $kind', ({ rule, path, text, at }) => {
    expect(places(hitsIn(path, text))).toEqual(at.map((place) => `${rule} ${place}`))
  })

  test('at least one planted case for every rule', () => {
    expect(new Set(planted.map(({ rule }) => rule))).toEqual(new Set(rules.map(({ id }) => id)))
  })
})

describe('finds nothing', () => {
  test.each([
    [
      'in a placeholder for a password',
      'x.md',
      'git clone https://ann:your-app-password@bitbucket.org/a/b\n',
    ],
    [
      'if prose only mentions a variable',
      'x.md',
      'We renamed `BITBUCKET_APP_PASSWORD` and "app passwords".\n',
    ],
    [
      'in a token for another service',
      'x.sh',
      `curl -u ann:${secrets.npmToken} https://api.github.com/user # not bitbucket\n`,
    ],
    [
      'in a URL of another host',
      'x.sh',
      `git clone https://ann:${secrets.password}@bitbucket.org.example.com/a/b\n`,
    ],
    [
      'in the start of a longer URL',
      'x.py',
      'requests.get("https://api.bitbucket.org/2.0/repositories/" + workspace)\n',
    ],
    ['in a base URL', 'x.py', 'BASE = "https://api.bitbucket.org/2.0/repositories"\n'],
    [
      'in an endpoint of version 1.0 that still works',
      'x.sh',
      'curl https://api.bitbucket.org/1.0/groups/acme\n',
    ],
    [
      'in the invitations of version 1.0, which still work',
      'x.sh',
      'curl https://api.bitbucket.org/1.0/users/acme/invitations\n',
    ],
    [
      'in an endpoint of teams that still works',
      'x.sh',
      'curl https://api.bitbucket.org/2.0/teams/acme/search/code\n',
    ],
    ['in a pull request with a number', 'x.sh', 'curl https://api.bitbucket.org/2.0/pullrequests/7\n'],
    ['in a path without a host in a document', 'x.md', 'Bitbucket has removed "/2.0/workspaces".\n'],
    [
      'if this program may export an API token under that name',
      'x.yml',
      'pipe: bitbucket-token/bitbucket-token:1.0.0\n# x-bitbucket-api-token-auth:$BITBUCKET_ACCESS_TOKEN@\n',
    ],
  ])('%s', (_, path, text) => {
    expect(places(hitsIn(path, text))).toEqual([])
  })

  test.each([
    [
      'on the same line',
      'export BITBUCKET_APP_PASSWORD=x # bitbucket-token-audit: ignore\nBITBUCKET_APP_PASSWORD=y\n',
      ['2:1'],
    ],
    [
      'on the line above',
      '# bitbucket-token-audit: ignore (an example)\nBITBUCKET_APP_PASSWORD=x\nBITBUCKET_APP_PASSWORD=y\n',
      ['3:1'],
    ],
    ['for the whole file', 'BITBUCKET_APP_PASSWORD=x\n\n\n// bitbucket-token-audit: ignore-file\n', []],
    ['of another tool', 'BITBUCKET_APP_PASSWORD=x # audit: ignore\n', ['1:1']],
  ])('that a comment %s ignores', (_, text, at) => {
    expect(places(hitsIn('a.sh', text))).toEqual(at.map((place) => `app-password-variable ${place}`))
  })
})

test('reports a secret once if two rules find it, and reports both of two faults on one line', () => {
  const line = `git clone https://x-token-auth:${secrets.apiToken}@bitbucket.org/a/b\n`
  expect(places(hitsIn('a.sh', line))).toEqual(['secret-in-url 1:11', 'x-token-auth-with-api-token 1:19'])
})

test('counts columns as editors do, in UTF-8 and UTF-16', () => {
  const text = '\u{1F600} ü export BITBUCKET_APP_PASSWORD=x\r\n'
  expect(places(hitsIn('a.sh', text))).toEqual(['app-password-variable 1:13'])
  const utf16 = scan(Buffer.from('a.ps1'), Buffer.from(`\ufeff${text}`, 'utf16le'), rules).hits
  expect(places(utf16)).toEqual(['app-password-variable 1:14'])
})

test('of all endpoints in Bitbucket’s API description, finds only the removed ones', {
  tags: ['bitbucket-swagger.yaml'],
}, () => {
  const { paths } = parse(readFileSync(restDescription, 'utf8')) as { paths: Record<string, object> }
  const names = Object.keys(paths)
  expect(names.length).toBeGreaterThan(150)
  const found = names.filter((path) => {
    const address = `https://api.bitbucket.org/2.0${path.replace(/\{\w+\}/g, 'some-name')}`
    return hitsIn('a.sh', `curl ${address}\n`).length > 0
  })
  // The description is from December 2025, when these endpoints still worked.
  const isRemoved = (path: string) =>
    ['/repositories', '/workspaces', '/pullrequests/{selected_user}'].includes(path) ||
    path.startsWith('/user/permissions/') ||
    path.startsWith('/repositories/{workspace}/{repo_slug}/issues')
  expect(found).toEqual(names.filter(isRemoved))
})
