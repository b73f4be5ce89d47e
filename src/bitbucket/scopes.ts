import { meaningOf } from './scope-meanings.ts'

/**
 * What an OAuth or access-token scope brings along, as Bitbucket's REST introduction states scope by scope
 * (developer.atlassian.com, "Bitbucket OAuth 2.0 scopes"). A scope that is not here brings nothing: so do the
 * `:admin` scopes, and so do all `…:bitbucket` scopes of API tokens and Forge ("unlike OAuth 2.0 scopes, Forge
 * app scopes do not implicitly grant other scopes").
 */
const implied: Readonly<Record<string, readonly string[]>> = {
  project: ['repository'],
  'repository:write': ['repository'],
  pullrequest: ['repository'],
  'pullrequest:write': ['pullrequest', 'repository:write'],
  'issue:write': ['issue'],
  'snippet:write': ['snippet'],
}

/**
 * Splits a scope list as Bitbucket writes it: spaces in OAuth answers, comma and space in headers. What does not
 * look like one of its scopes is left out: scopes are repeated in logs, where `##[…]` would be a command.
 */
export function splitScopes(list: string): string[] {
  return [...new Set(list.split(/[\s,]+/).filter((scope) => /^[a-z][\w:.-]*$/i.test(scope)))]
}

/**
 * Removes what only looks like a scope: a server may repeat here, too, what it was sent. A documented scope always stays,
 * because a secret made of everyday words may share eight letters with it.
 * @param quote see `Redactor.quote`
 */
export function scopesWithoutSecrets(
  scopes: readonly string[],
  quote: (text: string) => string,
): readonly string[] {
  return scopes.filter((scope) => meaningOf(scope) !== undefined || quote(scope) === scope)
}

/** The granted scopes together with all that they imply. */
export function withImplied(granted: readonly string[]): Set<string> {
  const all = new Set(granted)
  // A Set's iteration also visits what is added on the way, so chains of implications are followed.
  for (const scope of all) {
    for (const further of Object.hasOwn(implied, scope) ? (implied[scope] ?? []) : []) all.add(further)
  }
  return all
}

/** The scope that git needs for an operation, by its name for OAuth and access tokens, and for API tokens. */
const gitScopes = {
  clone: ['repository', 'read:repository:bitbucket'],
  push: ['repository:write', 'write:repository:bitbucket'],
} as const

/** Whether scopes allow git to clone, or to push. */
export function allowsGit(operation: keyof typeof gitScopes, granted: readonly string[]): boolean {
  const covered = withImplied(granted)
  return gitScopes[operation].some((scope) => covered.has(scope))
}

/** Those of `wanted` that `granted` does not cover. */
export function missingScopes(wanted: readonly string[], granted: readonly string[]): string[] {
  const covered = withImplied(granted)
  return wanted.filter((scope) => !covered.has(scope))
}
