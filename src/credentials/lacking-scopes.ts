import type { CredentialKind } from '../bitbucket/credential.ts'
import { tickScopes } from '../bitbucket/oauth-clients.ts'
import { TokenError } from '../errors.ts'

/**
 * For scopes that nobody has told.
 * @param asked whether the REST API was asked, and for what
 */
export const unknownScopes = (
  kind: CredentialKind,
  asked: 'nothing' | 'account' | 'repository',
): TokenError =>
  new TokenError(
    'scope-missing',
    'Bitbucket did not say which scopes the credential has, so the ones this job needs cannot be confirmed.',
    whatCouldTell(kind, asked),
  )

function whatCouldTell(kind: CredentialKind, asked: 'nothing' | 'account' | 'repository'): string {
  if (asked === 'nothing') return 'Leave out `scopes`, or let Bitbucket be asked (verify: true).'
  // Access tokens have no account, but a repository's answer names their scopes.
  if (asked === 'account' && kind === 'access-token') {
    return 'Leave out `scopes`, or set `repository`: its answer may name them.'
  }
  return 'Leave out `scopes`.'
}

/** For a credential that is valid, but lacks scopes that the job asks for. */
export const lackingScopes = (
  kind: CredentialKind,
  missing: readonly string[],
  granted: readonly string[],
): TokenError =>
  new TokenError(
    'scope-missing',
    `The credential lacks ${missing.join(', ')}. It has ${granted.length === 0 ? 'no scopes' : granted.join(', ')}.`,
    adviceFor(kind, missing),
  )

function adviceFor(kind: CredentialKind, missing: readonly string[]): string {
  switch (kind) {
    case 'client-credentials':
    case 'refresh-token':
      return `Add them to the OAuth client: ${tickScopes}`
    case 'jwt':
      return "Add them to the app's descriptor, and install it anew."
    case 'access-token':
      return 'An access token’s scopes cannot be changed: make a new one that has them.'
    case 'api-token': {
      const wrongNames = missing.filter((scope) => !scope.endsWith(':bitbucket'))
      return wrongNames.length === 0
        ? 'An API token’s scopes cannot be changed: make a new one that has them. None of them implies another, so write needs read beside it.'
        : `Scopes of API tokens have names of their own, such as read:repository:bitbucket, and imply nothing: ${wrongNames.join(', ')} cannot be one of them.`
    }
  }
}
