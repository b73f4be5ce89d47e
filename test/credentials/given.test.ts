import { expect, test } from 'vitest'
import { fromAccessToken } from '../../src/credentials/access-token.ts'
import { fromApiToken } from '../../src/credentials/api-token.ts'
import { Secret } from '../../src/secret.ts'

/** The fields that stay unknown if Bitbucket was not asked. */
const unknown = {
  expiresIn: undefined,
  expiryIsAssumed: false,
  scopes: undefined,
  refreshToken: undefined,
}

test('an API token uses the e-mail for REST and its own user name for git', () => {
  const apiToken = new Secret('hunter')
  expect(fromApiToken({ kind: 'api-token', email: 'ann@example.com', apiToken })).toEqual({
    kind: 'api-token',
    token: apiToken,
    tokenType: 'basic',
    authorization: new Secret(`Basic ${btoa('ann@example.com:hunter')}`),
    gitUsername: 'x-bitbucket-api-token-auth',
    ...unknown,
  })
})

test('an access token is used unchanged everywhere', () => {
  const accessToken = new Secret('hunter')
  expect(fromAccessToken({ kind: 'access-token', accessToken })).toEqual({
    kind: 'access-token',
    token: accessToken,
    tokenType: 'bearer',
    authorization: new Secret('Bearer hunter'),
    gitUsername: 'x-token-auth',
    ...unknown,
  })
})
