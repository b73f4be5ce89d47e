/**
 * The outputs of a step, and what each means. action.yml and the README's table are made from this
 * (`npm run generate`); commands/results.ts fills it in.
 */
export const outputTable = {
  'access-token': "The credential itself, for Bitbucket's REST API and git.",
  'token-type': '`bearer`, or `basic` for an API token.',
  authorization: 'The whole value of the `Authorization` header: `Bearer …`, or `Basic …` for an API token.',
  'expires-in': 'Seconds that the credential lives; empty where Bitbucket does not tell.',
  'expires-at':
    'When the credential ends, as ISO 8601 in UTC, such as `2026-11-21T10:45:00Z`; empty where Bitbucket does not tell.',
  scopes: 'Scopes as granted, separated by spaces; empty where Bitbucket does not tell.',
  'credential-kind':
    'How the credential came about: `client-credentials`, `refresh-token`, `jwt`, `api-token` or `access-token`.',
  'git-username': 'The user name that git over https takes with the credential.',
  'git-credentials-file':
    'The git-credentials file, in the format of `git credential-store`; empty with `git-credentials: false`.',
  'refresh-token': 'The new refresh token, where Bitbucket gave one in place of the one it was sent.',
} as const satisfies Record<string, string>

/** The variables for later steps (`export-env`), and what each means. */
export const exportedVariableTable = {
  BITBUCKET_ACCESS_TOKEN: outputTable['access-token'],
  BITBUCKET_AUTHORIZATION: outputTable.authorization,
  BITBUCKET_TOKEN_EXPIRES_AT: outputTable['expires-at'],
  BITBUCKET_GIT_USERNAME: outputTable['git-username'],
  BITBUCKET_GIT_CREDENTIALS_FILE: outputTable['git-credentials-file'],
} as const satisfies Record<string, string>
