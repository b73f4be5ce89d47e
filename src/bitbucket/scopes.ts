import { meaningOf } from './scope-meanings.ts'

/**
 * The scopes that an OAuth or access-token scope implies (developer.atlassian.com, "Bitbucket OAuth 2.0 scopes"). All
 * other scopes imply none: neither the `:admin` scopes nor the `…:bitbucket` scopes of API tokens and Forge ("unlike
 * OAuth 2.0 scopes, Forge app scopes do not implicitly grant other scopes").
 */
const implied: ReadonlyMap<string, readonly string[]> = new Map([
  ['project', ['repository']],
  ['repository:write', ['repository']],
  ['pullrequest', ['repository']],
  ['pullrequest:write', ['pullrequest', 'repository:write']],
  ['issue:write', ['issue']],
  ['snippet:write', ['snippet']],
])

/**
 * Splits a scope list in either of Bitbucket's formats: OAuth answers separate scopes with spaces, headers with commas.
 * Leaves out everything that does not look like a scope, because scopes appear in logs, where `##[…]` would be a
 * command.
 */
export function splitScopes(list: string): string[] {
  return [...new Set(list.split(/[\s,]+/).filter((scope) => /^[a-z][\w:.-]*$/i.test(scope)))]
}

/**
 * Removes secrets that look like scopes, because a server may repeat what it was sent. Keeps every documented scope,
 * because a secret made of everyday words may share eight letters with one.
 * @param quote hides secrets: see `TextRedactor.quote`
 */
export function scopesWithoutSecrets(
  scopes: readonly string[],
  quote: (text: string) => string,
): readonly string[] {
  return scopes.filter((scope) => meaningOf(scope) !== undefined || quote(scope) === scope)
}

/** Returns the granted scopes and all scopes that they imply. */
export function withImplied(granted: readonly string[]): Set<string> {
  const all = new Set(granted)
  // Iterating over a Set also visits elements that are added meanwhile, so this follows chains of implied scopes.
  for (const scope of all) {
    for (const further of implied.get(scope) ?? []) all.add(further)
  }
  return all
}

/** The scope that each git operation needs: its name for OAuth and access tokens, and its name for API tokens. */
const gitScopes = {
  clone: ['repository', 'read:repository:bitbucket'],
  push: ['repository:write', 'write:repository:bitbucket'],
} as const

/** Whether the granted scopes allow git to clone or to push. */
export function allowsGit(operation: keyof typeof gitScopes, granted: readonly string[]): boolean {
  const covered = withImplied(granted)
  return gitScopes[operation].some((scope) => covered.has(scope))
}

/** Returns the scopes of `wanted` that `granted` neither contains nor implies. */
export function missingScopes(wanted: readonly string[], granted: readonly string[]): string[] {
  const covered = withImplied(granted)
  return wanted.filter((scope) => !covered.has(scope))
}
