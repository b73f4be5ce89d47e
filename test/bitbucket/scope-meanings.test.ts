import { expect, test } from 'vitest'
import { meaningOf } from '../../src/bitbucket/scope-meanings.ts'

/** The scopes of OAuth and access tokens in Bitbucket's REST introduction. */
const oauth =
  'account account:write email team team:write project project:write project:admin repository repository:write repository:admin repository:delete pullrequest pullrequest:write issue issue:write wiki webhook snippet snippet:write pipeline pipeline:write pipeline:variable runner runner:write'

/** The scopes that id.atlassian.com offers for an API token. */
const apiToken = [
  'read:account read:me read:user write:user read:workspace admin:workspace manage:org',
  'read:repository write:repository admin:repository delete:repository read:pullrequest write:pullrequest',
  'read:issue write:issue delete:issue read:project admin:project',
  'read:pipeline write:pipeline admin:pipeline read:runner write:runner',
  ...['webhook', 'snippet', 'wiki', 'ssh-key', 'gpg-key', 'permission'].map(
    (object) => `read:${object} write:${object} delete:${object}`,
  ),
  'read:package write:package read:test write:test',
].join(' ')

test.each([...oauth.split(' '), ...apiToken.split(' ').map((scope) => `${scope}:bitbucket`)])(
  'explains %s',
  (scope) => {
    expect(meaningOf(scope)).toMatch(/^[a-z]/)
  },
)

test.each([
  'constructor',
  'read:constructor:bitbucket',
  'fly:repository:bitbucket',
  'read:repository:jira',
  '',
])('returns undefined for an unknown scope: %j', (scope) => {
  expect(meaningOf(scope)).toBeUndefined()
})
