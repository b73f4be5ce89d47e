import { expect, test } from 'vitest'
import { TokenError } from '../../src/errors.ts'
import { parseStorePlace } from '../../src/stores/place.ts'

const parse = (text: string) => parseStorePlace(text, 'save-refresh-token')
const usual = 'BITBUCKET_REFRESH_TOKEN'

test.each([
  ['bitbucket-variable', { level: 'repository' }, usual],
  ['bitbucket-variable:', { level: 'repository' }, usual],
  ['bitbucket-variable:TOKEN', { level: 'repository' }, 'TOKEN'],
  ['bitbucket-variable:repository', { level: 'repository' }, usual],
  ['bitbucket-variable:repository/workspace', { level: 'repository' }, 'workspace'],
  ['bitbucket-variable:workspace', { level: 'workspace' }, usual],
  ['bitbucket-variable:workspace/TOKEN', { level: 'workspace' }, 'TOKEN'],
  ['bitbucket-variable:deployment/Production', { level: 'deployment', environment: 'Production' }, usual],
  ['bitbucket-variable:deployment/EU%2FTest/TOKEN', { level: 'deployment', environment: 'EU/Test' }, 'TOKEN'],
  ['github-secret', { level: 'repository' }, usual],
  ['github-secret:TOKEN', { level: 'repository' }, 'TOKEN'],
  ['github-secret:organization/TOKEN', { level: 'organization' }, 'TOKEN'],
  ['github-secret:environment/prod', { level: 'environment', environment: 'prod' }, usual],
  ['github-secret:environment/100%/TOKEN', { level: 'environment', environment: '100%' }, 'TOKEN'],
])('%s', (text, scope, name) => {
  expect(parse(text)).toEqual({ kind: text.split(':')[0], scope, name })
})

test('the other kinds', () => {
  expect(parse('gitlab-variable')).toEqual({ kind: 'gitlab-variable', name: usual })
  expect(parse('gitlab-variable:TOKEN')).toEqual({ kind: 'gitlab-variable', name: 'TOKEN' })
  expect(parse('file:/data/a:b')).toEqual({ kind: 'file', path: '/data/a:b' })
  expect(parse('file:C:\\data\\token')).toEqual({ kind: 'file', path: 'C:\\data\\token' })
  expect(parse('command:a: b | c')).toEqual({ kind: 'command', command: 'a: b | c' })
})

test.each([
  '',
  'vault:secret',
  'File:/x',
  'file',
  'file:',
  'command',
  'command:  ',
  'bitbucket-variable:deployment',
  'bitbucket-variable:deployment/',
  'bitbucket-variable:a/b',
  'bitbucket-variable:environment/prod',
  'bitbucket-variable:deployment/prod/A/B',
  'github-secret:workspace/TOKEN',
  'github-secret:MY-TOKEN',
  'github-secret:1TOKEN',
  'gitlab-variable:group/TOKEN',
  'gitlab-variable:../../users',
])('%j is an input error', (text) => {
  expect(() => parse(text)).toThrow(TokenError)
  expect(() => parse(text)).toThrow(/^save-refresh-token (names|has) .*\.$/)
})

test('what to write instead is told, for every kind', () => {
  const nextStep = [
    'Write one of:',
    '- bitbucket-variable, bitbucket-variable:workspace, bitbucket-variable:deployment/Production',
    '- github-secret, github-secret:organization, github-secret:environment/production',
    '- gitlab-variable',
    '- file:/path/to/refresh-token',
    '- command:vault kv put -mount=secret bitbucket refresh-token=-',
    'A name of your own comes last: /NAME.',
  ].join('\n')
  expect(() => parse('vault')).toThrow(expect.objectContaining({ code: 'input', nextStep }))
})
