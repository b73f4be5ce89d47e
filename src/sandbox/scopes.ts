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
