import { createHash } from 'node:crypto'
import { describe, expect } from 'vitest'
import type { Sandbox } from '../../src/sandbox/index.ts'
import { ask, askRest, askToken, clock, start, test } from './start.ts'

const callback = 'http://localhost:3000/oauth-callback'
const verifier = 'a-verifier-of-at-least-43-characters-0123456789'
const challenge = createHash('sha256').update(verifier).digest('base64url')
const pkce = { code_challenge: challenge, code_challenge_method: 'S256' }

function consentUrl(sandbox: Sandbox, asked: Record<string, string> = {}): string {
  const usual = { client_id: sandbox.credentials.clientId, response_type: 'code', state: 's' }
  return `${sandbox.url}/site/oauth2/authorize?${new URLSearchParams({ ...usual, ...asked })}`
}

/** Presses a button, and returns the address to which the browser is sent. */
async function decide(sandbox: Sandbox, asked?: Record<string, string>, decision = 'grant'): Promise<URL> {
  const { status, headers } = await ask(consentUrl(sandbox, asked), {
    method: 'POST',
    body: new URLSearchParams({ decision }),
    redirect: 'manual',
  })
  expect(status).toBe(302)
  return new URL(headers.get('location') ?? '')
}

const codeFrom = (url: URL): string => url.searchParams.get('code') ?? ''
const redeem = (sandbox: Sandbox, code: string, more: Record<string, string> = {}) =>
  askToken(sandbox, { grant_type: 'authorization_code', code, ...more })
const refused = {
  status: 400,
  text: '{"error_description":"The specified code is not valid.","error":"invalid_grant"}',
}

describe('the page', () => {
  test('shows the consumer, its scopes and the callback URL', async ({ sandbox }) => {
    const { status, type, text } = await ask(consentUrl(sandbox))
    expect([status, type]).toEqual([200, 'text/html; charset=utf-8'])
    for (const shown of [sandbox.credentials.clientId, 'pullrequest', callback, 'Grant access', 'Cancel']) {
      expect(text).toContain(shown)
    }
  })

  test('does not redirect for an unknown consumer or callback URL', async ({ sandbox }) => {
    const without = sandbox.issue('consumer', { callback: false }).clientId
    const wrong: [Record<string, string>, string][] = [
      [{ client_id: 'nobody' }, 'Invalid client_id'],
      [{ client_id: without }, 'Invalid redirect_uri'],
      [{ redirect_uri: 'https://evil.example/' }, 'Invalid redirect_uri'],
      [{ redirect_uri: `${callback}.evil.example` }, 'Invalid redirect_uri'],
    ]
    for (const [asked, title] of wrong) {
      expect(await ask(consentUrl(sandbox, asked), { redirect: 'manual' })).toMatchObject({
        status: 400,
        text: expect.stringContaining(title),
      })
    }
  })

  test('accepts the registered callback URL and URLs that start with it', async ({ sandbox }) => {
    const { clientId } = sandbox.issue('consumer', { callback: 'http://localhost:4000' })
    for (const redirect_uri of ['http://localhost:4000', 'http://localhost:4000/back']) {
      const { origin, pathname } = await decide(sandbox, { client_id: clientId, redirect_uri })
      expect(origin + pathname).toBe(new URL(redirect_uri).href)
    }
  })

  test.each([
    [{ response_type: 'id_token' }, 'unsupported_response_type'],
    [{ scope: 'repository:admin' }, 'invalid_scope'],
    [{ code_challenge: 'x', code_challenge_method: 'plain' }, 'invalid_request'],
  ])('redirects %o with the error %s', async (asked, error) => {
    const { searchParams } = await decide(await start(), asked as Record<string, string>)
    expect(Object.fromEntries(searchParams)).toMatchObject({ error, state: 's' })
  })

  test('redirects with an error if the user declines', async () => {
    const { searchParams } = await decide(await start(), {}, 'cancel')
    expect(Object.fromEntries(searchParams)).toEqual({
      error: 'access_denied',
      error_description: 'The resource owner denied the request',
      state: 's',
    })
  })
})

describe('a code', () => {
  test('returns tokens of the user who consented, once', async ({ sandbox }) => {
    const back = await decide(sandbox)
    expect(back.href).toMatch(/^http:\/\/localhost:3000\/oauth-callback\?code=[\w-]+&state=s$/)
    const answer = JSON.parse((await redeem(sandbox, codeFrom(back))).text)
    expect(sandbox.isLive(answer.refresh_token)).toBe(true)
    const user = await askRest(sandbox, '/2.0/user', `Bearer ${answer.access_token}`)
    expect(JSON.parse(user.text)).toMatchObject({ type: 'user' })
    expect(await redeem(sandbox, codeFrom(back))).toMatchObject(refused)
  })

  test('works only with its consumer, callback and verifier, and a wrong callback or verifier uses it up', async ({
    sandbox,
  }) => {
    const other = sandbox.issue('consumer')
    const code = codeFrom(await decide(sandbox, { ...pkce, redirect_uri: callback }))
    const form = { grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: callback }
    expect(await askToken(sandbox, form, other)).toMatchObject(refused)
    expect(await askToken(sandbox, form)).toMatchObject({ status: 200 })

    for (const wrong of [
      { code_verifier: 'wrong' },
      { redirect_uri: `${callback}/x` },
      { code_verifier: '' },
    ]) {
      const next = codeFrom(await decide(sandbox, { ...pkce, redirect_uri: callback }))
      expect(await askToken(sandbox, { ...form, code: next, ...wrong })).toMatchObject(refused)
      expect(await askToken(sandbox, { ...form, code: next })).toMatchObject(refused)
    }
  })

  test('expires after ten minutes', async () => {
    const time = clock()
    const sandbox = await start({ now: time.now })
    const [early, late] = [codeFrom(await decide(sandbox)), codeFrom(await decide(sandbox))]
    time.advance(599)
    expect(await redeem(sandbox, early)).toMatchObject({ status: 200 })
    time.advance(1)
    expect(await redeem(sandbox, late)).toMatchObject(refused)
  })
})

test('the implicit grant returns an access token after the #, and no refresh token', async ({ sandbox }) => {
  const { search, hash } = await decide(sandbox, { response_type: 'token' })
  const answer = new URLSearchParams(hash.slice(1))
  expect(search).toBe('')
  expect([...answer.keys()]).toEqual(['access_token', 'scopes', 'expires_in', 'token_type', 'state'])
  expect(sandbox.isLive(answer.get('access_token') ?? '')).toBe(true)
})
