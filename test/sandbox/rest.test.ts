import { describe, expect } from 'vitest'
import type { Sandbox } from '../../src/sandbox/index.ts'
import { askRest, basic, clock, grant, start, test } from './start.ts'

const bearer = (token: string) => `Bearer ${token}`
const withApiToken = (sandbox: Sandbox, token = sandbox.credentials.apiToken) =>
  basic(sandbox.credentials.email, token)
const invalid =
  '{"type":"error","error":{"message":"Token is invalid, expired, or not supported for this endpoint."}}'

describe('GET /2.0/user', () => {
  test('returns the user for an API token', async ({ sandbox }) => {
    const { status, text, headers } = await askRest(sandbox, '/2.0/user', withApiToken(sandbox))
    expect(status).toBe(200)
    expect(JSON.parse(text)).toMatchObject({ type: 'user', username: 'sandbox-user' })
    expect(headers.get('x-credential-type')).toBe('api_token')
    expect(headers.get('x-oauth-scopes')).toBe(
      'read:user:bitbucket, read:workspace:bitbucket, read:repository:bitbucket, write:repository:bitbucket',
    )
    expect(headers.get('x-accepted-oauth-scopes')).toBe('account')
  })

  test('returns an app_user for a client_credentials token', async ({ sandbox }) => {
    const { access_token: token } = await grant(sandbox, { grant_type: 'client_credentials' })
    const { status, text, headers } = await askRest(sandbox, '/2.0/user', bearer(token))
    expect(status).toBe(200)
    expect(JSON.parse(text)).toMatchObject({ type: 'app_user', account_status: 'active' })
    expect(headers.get('x-oauth-scopes')).toBe('account, repository, repository:write, pullrequest')
    expect(headers.get('x-credential-type')).toBeNull()
  })

  test('names the missing scope and the granted scopes', async () => {
    const sandbox = await start({ scopes: ['repository:write', 'pullrequest'] })
    const { access_token: token } = await grant(sandbox, { grant_type: 'client_credentials' })
    const { status, text, headers } = await askRest(sandbox, '/2.0/user', bearer(token))
    expect(status).toBe(403)
    expect(text).toBe(
      '{"type":"error","error":{"message":"Your credentials lack one or more required privilege scopes.",' +
        '"detail":{"required":["account"],"granted":["repository:write","pullrequest"]}}}',
    )
    expect(headers.get('x-oauth-scopes')).toBe('repository:write, pullrequest')
  })

  test('names the missing scope of an API token by its new name', async ({ sandbox }) => {
    const token = sandbox.issue('api-token', { scopes: ['read:repository:bitbucket'] })
    const { status, text, headers } = await askRest(sandbox, '/2.0/user', withApiToken(sandbox, token))
    expect(status).toBe(403)
    expect(JSON.parse(text).error.detail).toEqual({
      required: ['read:user:bitbucket'],
      granted: ['read:repository:bitbucket'],
    })
    expect(headers.get('x-credential-type')).toBe('api_token')
  })

  test('answers 403 to access tokens, except a workspace access token with the scope account', async ({
    sandbox,
  }) => {
    const ask = async (level: 'repository' | 'project' | 'workspace', scopes: string[]) => {
      const token = sandbox.issue('access-token', { level, scopes })
      const { status, headers } = await askRest(sandbox, '/2.0/user', bearer(token))
      return [status, headers.get('x-credential-type')]
    }
    expect(await ask('repository', ['account', 'repository'])).toEqual([403, 'repo_access_token'])
    expect(await ask('project', ['account', 'repository'])).toEqual([403, 'project_access_token'])
    expect(await ask('workspace', ['repository'])).toEqual([403, 'workspace_access_token'])
    expect(await ask('workspace', ['account'])).toEqual([200, 'workspace_access_token'])
  })

  test('answers an empty 401 with a challenge without a credential', async ({ sandbox }) => {
    const { status, text, headers } = await askRest(sandbox, '/2.0/user')
    expect([status, text]).toEqual([401, ''])
    expect(headers.get('www-authenticate')).toBe('BitbucketCustom realm=Bitbucket.org HTTP')
  })
})

