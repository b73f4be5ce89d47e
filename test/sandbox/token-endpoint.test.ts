import { describe, expect } from 'vitest'
import { ask, askRest, askToken, basic, clock, grant, start, test } from './start.ts'

const clientCredentials = { grant_type: 'client_credentials' }
const refresh = (token: string) => ({ grant_type: 'refresh_token', refresh_token: token })

describe('client_credentials', () => {
  test('since May 2026 returns scope, no refresh token and more than 2,500 characters', async ({
    sandbox,
  }) => {
    const { status, type, text } = await askToken(sandbox, clientCredentials)
    const { access_token: token, ...rest } = JSON.parse(text)
    expect(status).toBe(200)
    expect(type).toBe('application/json; charset=utf-8')
    expect(JSON.stringify(rest)).toBe(
      '{"scope":"account repository repository:write pullrequest","expires_in":7200,"token_type":"bearer"}',
    )
    expect(token.length).toBeGreaterThan(2500)
    // The token uses RFC 6750's alphabet and contains each of the characters that reveal a missing encoding.
    expect(token).toMatch(/^[A-Za-z0-9._~+/-]+=+$/)
    expect(token).toContain('+')
    expect(token).toContain('/')
  })

  test('before May 2026 returned scopes, state, a refresh token and about 85 characters', async () => {
    const sandbox = await start({ answers: 'legacy', scopes: ['repository'], accessTokenLifetime: 3 })
    const answer = JSON.parse((await askToken(sandbox, clientCredentials)).text)
    expect(Object.keys(answer)).toEqual([
      'access_token',
      'scopes',
      'expires_in',
      'refresh_token',
      'token_type',
      'state',
    ])
    expect(answer).toMatchObject({ scopes: 'repository', expires_in: 3, state: 'client_credentials' })
    expect(answer.access_token).toHaveLength(85)
    expect(answer.access_token).toMatch(/=$/)
    expect(sandbox.isLive(answer.refresh_token)).toBe(true)
    const reader = JSON.parse(
      (await askToken(sandbox, clientCredentials, sandbox.issue('consumer', { scopes: ['account'] }))).text,
    )
    const user = await askRest(sandbox, '/2.0/user', `Bearer ${reader.access_token}`)
    expect(JSON.parse(user.text)).toMatchObject({ type: 'user' })
    expect(sandbox.credentials.clientId).toHaveLength(18)
    expect(sandbox.credentials.clientSecret).toHaveLength(32)
  })

  test('leaves earlier tokens valid, and each expires after its lifetime', async () => {
    const time = clock()
    const sandbox = await start({ now: time.now, accessTokenLifetime: 100 })
    const first = (await grant(sandbox, clientCredentials)).access_token
    time.advance(99)
    const second = (await grant(sandbox, clientCredentials)).access_token
    expect([sandbox.isLive(first), sandbox.isLive(second)]).toEqual([true, true])
    time.advance(1)
    expect([sandbox.isLive(first), sandbox.isLive(second)]).toEqual([false, true])
  })
})

describe('refresh_token', () => {
  test('rotates, and the old token works for ten minutes after its first use, not its last use', async () => {
    const time = clock()
    const sandbox = await start({ now: time.now })
    const old = sandbox.credentials.refreshToken
    time.advance(80 * 24 * 3600)

    const first = await grant(sandbox, refresh(old))
    expect(first.refresh_token).not.toBe(old)
    time.advance(599)
    const again = await grant(sandbox, refresh(old))
    expect(new Set([old, first.refresh_token, again.refresh_token]).size).toBe(3)
    time.advance(1)
    expect(await askToken(sandbox, refresh(old))).toMatchObject({
      status: 400,
      text: '{"error_description":"Invalid refresh_token","error":"invalid_grant"}',
    })
    expect(sandbox.isLive(old)).toBe(false)
    expect(sandbox.isLive(first.refresh_token)).toBe(true)
    await grant(sandbox, refresh(first.refresh_token))
  })

  test('works after its first use as long as refreshTokenGrace says', async () => {
    const time = clock()
    const sandbox = await start({ now: time.now, refreshTokenGrace: 5 })
    await grant(sandbox, refresh(sandbox.credentials.refreshToken))
    time.advance(5)
    expect((await askToken(sandbox, refresh(sandbox.credentials.refreshToken))).status).toBe(400)
  })

  test('expires after three months without use', async () => {
    const time = clock()
    const sandbox = await start({ now: time.now })
    time.advance(90 * 24 * 3600)
    expect((await askToken(sandbox, refresh(sandbox.credentials.refreshToken))).status).toBe(400)
  })

  test('before 2026 never rotated, and was refused with another error code', async () => {
    const sandbox = await start({ answers: 'legacy' })
    const old = sandbox.credentials.refreshToken
    expect((await grant(sandbox, refresh(old))).refresh_token).toBe(old)
    expect((await askToken(sandbox, refresh('nonsense'))).text).toBe(
      '{"error_description":"Invalid refresh_token","error":"invalid_request"}',
    )
  })

  test('acts as the user who consented, with the scopes of the refresh token', async ({ sandbox }) => {
    const narrow = sandbox.issue('refresh-token', { scopes: ['account'] })
    const { text } = await askToken(sandbox, refresh(narrow))
    const { scope, access_token: token } = JSON.parse(text)
    expect(scope).toBe('account')
    const user = await askRest(sandbox, '/2.0/user', `Bearer ${token}`)
    expect(JSON.parse(user.text)).toMatchObject({ type: 'user', username: 'sandbox-user' })
  })

  test('belongs to one consumer', async ({ sandbox }) => {
    const other = sandbox.issue('consumer')
    expect((await askToken(sandbox, refresh(sandbox.credentials.refreshToken), other)).status).toBe(400)
    const theirs = sandbox.issue('refresh-token', { clientId: other.clientId })
    expect((await askToken(sandbox, refresh(theirs), other)).status).toBe(200)
    expect(() => sandbox.issue('refresh-token', { clientId: 'nobody' })).toThrow('no consumer')
  })

  test('is refused if it is revoked or missing', async ({ sandbox }) => {
    sandbox.revoke(sandbox.credentials.refreshToken)
    expect(sandbox.isLive(sandbox.credentials.refreshToken)).toBe(false)
    expect((await askToken(sandbox, refresh(sandbox.credentials.refreshToken))).status).toBe(400)
    expect((await askToken(sandbox, { grant_type: 'refresh_token' })).text).toContain('Invalid refresh_token')
  })
})

