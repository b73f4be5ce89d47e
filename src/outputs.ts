import { credentialKinds } from './credentials/index.ts'

const kindNames = credentialKinds.map((kind) => `\`${kind}\``)

/**
 * The outputs of a step and what each means. `npm run generate` makes action.yml and the README's table from it.
 * commands/results.ts fills in the values, except `refresh-token`, which `Host.keep` writes.
 */
export const outputTable = {
  'access-token': "The credential itself, for Bitbucket's REST API and git.",
  'token-type': '`bearer`, or `basic` for an API token.',
  authorization: 'The whole value of the `Authorization` header: `Bearer …`, or `Basic …` for an API token.',
  'expires-in':
    'Lifetime of the credential in seconds: 3600 if Bitbucket does not say. Empty for an API token or access token.',
  'expires-at':
    'When the credential expires, as ISO 8601 in UTC, such as `2026-11-21T10:45:00Z`. Empty for an API token or access token.',
  scopes: 'The granted scopes, separated by spaces. Empty if Bitbucket does not say.',
  'credential-kind': `How the credential was obtained: ${kindNames.slice(0, -1).join(', ')} or ${kindNames.at(-1)}.`,
  'git-username': 'The user name that git over HTTPS needs with the credential.',
  'git-credentials-file':
    'Path of the git-credentials file, in the format of `git credential-store`. Empty with `git-credentials: false`.',
  'refresh-token': 'The new refresh token, if Bitbucket returned one and no store has saved it.',
} as const satisfies Record<string, string>

/** The variables that tell the processes inside `exec` where to ask for the newest token. */
export const brokerVariables = {
  url: 'BITBUCKET_TOKEN_BROKER_URL',
  key: 'BITBUCKET_TOKEN_BROKER_KEY',
} as const

/** The variables for later steps (`export-env`), and what each means. */
export const exportedVariableTable = {
  BITBUCKET_ACCESS_TOKEN: outputTable['access-token'],
  BITBUCKET_AUTHORIZATION: outputTable.authorization,
  BITBUCKET_TOKEN_EXPIRES_AT: outputTable['expires-at'],
  BITBUCKET_GIT_USERNAME: outputTable['git-username'],
  BITBUCKET_GIT_CREDENTIALS_FILE: outputTable['git-credentials-file'],
} as const satisfies Record<string, string>
