import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { missingScopes, splitScopes, withImplied } from '../../src/bitbucket/scopes.ts'

describe('a list of scopes', () => {
  test.each([
    ['as OAuth answers write it', 'repository pullrequest', ['repository', 'pullrequest']],
    ['as headers write it', 'account, repository:write', ['account', 'repository:write']],
    ['with one scope twice', 'account account', ['account']],
    [
      'of the new names',
      'read:user:bitbucket, write:ssh-key:bitbucket',
      ['read:user:bitbucket', 'write:ssh-key:bitbucket'],
    ],
    ['without any', ' , ', []],
    [
      'with what RFC 6749 does not allow in a scope',
      'account "evil" a\\b ünïcode \u001b[31m wiki',
      ['account', 'wiki'],
    ],
  ])('%s', (_, list, scopes) => {
    expect(splitScopes(list)).toEqual(scopes)
  })

  // Scopes go into the log, and a runner obeys `##[name]` anywhere in a line (actions/runner: ActionCommand.cs).
  test('holds no command for a CI', () => {
    for (const scope of splitScopes(
      'account ##[stop-commands]x ##vso[task.x]y ##teamcity[z] ::add-mask::x',
    )) {
      expect(scope).not.toMatch(/##\w*\[|^::/)
    }
  })
})

describe('a scope brings along', () => {
  test.each([
    ['repository:write', ['repository']],
    ['project', ['repository']],
    ['pullrequest', ['repository']],
    ['pullrequest:write', ['pullrequest', 'repository:write', 'repository']],
    ['issue:write', ['issue']],
    ['snippet:write', ['snippet']],
  ])('%s: %j', (scope, brought) => {
    expect([...withImplied([scope])].toSorted()).toEqual([scope, ...brought].toSorted())
  })

  test.each([
    'repository',
    'repository:admin',
    'repository:delete',
    'project:admin',
    'account',
    'webhook',
    'wiki',
    'pipeline:write',
    'write:repository:bitbucket',
    'admin:repository:bitbucket',
    'write:pullrequest:bitbucket',
    'constructor',
    '__proto__',
  ])('%s: nothing', (scope) => {
    expect([...withImplied([scope])]).toEqual([scope])
  })
})

describe('what is missing', () => {
  test.each([
    [['repository'], ['pullrequest:write'], []],
    [['repository:write'], ['repository'], ['repository:write']],
    [['repository'], ['repository:admin'], ['repository']],
    [['read:repository:bitbucket'], ['write:repository:bitbucket'], ['read:repository:bitbucket']],
    [['repository'], ['read:repository:bitbucket'], ['repository']],
    [['wiki', 'account', 'issue'], ['account'], ['wiki', 'issue']],
    [[], [], []],
    [['account'], [], ['account']],
  ])('of %j, granted %j, is %j', (wanted, granted, missing) => {
    expect(missingScopes(wanted, granted)).toEqual(missing)
  })

  test('is nothing of what was granted, and never more than was wanted', () => {
    const scope = fc.constantFrom(
      'account',
      'repository',
      'repository:write',
      'pullrequest:write',
      'wiki',
      '__proto__',
    )
    fc.assert(
      fc.property(fc.uniqueArray(scope), fc.uniqueArray(scope), (wanted, granted) => {
        const missing = missingScopes(wanted, granted)
        expect(wanted).toEqual(expect.arrayContaining(missing))
        for (const scope of granted) expect(missing).not.toContain(scope)
      }),
      { numRuns: 200 },
    )
  })
})
