import { invalid } from '../read-value.ts'
import { basicCredentials } from '../secret.ts'
import { bearer } from './bearer.ts'
import { defineKind } from './kind.ts'
import { refusePair } from './refuse-pair.ts'

/**
 * An Atlassian API token, used as it is. REST takes it with the account's email address in HTTP Basic, git with a fixed
 * user name (Atlassian support: "Using API tokens"). Atlassian shows the date on which it expires, at most a year ahead, but no
 * API returns it.
 */
export const apiToken = defineKind({
  kind: 'api-token',
  label: 'API token',
  inputs: {
    email: {
      type: 'text',
      help: 'The email address of the Atlassian account that owns the API token.',
      otherNames: ['useremail', 'atlassianemail', 'username', 'user'],
    },
    'api-token': {
      type: 'text',
      secret: true,
      help: 'An Atlassian API token with Bitbucket scopes.',
      otherNames: ['userapitoken', 'atlassianapitoken', 'apppassword', 'password'],
    },
  },
  basic: { user: 'email', password: 'api-token' },
  formats: [
    {
      pattern: /^ATATT/,
      is: 'an API token (ATATT…)',
      // An API token as access-token gets this hint only if Bitbucket refuses it, because some users report that it works.
      fits: ['api-token'],
      belongs: "It belongs in api-token, with its account's email address in email.",
    },
  ],
  isIssued: false,
  howToReplace:
    'Create a new API token with the same scopes at https://id.atlassian.com/manage-profile/security/api-tokens.',
  usualExpiry: () =>
    'Bitbucket does not say; at most a year after it was created: id.atlassian.com → Security → API tokens',
  checkInputs({ email, 'api-token': token }, names) {
    if (email !== undefined && !/^[^\s@:]+@[^\s@:]+$/.test(email)) {
      throw invalid(
        `${names.nameOf('email')} is not an email address.`,
        'Give the email address of the Atlassian account, not a user name. Bitbucket requires it with an API token.',
      )
    }
    // No API token begins like this.
    if (token?.matches(/^ATCTT/)) {
      throw invalid(
        `${names.nameOf('api-token')} is an access token (ATCTT…).`,
        `Give it in ${names.nameOf('access-token')}, without ${names.nameOf('email')}.`,
      )
    }
    refusePair(token, email, { password: 'api-token', user: 'email' }, names)
  },
  async obtain({ email, 'api-token': secret }) {
    return {
      ...bearer('api-token', secret),
      tokenType: 'basic',
      authorization: basicCredentials(email, secret).derive((value) => `Basic ${value}`),
      gitUsername: 'x-bitbucket-api-token-auth',
      restUsername: email,
    }
  },
  tokenName: 'API token',
  hasAccount: 'always',
  adviseOnRefusal: () =>
    [
      'Check in this order:',
      '- email is the address of the Atlassian account that owns the token, not a user name;',
      '- the token was created "with scopes" for the app Bitbucket (Bitbucket refuses a token without scopes, or for Jira or Confluence);',
      '- it has not expired (a year at most) and was not revoked: id.atlassian.com → Security → API tokens;',
      '- the value is an API token: Bitbucket removed app passwords on 2026-07-28.',
    ].join('\n'),
  adviseOnMissingScopes(missing) {
    const wrongNames = missing.filter((scope) => !scope.endsWith(':bitbucket'))
    return wrongNames.length === 0
      ? "An API token's scopes cannot be changed: create a new token that has them. No scope includes another, so add the read scope next to the write scope."
      : `API tokens have scopes with other names, such as read:repository:bitbucket, and no scope includes another. These cannot be scopes of an API token: ${wrongNames.join(', ')}.`
  },
})
