import { hostNames } from './hosts/index.ts'
import type { InputName } from './inputs.ts'

/**
 * What a user reads of each input in action.yml, the README and `--help`. Apart from the table in inputs.ts, for a run
 * that does its work never shows it.
 */
export const inputHelp: Readonly<Record<InputName, string>> = {
  'client-id': "The OAuth client's ID (formerly the OAuth consumer's key).",
  'client-secret': "The OAuth client's secret.",
  'refresh-token': 'A refresh token of that client; turns the OAuth grant into the refresh grant.',
  email: "The e-mail address of the API token's Atlassian account.",
  'api-token': 'An Atlassian API token with Bitbucket scopes.',
  'access-token': 'A repository, project or workspace access token.',
  'connect-app-key': 'The key of an existing Connect app, from its descriptor.',
  'connect-client-key': "The `clientKey` of that app's installation.",
  'connect-shared-secret':
    "The `sharedSecret` of that app's installation. Support of Connect ends in December 2026.",
  grant:
    'Which credential to use: `client-credentials`, `refresh-token`, `api-token`, `access-token`, `jwt` (a Connect app), or `auto` to infer it from what is given.',
  scopes:
    'Scopes the job needs, separated by spaces, commas or lines; the step fails when one is not granted. A token of a Connect app gets no others.',
  repository: '`workspace/slug` that the credential must be able to read.',
  verify:
    'Ask Bitbucket whether the credential works; `auto` asks where no token endpoint has just vouched for it.',
  'save-refresh-token':
    'Where the new refresh token goes that comes with each refresh: `bitbucket-variable[:scope]`, `github-secret[:NAME]`, `gitlab-variable[:NAME]`, `file:PATH` or `command:…` (docs/refresh-tokens.md).',
  'github-token': 'A GitHub token that may write secrets, for `save-refresh-token: github-secret`.',
  'gitlab-token': 'A GitLab token that may write CI/CD variables, for `save-refresh-token: gitlab-variable`.',
  'export-env': 'Export `BITBUCKET_ACCESS_TOKEN` and its companions to later steps.',
  'git-credentials': 'Write the git-credentials file.',
  'configure-git': "Make git in later steps use the credential for Bitbucket's host.",
  'git-path':
    'Workspaces (`acme`) or repositories (`acme/website`) whose git URLs use this credential, separated by spaces, commas or lines; empty means all of Bitbucket.',
  'rewrite-ssh-urls':
    "Also send Bitbucket's SSH addresses through it, in every form that git accepts (`git@bitbucket.org:…`, `ssh://git@bitbucket.org/…`).",
  'output-dir':
    'Directory for `env.sh` and `git-credentials` on hosts without a private temporary directory; `.bitbucket-token` in the clone or working directory unless given.',
  url: 'Where Bitbucket serves OAuth and git.',
  'api-url': 'Where Bitbucket serves its REST API.',
  timeout: 'Seconds for everything together.',
  retries: 'Further tries after the first.',
  summary: 'Write a job summary, where the host has one.',
  ci: `Name of the host, where it cannot be seen (\`docker run\`): ${hostNames.map((name) => `\`${name}\``).join(', ')}.`,
  debug: 'Say more; never a header, a body or a secret.',
}
