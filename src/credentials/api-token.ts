import type { AccessToken } from '../bitbucket/credential.ts'
import { basicCredentials } from '../secret.ts'
import type { GivenCredential } from './choose.ts'

/**
 * An Atlassian API token. REST takes it with the account's e-mail by HTTP Basic, git with a fixed user name:
 * the e-mail is refused there (Atlassian support: "Using API tokens"). It tells no expiry of its own.
 */
export function fromApiToken(given: GivenCredential & { kind: 'api-token' }): AccessToken {
  return {
    kind: given.kind,
    token: given.apiToken,
    tokenType: 'basic',
    authorization: basicCredentials(given.email, given.apiToken).derive((value) => `Basic ${value}`),
    gitUsername: 'x-bitbucket-api-token-auth',
    expiresIn: undefined,
    expiryIsAssumed: false,
    scopes: undefined,
    refreshToken: undefined,
  }
}
