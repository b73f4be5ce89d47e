import { expect } from 'vitest'
import { inputsFor, startBitbucket, test } from './support/bitbucket.ts'
import { failsEverywhere } from './support/everywhere.ts'

// Exit status 3: Bitbucket refuses the credential. Exit status 4: it is valid, but not for what the job needs.

test('exits 3 for a wrong client secret', async ({ bitbucket }) => {
  bitbucket.revoke(bitbucket.credentials.clientSecret)
  const inputs = inputsFor.consumer(bitbucket)
  expect(await failsEverywhere({ bitbucket, inputs })).toMatchInlineSnapshot(`
    "POST /site/oauth2/access_token -> 400
    error: Bitbucket refused the client credentials (status 400, unauthorized_client, "Invalid OAuth client credentials").
    The ID (key) or the secret of the OAuth client is wrong, or the client was deleted. Copy Client ID (formerly "Key") and Secret again from Workspace settings → Apps and features → OAuth clients (formerly "OAuth consumers") → the client.
    User names, passwords, API tokens and app passwords do not work here.
    exit 3"
  `)
})

test('exits 3 for a public consumer', async ({ bitbucket }) => {
  const { clientId, clientSecret } = bitbucket.issue('consumer', { public: true })
  const inputs = { 'client-id': clientId, 'client-secret': clientSecret }
  expect(await failsEverywhere({ bitbucket, inputs })).toMatchInlineSnapshot(`
    "POST /site/oauth2/access_token -> 400
    error: Bitbucket refused the client credentials (status 400, invalid_grant, "Cannot use client_credentials with a consumer marked as "public". Calls for auto generated consumers should use urn:bitbucket:oauth2:jwt instead.").
    The OAuth client is public.
    Enable the grant "Client credentials" for this client: Workspace settings → Apps and features → OAuth clients (formerly "OAuth consumers") → the client, tab Authorization: tick it, and enter a callback URL.
    In the older interface: OAuth consumers → Edit: tick "This is a private consumer", and enter a callback URL.
    exit 3"
  `)
})

test('exits 3 for a consumer without a callback URL', async ({ bitbucket }) => {
  const { clientId, clientSecret } = bitbucket.issue('consumer', { callback: false })
  const inputs = { 'client-id': clientId, 'client-secret': clientSecret }
  expect(await failsEverywhere({ bitbucket, inputs })).toMatchInlineSnapshot(`
    "POST /site/oauth2/access_token -> 400
    error: Bitbucket refused the client credentials (status 400, invalid_request, "No callback uri defined for the OAuth client.").
    The OAuth client has no callback URL. Workspace settings → Apps and features → OAuth clients (formerly "OAuth consumers") → the client, tab Authorization (formerly Edit): enter a callback URL. Any URL works, such as https://example.com, because this grant never calls it.
    exit 3"
  `)
})

test.each([
  ['since May 2026', '2026', 'invalid_grant'],
  ['before May 2026', 'legacy', 'invalid_request'],
] as const)('exits 3 for an invalid refresh token, answered as %s', async (_, answers, code) => {
  const bitbucket = await startBitbucket({ answers })
  bitbucket.revoke(bitbucket.credentials.refreshToken)
  const inputs = inputsFor.refreshToken(bitbucket)
  const told = await failsEverywhere({ bitbucket, inputs })
  expect(told).toContain(code)
  expect(told.replace(code, '<code>')).toMatchInlineSnapshot(`
    "POST /site/oauth2/access_token -> 400
    error: Bitbucket refused the refresh token or its client (status 400, <code>, "Invalid refresh_token").
    The refresh token is no longer valid. Each use returns a new one, and Bitbucket drops the old one about ten minutes later. It also drops a refresh token that was not used for three months.
    Store the newest refresh token, or use client credentials, which need none.
    exit 3"
  `)
})

