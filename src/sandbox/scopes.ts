// Written apart from src/bitbucket/scopes.ts on purpose: a server that shares its client's table proves nothing.

// Only what Bitbucket's API description states, for the endpoints that the sandbox plays; `…:admin` and the `…:bitbucket` names imply nothing.
const implied: Record<string, readonly string[]> = {
  'repository:write': ['repository'],
  project: ['repository'],
  pullrequest: ['repository'],
  'pullrequest:write': ['pullrequest', 'repository:write'],
}

/** Whether the granted scopes cover the required one, by Bitbucket Cloud's implications. */
export function covers(granted: readonly string[], required: string): boolean {
  return granted.some(
    (scope) =>
      scope === required || (Object.hasOwn(implied, scope) && covers(implied[scope] ?? [], required)),
  )
}
