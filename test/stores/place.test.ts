import { expect, test } from 'vitest'
import { TokenError } from '../../src/errors.ts'
import { definitionOf, inputNames, variableOf } from '../../src/inputs.ts'
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

test('parses gitlab-variable, file and command', () => {
  expect(parse('gitlab-variable')).toEqual({ kind: 'gitlab-variable', name: usual })
  expect(parse('gitlab-variable:TOKEN')).toEqual({ kind: 'gitlab-variable', name: 'TOKEN' })
  expect(parse('file:/data/a:b')).toEqual({ kind: 'file', path: '/data/a:b' })
  expect(parse('file:C:\\data\\token')).toEqual({ kind: 'file', path: 'C:\\data\\token' })
  expect(parse('command:a: b | c')).toEqual({ kind: 'command', command: 'a: b | c' })
})

test.each([
  ['github-secret:GITHUB_X', 'names a secret that begins with GITHUB_, which GitHub does not allow'],
  ['github-secret:github_x', 'names a secret that begins with GITHUB_, which GitHub does not allow'],
  [
    'github-secret:organization/GITHUB_X',
    'names a secret that begins with GITHUB_, which GitHub does not allow',
  ],
  [
    'github-secret:environment/p/GITHUB_',
    'names a secret that begins with GITHUB_, which GitHub does not allow',
  ],
  [
    'github-secret:MY-TOKEN',
    'names a secret that contains other characters than A-Z, 0-9 and _ or begins with a digit',
  ],
  [
    'github-secret:MY TOKEN',
    'names a secret that contains other characters than A-Z, 0-9 and _ or begins with a digit',
  ],
  [
    'github-secret:TÖKEN',
    'names a secret that contains other characters than A-Z, 0-9 and _ or begins with a digit',
  ],
  [
    'github-secret:1TOKEN',
    'names a secret that contains other characters than A-Z, 0-9 and _ or begins with a digit',
  ],
  [
    'bitbucket-variable:1TOKEN',
    'names a variable that contains other characters than A-Z, 0-9 and _ or begins with a digit',
  ],
  [
    'bitbucket-variable:workspace/MY.TOKEN',
    'names a variable that contains other characters than A-Z, 0-9 and _ or begins with a digit',
  ],
  [`gitlab-variable:${'A'.repeat(256)}`, 'names a variable that is longer than 255 characters'],
  ['gitlab-variable:MY-TOKEN', 'names a variable that contains other characters than A-Z, 0-9 and _'],
  [
    'bitbucket-variable:BITBUCKET_CLIENT_SECRET',
    'names BITBUCKET_CLIENT_SECRET, which is used for something else',
  ],
  ['gitlab-variable:PATH', 'names PATH, which is used for something else'],
  ['bitbucket-variable:Workspace', 'names "Workspace", which is not a scope of bitbucket-variable'],
  ['bitbucket-variable:organization', 'names "organization", which is not a scope of bitbucket-variable'],
  ['bitbucket-variable:environment', 'names "environment", which is not a scope of bitbucket-variable'],
  ['github-secret:workspace', 'names "workspace", which is not a scope of github-secret'],
  ['github-secret:organisation', 'names "organisation", which is not a scope of github-secret'],
  ['gitlab-variable:group', 'names a scope, but only variables of the project are supported on GitLab'],
  ['github-secret:environment/..', 'names no environment'],
  ['github-secret:environment/%2E/TOKEN', 'names no environment'],
  ['bitbucket-variable:deployment/ /TOKEN', 'names no environment'],
  ['file:~/refresh-token', 'names a path that begins with ~, which only a shell can replace'],
])('%s is an input error that gives the reason', (text, why) => {
  expect(() => parse(text)).toThrow(
    expect.objectContaining({ code: 'input', message: `save-refresh-token ${why}.` }),
  )
})

test.each([
  ['github-secret:MY_GITHUB_TOKEN', 'MY_GITHUB_TOKEN'],
  ['github-secret:token_1', 'token_1'],
  ['bitbucket-variable:GITHUB_X', 'GITHUB_X'],
  ['bitbucket-variable:repository/group', 'group'],
  ['gitlab-variable:1TOKEN', '1TOKEN'],
  [`gitlab-variable:${'A'.repeat(255)}`, 'A'.repeat(255)],
])('accepts %s, because the service accepts the name', (text, name) => {
  expect(parse(text)).toMatchObject({ name })
})

test('refuses the name of another secret’s variable', () => {
  const secrets = inputNames.filter((name) => definitionOf(name).secret && name !== 'refresh-token')
  expect(secrets.length).toBeGreaterThan(5)
  for (const name of secrets)
    expect(() => parse(`bitbucket-variable:${variableOf(name)}`)).toThrow(/is used for something else/)
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

test('suggests an example of each kind', () => {
  const nextStep = [
    'Write one of:',
    '- bitbucket-variable, bitbucket-variable:workspace, bitbucket-variable:deployment/Production',
    '- github-secret, github-secret:organization, github-secret:environment/production',
    '- gitlab-variable',
    '- file:/path/to/refresh-token',
    '- command:vault kv put -mount=secret bitbucket refresh-token=-',
    'To use another name, add it at the end: github-secret:NAME, github-secret:organization/NAME.',
  ].join('\n')
  expect(() => parse('vault')).toThrow(expect.objectContaining({ code: 'input', nextStep }))
})