describe('answers the same general 401 to', () => {
  test.each<[string, (sandbox: Sandbox) => string]>([
    ['user name instead of email', (s) => basic(s.credentials.username, s.credentials.apiToken)],
    ['git user instead of email', (s) => basic('x-bitbucket-api-token-auth', s.credentials.apiToken)],
    ['API token as Bearer', (s) => bearer(s.credentials.apiToken)],
    ['API token without scopes', (s) => withApiToken(s, s.issue('api-token', { scopes: [] }))],
    ['expired API token', (s) => withApiToken(s, s.issue('api-token', { expired: true }))],
    ['expired access token', (s) => bearer(s.issue('access-token', { expired: true }))],
    ['access token as password', (s) => withApiToken(s, s.credentials.accessToken)],
    ['access token cut short', (s) => bearer(s.credentials.accessToken.slice(0, -1))],
    ['app password', (s) => withApiToken(s, 'ATBBx9fGhJkLmNpQrStUvWxYz0123456789')],
    ['consumer key and secret', (s) => basic(s.credentials.clientId, s.credentials.clientSecret)],
    ['refresh token', (s) => bearer(s.credentials.refreshToken)],
    ['another scheme', () => 'JWT a.b.c'],
  ])('%s', async (_, authorization) => {
    const sandbox = await start()
    for (const path of ['/2.0/user', '/2.0/repositories/sandbox/hello']) {
      const answer = await askRest(sandbox, path, authorization(sandbox))
      expect([answer.status, answer.text]).toEqual([401, invalid])
    }
  })

  test('revoked tokens of every kind', async ({ sandbox }) => {
    const oauth = sandbox.issue('oauth-token')
    const { apiToken, accessToken } = sandbox.credentials
    for (const [token, header] of [
      [oauth, bearer(oauth)],
      [accessToken, bearer(accessToken)],
      [apiToken, withApiToken(sandbox)],
    ] as const) {
      expect((await askRest(sandbox, '/2.0/repositories/sandbox/hello', header)).status).toBe(200)
      sandbox.revoke(token)
      expect((await askRest(sandbox, '/2.0/repositories/sandbox/hello', header)).text).toBe(invalid)
      expect(sandbox.isLive(token)).toBe(false)
    }
  })
})

test('says that an OAuth token expired, and recommends the refresh token if there is one', async () => {
  const time = clock()
  const sandbox = await start({ now: time.now })
  const message = async (token: string) => {
    const { status, text } = await askRest(sandbox, '/2.0/user', bearer(token))
    return [status, JSON.parse(text).error?.message]
  }
  const app = (await grant(sandbox, { grant_type: 'client_credentials' })).access_token
  const { refreshToken } = sandbox.credentials
  const user = (await grant(sandbox, { grant_type: 'refresh_token', refresh_token: refreshToken }))
    .access_token
  expect(await message(app)).toEqual([200, undefined])
  time.advance(7200)
  expect(await message(app)).toEqual([401, 'Access token expired.'])
  expect(await message(user)).toEqual([
    401,
    'Access token expired. Use your refresh token to obtain a new access token.',
  ])
  expect(await message(sandbox.issue('oauth-token', { expired: true }))).toEqual([
    401,
    'Access token expired.',
  ])
})

