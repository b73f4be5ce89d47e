import { expect, test } from 'vitest'
import { obtain } from '../../src/credentials/index.ts'
import { Secret } from '../../src/secret.ts'
import { answer, fakeHttp } from '../support/fake-http.ts'

/** What no one has told, and what is not made up. */
const untold = {
  expiresIn: undefined,
  expiryIsAssumed: false,
  scopes: undefined,
  refreshToken: undefined,
}
const { http, requests } = fakeHttp(answer(500, 'not to be asked'))
const endpoints = {
  http,
  url: new URL('https://bitbucket.org'),
  scopes: [],
  now: () => 0,
  hide() {},
  warn() {},
}

test('an API token goes to REST with the e-mail and to git with a name of its own', async () => {
  const apiToken = new Secret('hunter')
  expect(await obtain({ kind: 'api-token', email: 'ann@example.com', apiToken }, endpoints)).toEqual({
    kind: 'api-token',
    token: apiToken,
    tokenType: 'basic',
    authorization: new Secret(`Basic ${btoa('ann@example.com:hunter')}`),
    gitUsername: 'x-bitbucket-api-token-auth',
    ...untold,
  })
  expect(requests).toEqual([])
})

test('an access token goes everywhere as it is', async () => {
  const accessToken = new Secret('hunter')
  expect(await obtain({ kind: 'access-token', accessToken }, endpoints)).toEqual({
    kind: 'access-token',
    token: accessToken,
    tokenType: 'bearer',
    authorization: new Secret('Bearer hunter'),
    gitUsername: 'x-token-auth',
    ...untold,
  })
  expect(requests).toEqual([])
})
