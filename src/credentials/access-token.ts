import { bearer } from './bearer.ts'
import { defineKind } from './kind.ts'

/**
 * A repository, project or workspace access token, used as it is. Its settings page shows the date on which it expires
 * (Atlassian support: "Require access token expiry"), but no API returns it.
 */
export const accessToken = defineKind({
  kind: 'access-token',
  label: 'access token',
  inputs: {
    'access-token': {
      type: 'text',
      secret: true,
      inHeader: true,
      help: 'A repository, project or workspace access token.',
      otherNames: ['repositoryaccesstoken', 'workspaceaccesstoken', 'oauthtoken', 'token'],
    },
  },
  formats: [
    {
      pattern: /^ATCTT/,
      is: 'an access token (ATCTT…)',
      fits: ['access-token'],
      belongs: 'It belongs in access-token.',
    },
    {
      // Bitbucket's newer OAuth tokens and the OIDC tokens of Pipelines have this format.
      pattern: /^eyJ[\w-]+\.[\w-]+\.[\w-]*$/,
      is: 'a JWT, like an OAuth access token',
      fits: ['access-token', 'refresh-token'],
      belongs:
        'An OAuth access token belongs in access-token; Bitbucket does not accept the OIDC tokens of Pipelines.',
    },
  ],
  isIssued: false,
  isExported: true,
  howToReplace:
    'Create a new access token with the same scopes in the settings of its repository, project or workspace → Access tokens.',
  usualExpiry: (type) =>
    type?.endsWith('_access_token')
      ? 'the API does not say; see the settings page → Access tokens'
      : 'Bitbucket does not say; two hours after it was issued if it is an OAuth token',
  async obtain({ 'access-token': secret }) {
    return bearer('access-token', secret)
  },
  tokenName: 'access token',
  hasAccount: 'seldom',
  adviseOnRefusal: (repository) =>
    [
      'Check in this order:',
      '- the token has not expired and was not revoked: settings of its repository, project or workspace → Access tokens;',
      '- it is an access token (ATCTT…), not an API token (ATATT…), which goes into api-token with its email;',
      '- it was not issued by an earlier run: an OAuth token expires after two hours.',
      ...(repository === undefined ? [checkRepositoryInstead] : []),
    ].join('\n'),
  adviseOnMissingScopes: () =>
    "An access token's scopes cannot be changed: create a new token that has them.",
})

/** A 401 may also mean that the token has no account to read, as is normal for an access token. */
const checkRepositoryInstead =
  '- it may read an account. A repository access token may not: set repository to check it with that repository.'
