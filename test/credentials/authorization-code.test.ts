import { expect, test } from 'vitest'
import { fromAuthorizationCode } from '../../src/credentials/authorization-code.ts'
import { Secret } from '../../src/secret.ts'
import { answer, fakeHttp, onTheWire } from '../support/fake-http.ts'

const url = new URL('https://bitbucket.org')
const client = { id: 'key', secret: new Secret('hunter') }
const consent = {
  code: new Secret('a+b/c=&d'),
  callback: new URL('http://localhost:8976/callback'),
  verifier: 'of-the-challenge',
}

test('exchanges a code with the callback and the verifier of the request', async () => {
  const { http, requests } = fakeHttp(
    answer(200, { access_token: 'token', token_type: 'bearer', refresh_token: 'refresh', expires_in: 7200 }),
  )
  const issued = await fromAuthorizationCode(client, consent, { http, url })
  expect([issued.token, issued.refreshToken]).toEqual([new Secret('token'), new Secret('refresh')])
  expect(requests.map(onTheWire)).toMatchObject([
    {
      method: 'POST',
      url: 'https://bitbucket.org/site/oauth2/access_token',
      headers: { authorization: `Basic ${btoa('key:hunter')}` },
    },
  ])
  expect(Object.fromEntries(new URLSearchParams(requests[0]?.body?.reveal()))).toEqual({
    grant_type: 'authorization_code',
    code: 'a+b/c=&d',
    redirect_uri: 'http://localhost:8976/callback',
    code_verifier: 'of-the-challenge',
  })
})

test('says that the code was refused', async () => {
  const { http } = fakeHttp(answer(400, { error: 'invalid_grant' }))
  await expect(fromAuthorizationCode(client, consent, { http, url })).rejects.toThrow(
    /^Bitbucket refused the authorization code/,
  )
})
