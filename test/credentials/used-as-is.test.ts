import { expect, test } from 'vitest'
import { accessToken } from '../../src/credentials/access-token.ts'
import { apiToken } from '../../src/credentials/api-token.ts'
import { Secret } from '../../src/secret.ts'
import { answer, endpointsAt, fakeHttp } from '../support/fake-http.ts'

const nowhere = endpointsAt(new URL('https://bitbucket.org'), fakeHttp(answer(500, '')).http)

/** What nobody has told this program, and what it must not make up. */
const unknown = {
  expiresIn: undefined,
  expiresAt: undefined,
  expiryIsAssumed: false,
  scopes: undefined,
  refreshToken: undefined,
}

test('an API token goes to REST with the email address and to git with a name of its own', async () => {
  const given = { email: 'ann@example.com', 'api-token': new Secret('hunter') }
  expect(await apiToken.obtain(given, nowhere)).toEqual({
    kind: 'api-token',
    secret: given['api-token'],
    tokenType: 'basic',
    authorization: new Secret(`Basic ${btoa('ann@example.com:hunter')}`),
    gitUsername: 'x-bitbucket-api-token-auth',
    restUsername: 'ann@example.com',
    ...unknown,
  })
})

test('an access token goes everywhere as it is', async () => {
  const given = { 'access-token': new Secret('hunter') }
  expect(await accessToken.obtain(given, nowhere)).toEqual({
    kind: 'access-token',
    secret: given['access-token'],
    tokenType: 'bearer',
    authorization: new Secret('Bearer hunter'),
    gitUsername: 'x-token-auth',
    restUsername: 'x-token-auth',
    ...unknown,
  })
})
