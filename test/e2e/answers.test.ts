import { expect } from 'vitest'
import { type Bitbucket, inputsFor, startBitbucket, test } from './support/bitbucket.ts'
import { failsEverywhere } from './support/everywhere.ts'
import { runShell } from './support/shell.ts'
import { complaint, requestsOf } from './support/transcript.ts'

// Answers of Bitbucket that are neither plain success nor one of the refusals in refusals.test.ts.

const restError = (message: string, detail?: string) => ({ type: 'error', error: { message, detail } })

/** Runs acquire and check with the same inputs, with the same answers each time. */
async function acquireAndCheck(bitbucket: Bitbucket, inputs: Record<string, string>, before: () => void) {
  before()
  const acquired = await runShell({ bitbucket, inputs })
  before()
  const checked = await runShell({ bitbucket, inputs, args: ['check'] })
  return { acquired, checked }
}

test('retries if the token endpoint is temporarily unavailable, with any status', async ({ bitbucket }) => {
  bitbucket.script({ status: 400, body: { error: 'temporarily_unavailable' } })
  const run = await runShell({ bitbucket, inputs: inputsFor.consumer(bitbucket) })
  expect(run.status).toBe(0)
  expect(run.stderr).toMatch(
    /answered with status 400 \(temporarily_unavailable\)\. Retrying in [\d.]+ s \(try 2 of 5\)/,
  )
})

test('acquire and check both exit 4 if a 403 denies access to an API token', async ({ bitbucket }) => {
  const message = 'To access this repository, an admin must whitelist your IP.'
  const inputs = inputsFor.apiToken(bitbucket)
  const deny = () => bitbucket.script({ status: 403, body: restError(message) })
  const { acquired, checked } = await acquireAndCheck(bitbucket, inputs, deny)
  for (const run of [acquired, checked]) {
    expect(run.status).toBe(4)
    expect(run.stdout).not.toContain('works')
    expect(complaint({ ...run, stdout: '' })).toContain(`(status 403: "${message}")`)
    expect(complaint({ ...run, stdout: '' })).toContain('allow list')
  }
})

test('warns if a 403 does not confirm an access token, because access tokens have no account', async ({
  bitbucket,
}) => {
  const message = 'This API is not accessible by this authentication mechanism'
  const deny = () => bitbucket.script({ status: 403, body: restError(message) })
  const { acquired, checked } = await acquireAndCheck(bitbucket, inputsFor.accessToken(bitbucket), deny)
  for (const run of [acquired, checked]) {
    expect(run.status).toBe(0)
    expect(run.stderr).toContain(
      `warning: Bitbucket did not confirm the access token (status 403: "${message}"). Set repository`,
    )
  }
})

test.each([
  [400, 'Bad request', 'Invalid Authorization header', 3],
  [402, 'Payment required.', 'The plan of acme has ended.', 4],
  [404, 'Resource not found', 'There is no API here.', 5],
  [410, 'CHANGE-2770 - Functionality has been deprecated', 'See the changelog.', 5],
])(
  "shows Bitbucket's own error with status %d and does not blame the network",
  async (code, message, detail, exit) => {
    const bitbucket = await startBitbucket()
    const fail = () => bitbucket.script({ status: code, body: restError(message, detail) })
    const { acquired, checked } = await acquireAndCheck(bitbucket, inputsFor.apiToken(bitbucket), fail)
    for (const run of [acquired, checked]) {
      expect(run.status).toBe(exit)
      expect(complaint(run)).toContain(message)
      expect(complaint(run)).toContain(detail)
      expect(complaint(run)).not.toMatch(/proxy|firewall/)
    }
    expect(complaint(acquired).includes('is out of date')).toBe(code === 404 || code === 410)
  },
)

test.each([
  ['api-token', (secret: string) => `ada@post.invalid:${secret}`, 'begins with an email address.'],
  ['api-token', (secret: string) => secret.replace(/^ATATT/, 'ATCTT'), 'is an access token (ATCTT…).'],
  ['access-token', (secret: string) => `Bearer ${secret}`, 'begins with "Bearer".'],
  ['access-token', (secret: string) => `x-token-auth:${secret}`, 'begins with the user name that git sends.'],
  ['refresh-token', (secret: string) => `Bearer ${secret}`, 'begins with "Bearer".'],
  ['client-secret', (secret: string) => `key:${secret.slice(5)}`, 'also contains'],
])('exits 2 without a request if %s holds more than the secret', async (name, wrap, says) => {
  const bitbucket = await startBitbucket()
  const { apiToken } = bitbucket.credentials
  const inputs = {
    ...(name === 'api-token' && { email: 'ada@post.invalid' }),
    ...(/^(client-secret|refresh-token)$/.test(name) && { 'client-id': 'key', 'client-secret': 'secret' }),
    [name]: wrap(apiToken),
    verify: 'false',
  }
  const told = await failsEverywhere({ bitbucket, inputs })
  expect(bitbucket.requests).toEqual([])
  expect(told).toContain(says)
  expect(told).toMatch(/\nexit 2$/)
})

test('accepts a credential and its scopes if the repository answers, even if the account does not', async ({
  bitbucket,
}) => {
  const inputs = {
    ...inputsFor.accessToken(bitbucket),
    repository: bitbucket.repository,
    scopes: 'repository:write',
  }
  const refuse = () => bitbucket.script({ path: '/2.0/user', status: 401, body: restError('Invalid.') })
  refuse()
  const checked = await runShell({ bitbucket, inputs, args: ['check', '--format', 'json'] })
  expect(requestsOf(checked)).toEqual(['GET /2.0/repositories/sandbox/hello -> 200', 'GET /2.0/user -> 401'])
  expect(checked.status).toBe(0)
  expect(JSON.parse(checked.stdout)).toMatchObject({
    ok: true,
    account: null,
    credential_type: 'repo_access_token',
    scopes: ['repository', 'repository:write', 'pullrequest'],
    notes: [expect.stringContaining('does not show the account: Bitbucket refused'), expect.anything()],
  })
  const acquired = await runShell({ bitbucket, inputs })
  expect(acquired.status).toBe(0)
})

test.each([
  ['name another scope', { 'x-oauth-scopes': 'wiki' }, 'lacks repository:write'],
  ['name no scopes', {}, 'did not say which scopes'],
])('acquire and check both exit 4 if the headers of the repository %s', async (_, headers, says) => {
  const bitbucket = await startBitbucket()
  const inputs = {
    ...inputsFor.accessToken(bitbucket),
    repository: bitbucket.repository,
    scopes: 'repository:write',
  }
  const answer = () => bitbucket.script({ path: '/2.0/repositories', status: 200, headers, body: {} })
  const { acquired, checked } = await acquireAndCheck(bitbucket, inputs, answer)
  for (const run of [acquired, checked]) {
    expect(run.status).toBe(4)
    expect(run.stderr).toContain(says)
    expect(run.stderr).not.toMatch(/verify: true|set `repository`/)
  }
})