describe('refuses with Bitbucket’s exact answer:', () => {
  const refusal = (description: string, error: string) => ({
    status: 400,
    type: 'application/json; charset=utf-8',
    text: JSON.stringify({ error_description: description, error }),
  })

  test('a public consumer', async ({ sandbox }) => {
    const consumer = sandbox.issue('consumer', { public: true })
    expect(await askToken(sandbox, clientCredentials, consumer)).toMatchObject(
      refusal(
        'Cannot use client_credentials with a consumer marked as "public". Calls for auto generated consumers should use urn:bitbucket:oauth2:jwt instead.',
        'invalid_grant',
      ),
    )
  })

  test('a consumer without a callback URL', async ({ sandbox }) => {
    const consumer = sandbox.issue('consumer', { callback: false })
    const expected = refusal('No callback uri defined for the OAuth client.', 'invalid_request')
    expect(await askToken(sandbox, clientCredentials, consumer)).toMatchObject(expected)
    const token = sandbox.issue('refresh-token', { clientId: consumer.clientId })
    expect(await askToken(sandbox, refresh(token), consumer)).toMatchObject(expected)
  })

  test.each(['key', 'secret', 'both swapped', 'key since revoked', 'secret since revoked'])(
    'the wrong consumer (%s)',
    async (wrong) => {
      const sandbox = await start()
      const { clientId, clientSecret } = sandbox.credentials
      if (wrong === 'key since revoked') sandbox.revoke(clientId)
      if (wrong === 'secret since revoked') sandbox.revoke(clientSecret)
      const credentials = {
        key: { clientId: 'x', clientSecret },
        secret: { clientId, clientSecret: clientSecret.slice(0, -1) },
        'both swapped': { clientId: clientSecret, clientSecret: clientId },
      }[wrong]
      expect(await askToken(sandbox, clientCredentials, credentials)).toMatchObject(
        refusal('Invalid OAuth client credentials', 'unauthorized_client'),
      )
    },
  )

  test.each([undefined, 'Basic !', 'Digest a'])(
    'a request with the Authorization header %s',
    async (authorization) => {
      const sandbox = await start()
      const answer = await ask(`${sandbox.url}/site/oauth2/access_token`, {
        method: 'POST',
        headers: authorization === undefined ? {} : { authorization },
        body: new URLSearchParams(clientCredentials),
      })
      expect(answer).toMatchObject(
        refusal('Requests must be authenticated using OAuth client credentials', 'unauthorized_client'),
      )
    },
  )

  test('a JSON body', async ({ sandbox }) => {
    const { clientId, clientSecret } = sandbox.credentials
    const answer = await ask(`${sandbox.url}/site/oauth2/access_token`, {
      method: 'POST',
      headers: { authorization: basic(clientId, clientSecret), 'content-type': 'application/json' },
      body: JSON.stringify(clientCredentials),
    })
    expect(answer).toMatchObject(refusal('Unsupported grant type: None', 'invalid_grant'))
  })

  test.each([
    ['password', 'Invalid resource owner username/password', 'invalid_request'],
    ['authorization_code', 'The specified code is not valid.', 'invalid_grant'],
    ['urn:bitbucket:oauth2:jwt', 'Unsupported grant type: urn:bitbucket:oauth2:jwt', 'invalid_grant'],
  ])('the grant %s', async (grantType, description, error) => {
    const sandbox = await start()
    expect(await askToken(sandbox, { grant_type: grantType })).toMatchObject(refusal(description, error))
  })

  test.each(['parameters in the query string', 'Bearer scheme'])(
    '%s, with a page instead of JSON',
    async (mistake) => {
      const sandbox = await start()
      const { clientId, clientSecret } = sandbox.credentials
      const scheme = mistake === 'Bearer scheme' ? 'Bearer' : 'Basic'
      const query = mistake === 'Bearer scheme' ? '' : '?grant_type=client_credentials'
      const answer = await ask(`${sandbox.url}/site/oauth2/access_token${query}`, {
        method: 'POST',
        headers: { authorization: basic(clientId, clientSecret).replace('Basic', scheme) },
        body: new URLSearchParams(clientCredentials),
      })
      expect(answer.type).toBe('text/html; charset=utf-8')
      expect(answer.text).toMatch(/^<!DOCTYPE html>/)
    },
  )

  test('GET and other paths of the site, with a page', async ({ sandbox }) => {
    const type = 'text/html; charset=utf-8'
    expect(await ask(`${sandbox.url}/site/oauth2/access_token`)).toMatchObject({ status: 405, type })
    expect(await ask(`${sandbox.url}/site/oauth2/revoke`)).toMatchObject({ status: 404, type })
    expect(await ask(`${sandbox.url}/2.0/user`)).toMatchObject({ status: 404, type })
  })
})
