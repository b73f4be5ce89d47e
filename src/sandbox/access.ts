import { repository, type Token } from './accounts.ts'

/** A scope with its two names: one for OAuth and access tokens, one for API tokens. */
export interface RequiredScope {
  oauth: string
  apiToken: string
}

export const readUser: RequiredScope = { oauth: 'account', apiToken: 'read:user:bitbucket' }
export const readRepository: RequiredScope = { oauth: 'repository', apiToken: 'read:repository:bitbucket' }
export const writeRepository: RequiredScope = {
  oauth: 'repository:write',
  apiToken: 'write:repository:bitbucket',
}

export const readPipelines: RequiredScope = { oauth: 'pipeline', apiToken: 'read:pipeline:bitbucket' }
export const writeVariables: RequiredScope = {
  oauth: 'pipeline:variable',
  apiToken: 'admin:pipeline:bitbucket',
}

/** Returns the scope's name for this kind of token. */
export function nameFor(token: Token, scope: RequiredScope): string {
  return token.kind === 'api-token' ? scope.apiToken : scope.oauth
}

export function hasScope(token: Token, scope: RequiredScope): boolean {
  return covers(token.scopes, nameFor(token, scope))
}

/** Whether the repository exists and the token has access to it. */
export function canAccess(token: Token, fullName: string): boolean {
  if (fullName !== repository.fullName) return false
  return token.kind !== 'access-token' || token.repositories.includes(fullName)
}

export const missingScopes = 'Your credentials lack one or more required privilege scopes.'

export const repositoryNotFound =
  'You may not have access to this repository or it no longer exists in this workspace. If you think this repository exists and you have access, make sure you are authenticated.'

// This does not use src/bitbucket/scopes.ts, because a test server that shares the table of its client proves nothing.

// This contains only what Bitbucket's API description states for the endpoints of the sandbox. `…:admin` and the
// `…:bitbucket` names imply nothing.
const implied: Record<string, readonly string[]> = {
  'repository:write': ['repository'],
  project: ['repository'],
  pullrequest: ['repository'],
  'pullrequest:write': ['pullrequest', 'repository:write'],
}

/** Whether the granted scopes include the required one, directly or because another scope implies it. */
export function covers(granted: readonly string[], required: string): boolean {
  return granted.some(
    (scope) =>
      scope === required || (Object.hasOwn(implied, scope) && covers(implied[scope] ?? [], required)),
  )
}