test('exits 3 for an API token with the email of another account', async ({ bitbucket }) => {
  const inputs = { ...inputsFor.apiToken(bitbucket), email: 'somebody.else@example.com' }
  expect(await failsEverywhere({ bitbucket, inputs })).toMatchInlineSnapshot(`
    "GET /2.0/user -> 401
    error: Bitbucket refused the API token (status 401: "Token is invalid, expired, or not supported for this endpoint.").
    Check in this order:
    - email is the address of the Atlassian account that owns the token, not a user name;
    - the token was created "with scopes" for the app Bitbucket (Bitbucket refuses a token without scopes, or for Jira or Confluence);
    - it has not expired (a year at most) and was not revoked: id.atlassian.com → Security → API tokens;
    - the value is an API token: Bitbucket removed app passwords on 2026-07-28.
    exit 3"
  `)
})

test.each([
  ['without scopes', { scopes: [] }],
  ['expired', { expired: true }],
])('exits 3 for an API token %s with the usual advice', async (_, options) => {
  const bitbucket = await startBitbucket()
  const inputs = { ...inputsFor.apiToken(bitbucket), 'api-token': bitbucket.issue('api-token', options) }
  const told = await failsEverywhere({ bitbucket, inputs })
  expect(told).toContain('- the token was created "with scopes" for the app Bitbucket')
  expect(told).toMatch(/\nexit 3$/)
})

test('exits 3 for a revoked access token', async ({ bitbucket }) => {
  bitbucket.revoke(bitbucket.credentials.accessToken)
  const inputs = inputsFor.accessToken(bitbucket)
  expect(await failsEverywhere({ bitbucket, inputs })).toMatchInlineSnapshot(`
    "GET /2.0/user -> 401
    error: Bitbucket refused the access token (status 401: "Token is invalid, expired, or not supported for this endpoint.").
    Check in this order:
    - the token has not expired and was not revoked: settings of its repository, project or workspace → Access tokens;
    - it is an access token (ATCTT…), not an API token (ATATT…), which goes into api-token with its email;
    - it was not issued by an earlier run: an OAuth token expires after two hours.
    - it may read an account. A repository access token may not: set repository to check it with that repository.
    exit 3"
  `)
})

test('exits 3 for an expired OAuth token of an earlier run', async ({ bitbucket }) => {
  const inputs = { 'access-token': bitbucket.issue('oauth-token', { expired: true }) }
  const told = await failsEverywhere({ bitbucket, inputs })
  expect(told).toContain('"Access token expired."')
  expect(told).toMatch(/\nexit 3$/)
})

test('exits 3 for an API token in access-token', async ({ bitbucket }) => {
  const inputs = { 'access-token': bitbucket.credentials.apiToken }
  const told = await failsEverywhere({ bitbucket, inputs })
  expect(told.split('\n')[1]).toBe(
    'error: Bitbucket refused the access token (status 401: "Token is invalid, expired, or not supported for this endpoint."). The value of access-token is an API token (ATATT…). It belongs in api-token, with its account\'s email address in email.',
  )
  expect(told).toContain('not an API token (ATATT…), which goes into api-token with its email')
  expect(told).toMatch(/\nexit 3$/)
})

test('masks the secret and disarms the commands in an answer that contains them', async ({ bitbucket }) => {
  const { clientId, clientSecret } = bitbucket.credentials
  const description = `No client ${clientId}\n::set-env name=PATH::/evil\n##vso[task.prependpath]/evil ${clientSecret} \u001b[31m${'x'.repeat(5_000)}`
  const told = await failsEverywhere({
    bitbucket,
    inputs: inputsFor.consumer(bitbucket),
    before: () =>
      bitbucket.script({
        status: 400,
        body: { error: 'unauthorized_client', error_description: description },
      }),
  })
  expect(told.replace(/x{100,}…/, '<cut>')).toMatchInlineSnapshot(`
    "POST /site/oauth2/access_token -> 400
    error: Bitbucket refused the client credentials (status 400, unauthorized_client, "No client <client id> ::set-env name=PATH::/evil # #vso[task.prependpath]/evil *** [31m<cut>
    The ID (key) or the secret of the OAuth client is wrong, or the client was deleted. Copy Client ID (formerly "Key") and Secret again from Workspace settings → Apps and features → OAuth clients (formerly "OAuth consumers") → the client.
    User names, passwords, API tokens and app passwords do not work here.
    exit 3"
  `)
})

