/**
 * What each scope allows (developer.atlassian.com, "Scopes for the Bitbucket Cloud REST API";
 * support.atlassian.com, "API token permissions" and "Repository Access Token permissions").
 */
const oauthScopes: Readonly<Record<string, string>> = {
  account: "read the account's profile and its workspaces",
  'account:write': 'change the account',
  email: "read the account's email addresses",
  team: 'read the workspaces of the account (an old name)',
  'team:write': 'manage workspaces (an old name)',
  project: 'read projects',
  'project:write': 'do nothing (deprecated)',
  'project:admin': 'manage projects; neither reads nor writes repositories',
  repository: 'clone and fetch, read source code over REST; no pull requests',
  'repository:write': 'push, and change source code over REST; no pull requests',
  'repository:admin': 'change settings and permissions of repositories; neither reads nor writes their code',
  'repository:delete': 'delete repositories',
  pullrequest: 'read pull requests and comment on them',
  'pullrequest:write': 'create, approve, decline and merge pull requests',
  issue: 'read and comment on issues',
  'issue:write': 'change and delete issues',
  wiki: 'read and change wikis',
  webhook: 'read webhooks, and create them for what another scope can read',
  snippet: 'read snippets',
  'snippet:write': 'create, change and delete snippets',
  pipeline: 'read pipelines, their steps and logs',
  'pipeline:write': 'start, stop and rerun pipelines',
  'pipeline:variable': 'create and change pipeline variables',
  runner: 'read runners',
  'runner:write': 'create, change and delete runners',
  test: 'read test results',
  'test:write': 'write test results',
}

const actions: Readonly<Record<string, string>> = {
  read: 'read',
  write: 'create and change',
  admin: 'manage',
  delete: 'delete',
  manage: 'manage',
}

const objects: Readonly<Record<string, string>> = {
  account: 'the account',
  me: "the account's own profile",
  user: "the account's profile",
  org: 'the organization',
  workspace: 'workspaces',
  project: 'projects',
  pullrequest: 'pull requests',
  issue: 'issues',
  pipeline: 'pipelines and their variables',
  runner: 'runners',
  webhook: 'webhooks',
  snippet: 'snippets',
  wiki: 'wikis',
  'ssh-key': 'SSH keys',
  'gpg-key': 'GPG keys',
  permission: 'permissions',
  package: 'packages of the container registry',
  test: 'test results',
}

const repositoryActions: Readonly<Record<string, string>> = {
  read: 'clone and fetch, read source code over REST; no pull requests',
  write: 'push, and change source code over REST; does not include read',
  admin: 'change settings and permissions of repositories; includes neither read nor write',
  delete: 'delete repositories',
}

/** Returns what a scope allows, as the end of a sentence with "may"; undefined for an unknown scope. */
export function meaningOf(scope: string): string | undefined {
  const [, action = '', object = ''] = /^([a-z]+):([a-z-]+):bitbucket$/.exec(scope) ?? []
  if (action === '') return own(oauthScopes, scope)
  if (object === 'repository') return own(repositoryActions, action)
  const verb = own(actions, action)
  const noun = own(objects, object)
  return verb === undefined || noun === undefined ? undefined : `${verb} ${noun}`
}

const own = (table: Readonly<Record<string, string>>, key: string): string | undefined =>
  Object.hasOwn(table, key) ? table[key] : undefined