describe('GET /2.0/repositories/{workspace}/{slug}', () => {
  const path = '/2.0/repositories/sandbox/hello'
  const noAccess =
    '{"type":"error","error":{"message":"You may not have access to this repository or it no longer exists in this workspace. ' +
    'If you think this repository exists and you have access, make sure you are authenticated."}}'

  test('answers every credential of the sandbox', async ({ sandbox }) => {
    const { access_token: token } = await grant(sandbox, { grant_type: 'client_credentials' })
    for (const header of [bearer(token), bearer(sandbox.credentials.accessToken), withApiToken(sandbox)]) {
      const { status, text, headers } = await askRest(
        sandbox,
        `/2.0/repositories/${sandbox.repository}/`,
        header,
      )
      expect(status).toBe(200)
      expect(JSON.parse(text)).toMatchObject({ full_name: 'sandbox/hello', is_private: true })
      expect(headers.get('x-accepted-oauth-scopes')).toBe('repository')
    }
  })

  test('puts the user name into the clone URL, as Bitbucket does', async ({ sandbox }) => {
    const cloneUrl = async (header: string) =>
      JSON.parse((await askRest(sandbox, path, header)).text).links.clone[0].href
    const host = new URL(sandbox.url).host
    expect(await cloneUrl(withApiToken(sandbox))).toBe(`http://sandbox-user@${host}/sandbox/hello.git`)
    expect(await cloneUrl(bearer(sandbox.credentials.accessToken))).toBe(`${sandbox.url}/sandbox/hello.git`)
  })

  test('answers the same 404 for a missing repository, a token without access and no credential', async ({
    sandbox,
  }) => {
    const elsewhere = sandbox.issue('access-token', { repositories: ['sandbox/other'] })
    for (const [asked, header] of [
      ['/2.0/repositories/sandbox/nothing', bearer(sandbox.credentials.accessToken)],
      [path, bearer(elsewhere)],
      ['/2.0/repositories/sandbox/other', bearer(elsewhere)],
      [path, undefined],
    ] as const) {
      const { status, text } = await askRest(sandbox, asked, header)
      expect([status, text]).toEqual([404, noAccess])
    }
  })

  test.each([
    ['repository', 200],
    ['repository:write', 200],
    ['pullrequest', 200],
    ['pullrequest:write', 200],
    ['project', 200],
    ['repository:admin', 403],
    ['account', 403],
    ['read:repository:bitbucket', 403],
    ['constructor', 403],
  ])('with the scope %s answers %i', async (scope, status) => {
    const sandbox = await start()
    const token = sandbox.issue('oauth-token', { scopes: [scope] })
    expect((await askRest(sandbox, path, bearer(token))).status).toBe(status)
  })

  test.each([
    ['read:repository:bitbucket', 200],
    ['write:repository:bitbucket', 403],
    ['admin:repository:bitbucket', 403],
    ['repository', 403],
  ])('with the API token scope %s, which implies nothing, answers %i', async (scope, status) => {
    const sandbox = await start()
    const token = sandbox.issue('api-token', { scopes: [scope] })
    expect((await askRest(sandbox, path, withApiToken(sandbox, token))).status).toBe(status)
  })
})

test.each([
  '/2.0/repositories',
  '/2.0/repositories?role=member',
  '/2.0/workspaces',
  '/2.0/user/permissions/repositories',
  '/2.0/user/permissions/workspaces',
])('answers 410 for %s (CHANGE-2770)', async (path) => {
  const sandbox = await start()
  const { status, text } = await askRest(sandbox, path, withApiToken(sandbox))
  expect(status).toBe(410)
  expect(text).toBe(
    '{"type":"error","error":{"message":"CHANGE-2770 - Functionality has been deprecated",' +
      '"detail":"Please read the changelog entry for more details.",' +
      '"data":{"announcement_url":"https://developer.atlassian.com/cloud/bitbucket/changelog#CHANGE-2770"}}}',
  )
})

test('answers 404 in JSON to other paths below /2.0, and 403 outside /2.0', async ({ sandbox }) => {
  const header = withApiToken(sandbox)
  const unknown = await askRest(sandbox, '/2.0/nothing', header)
  expect([unknown.status, JSON.parse(unknown.text).error.message]).toEqual([404, 'Resource not found'])
  expect((await askRest(sandbox, '/2.0/user', header, { method: 'DELETE' })).status).toBe(404)
  expect((await askRest(sandbox, '/2.0/100%', header)).status).toBe(404)
  const outside = await askRest(sandbox, '/user', header)
  expect([outside.status, outside.text]).toEqual([403, '{"type":"error","error":{"message":"Forbidden"}}'])
})

test('ignores a token in the query string', async ({ sandbox }) => {
  const token = encodeURIComponent(sandbox.issue('oauth-token'))
  expect((await askRest(sandbox, `/2.0/user?access_token=${token}`)).status).toBe(401)
})

test('issues tokens with real prefixes and with characters that need encoding', async () => {
  const { credentials } = await start()
  expect(credentials.apiToken).toMatch(/^ATATT3x[A-Za-z0-9+/=_-]+=[A-Za-z0-9]{8}$/)
  expect(credentials.accessToken).toMatch(/^ATCTT3x[A-Za-z0-9+/=_-]+=[A-Za-z0-9]{8}$/)
  for (const token of [credentials.apiToken, credentials.accessToken, credentials.refreshToken]) {
    for (const character of '+/=') expect(token).toContain(character)
  }
})