test('masks a token in an answer even if it is longer than the quoted text', async ({ bitbucket }) => {
  const { refreshToken } = bitbucket.credentials
  expect(refreshToken.length).toBeGreaterThan(2_500)
  const told = await failsEverywhere({
    bitbucket,
    inputs: inputsFor.refreshToken(bitbucket),
    before: () =>
      bitbucket.script({
        status: 400,
        body: { error: 'invalid_grant', error_description: `Invalid refresh token: ${refreshToken}` },
      }),
  })
  expect(told).toContain('(status 400, invalid_grant, "Invalid refresh token: ***")')
})

test('exits 4 for a scope that was not granted', async () => {
  const bitbucket = await startBitbucket({ scopes: ['repository'] })
  const inputs = { ...inputsFor.consumer(bitbucket), scopes: 'repository pullrequest:write' }
  expect(await failsEverywhere({ bitbucket, inputs })).toMatchInlineSnapshot(`
    "POST /site/oauth2/access_token -> 200
    error: The credential lacks pullrequest:write. It has repository.
    Add them to the OAuth client: Workspace settings → Apps and features → OAuth clients (formerly "OAuth consumers") → the client, tab Scopes (formerly Edit → Permissions).
    exit 4"
  `)
})

test('exits 4 for a scope of an API token, although it has the write scope', async ({ bitbucket }) => {
  const apiToken = bitbucket.issue('api-token', {
    scopes: ['read:user:bitbucket', 'write:repository:bitbucket'],
  })
  const inputs = {
    ...inputsFor.apiToken(bitbucket),
    'api-token': apiToken,
    scopes: 'read:repository:bitbucket',
  }
  expect(await failsEverywhere({ bitbucket, inputs })).toMatchInlineSnapshot(`
    "GET /2.0/user -> 200
    error: The credential lacks read:repository:bitbucket. It has read:user:bitbucket, write:repository:bitbucket.
    An API token's scopes cannot be changed: create a new token that has them. No scope includes another, so add the read scope next to the write scope.
    exit 4"
  `)
})

test('exits 4 for an OAuth scope with an API token', async ({ bitbucket }) => {
  const inputs = { ...inputsFor.apiToken(bitbucket), scopes: 'repository:write' }
  expect(await failsEverywhere({ bitbucket, inputs })).toMatchInlineSnapshot(`
    "GET /2.0/user -> 200
    error: The credential lacks repository:write. It has read:user:bitbucket, read:workspace:bitbucket, read:repository:bitbucket, write:repository:bitbucket.
    API tokens have scopes with other names, such as read:repository:bitbucket, and no scope includes another. These cannot be scopes of an API token: repository:write.
    exit 4"
  `)
})

test('exits 4 if a scope is missing to read the repository', async () => {
  const bitbucket = await startBitbucket({ scopes: ['account'] })
  const inputs = { ...inputsFor.consumer(bitbucket), repository: bitbucket.repository }
  expect(await failsEverywhere({ bitbucket, inputs })).toMatchInlineSnapshot(`
    "POST /site/oauth2/access_token -> 200
    GET /2.0/repositories/sandbox/hello -> 403
    error: The credential is valid, but reading sandbox/hello needs repository; it has account.
    Scopes belong to the credential. Add them to the OAuth client, or create a new token that has them (you cannot change the scopes of a token).
    exit 4"
  `)
})

test('exits 4 if the credential has no access to the repository', async ({ bitbucket }) => {
  const inputs = {
    'access-token': bitbucket.issue('access-token', { repositories: ['sandbox/other'] }),
    repository: bitbucket.repository,
  }
  expect(await failsEverywhere({ bitbucket, inputs })).toMatchInlineSnapshot(`
    "GET /2.0/repositories/sandbox/hello -> 404
    error: The credential is valid, but it cannot read sandbox/hello (status 404: "You may not have access to this repository or it no longer exists in this workspace. If you think this repository exists and you have access, make sure you are authenticated.").
    Check that workspace and slug are the same as in the repository’s address.
    An OAuth client can read only its own workspace, and a repository or project access token only its own repository or project.
    exit 4"
  `)
})
