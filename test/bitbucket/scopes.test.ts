import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { missingScopes, splitScopes, withImplied } from '../../src/bitbucket/scopes.ts'

describe('splitScopes', () => {
  test.each([
    ['reads the format of OAuth answers', 'repository pullrequest', ['repository', 'pullrequest']],
    ['reads the format of headers', 'account, repository:write', ['account', 'repository:write']],
    ['removes duplicates', 'account account', ['account']],
    [
      'reads the scopes of API tokens',
      'read:user:bitbucket, write:ssh-key:bitbucket',
      ['read:user:bitbucket', 'write:ssh-key:bitbucket'],
    ],
    ['reads an empty list', ' , ', []],
    [
      'drops what RFC 6749 does not allow in a scope',
      'account "evil" a\\b ünïcode \u001b[31m wiki',
      ['account', 'wiki'],
    ],
  ])('%s', (_, list, scopes) => {
    expect(splitScopes(list)).toEqual(scopes)
  })

  // Scopes appear in the log, and a runner obeys `##[name]` anywhere in a line (actions/runner: ActionCommand.cs).
  test('drops commands for a CI', () => {
    for (const scope of splitScopes(
      'account ##[stop-commands]x ##vso[task.x]y ##teamcity[z] ::add-mask::x',
    )) {
      expect(scope).not.toMatch(/##\w*\[|^::/)
    }
  })
})

describe('withImplied', () => {
  test.each([
    ['repository:write', ['repository']],
    ['project', ['repository']],
    ['pullrequest', ['repository']],
    ['pullrequest:write', ['pullrequest', 'repository:write', 'repository']],
    ['issue:write', ['issue']],
    ['snippet:write', ['snippet']],
  ])('%s implies %j', (scope, implied) => {
    expect([...withImplied([scope])].toSorted()).toEqual([scope, ...implied].toSorted())
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
  ])('%s implies no other scope', (scope) => {
    expect([...withImplied([scope])]).toEqual([scope])
  })
})

describe('missingScopes', () => {
  test.each([
    [['repository'], ['pullrequest:write'], []],
    [['repository:write'], ['repository'], ['repository:write']],
    [['repository'], ['repository:admin'], ['repository']],
    [['read:repository:bitbucket'], ['write:repository:bitbucket'], ['read:repository:bitbucket']],
    [['repository'], ['read:repository:bitbucket'], ['repository']],
    [['wiki', 'account', 'issue'], ['account'], ['wiki', 'issue']],
    [[], [], []],
    [['account'], [], ['account']],
  ])('of %j with %j granted returns %j', (wanted, granted, missing) => {
    expect(missingScopes(wanted, granted)).toEqual(missing)
  })

  test('never returns a granted scope, and only wanted ones', () => {
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
