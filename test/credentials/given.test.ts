import { expect, test } from 'vitest'
import { fromAccessToken } from '../../src/credentials/access-token.ts'
import { fromApiToken } from '../../src/credentials/api-token.ts'
import { Secret } from '../../src/secret.ts'

/** What no one has told, and what is not made up. */
const untold = {
  expiresIn: undefined,
  expiryIsAssumed: false,
  scopes: undefined,
  refreshToken: undefined,
}

test('an API token goes to REST with the e-mail and to git with a name of its own', () => {
  const apiToken = new Secret('hunter')
  expect(fromApiToken({ kind: 'api-token', email: 'ann@example.com', apiToken })).toEqual({
    kind: 'api-token',
    token: apiToken,
    tokenType: 'basic',
    authorization: new Secret(`Basic ${btoa('ann@example.com:hunter')}`),
    gitUsername: 'x-bitbucket-api-token-auth',
    ...untold,
  })
})

test('an access token goes everywhere as it is', () => {
  const accessToken = new Secret('hunter')
  expect(fromAccessToken({ kind: 'access-token', accessToken })).toEqual({
    kind: 'access-token',
    token: accessToken,
    tokenType: 'bearer',
    authorization: new Secret('Bearer hunter'),
    gitUsername: 'x-token-auth',
    ...untold,
  })
})
