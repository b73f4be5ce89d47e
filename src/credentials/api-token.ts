import { basicCredentials } from '../secret.ts'
import { bearer } from './bearer.ts'
import type { KindDefinition } from './kind.ts'

/**
 * An Atlassian API token, used as it is. REST takes it with the account's email address in HTTP Basic, git with a fixed
 * user name (Atlassian support: "Using API tokens"). Atlassian shows the date on which it expires, at most a year ahead, but no
 * API returns it.
 */
export const apiToken: KindDefinition<'email' | 'api-token'> = {
  kind: 'api-token',
  label: 'API token',
  inputs: ['email', 'api-token'],
  isIssued: false,
  renewal:
    'Create a new API token with the same scopes at https://id.atlassian.com/manage-profile/security/api-tokens.',
  async obtain({ email, 'api-token': secret }) {
    return {
      ...bearer('api-token', secret),
      tokenType: 'basic',
      authorization: basicCredentials(email, secret).derive((value) => `Basic ${value}`),
      gitUsername: 'x-bitbucket-api-token-auth',
      restUsername: email,
    }
  },
  adviseOnMissingScopes(missing) {
    const wrongNames = missing.filter((scope) => !scope.endsWith(':bitbucket'))
    return wrongNames.length === 0
      ? "An API token's scopes cannot be changed: create a new token that has them. No scope includes another, so add the read scope next to the write scope."
      : `API tokens have scopes with other names, such as read:repository:bitbucket, and no scope includes another. These cannot be scopes of an API token: ${wrongNames.join(', ')}.`
  },
}
