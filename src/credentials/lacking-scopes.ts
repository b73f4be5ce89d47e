import type { CredentialKind } from '../bitbucket/credential.ts'
import { TokenError } from '../errors.ts'
import { definitionOfKind } from './index.ts'

/** What the REST API was asked about. */
export type Asked = 'nothing' | 'account' | 'repository'

/** Returns the error for required scopes of a credential whose scopes Bitbucket has not named. */
export const unknownScopes = (kind: CredentialKind, asked: Asked): TokenError =>
  new TokenError(
    'scope-missing',
    'Bitbucket did not say which scopes the credential has, so the scopes that this job requires cannot be confirmed.',
    howToLearnScopes(kind, asked),
  )

function howToLearnScopes(kind: CredentialKind, asked: Asked): string {
  if (asked === 'nothing') return 'Remove `scopes`, or let this program ask Bitbucket (verify: true).'
  // Access tokens have no account, but the answer about a repository names their scopes.
  if (asked === 'account' && kind === 'access-token') {
    return 'Remove `scopes`, or set `repository`: the answer about it may name the scopes.'
  }
  return 'Remove `scopes`.'
}

/** Returns the error for a valid credential that lacks scopes that the job requires. */
export const lackingScopes = (
  kind: CredentialKind,
  missing: readonly string[],
  granted: readonly string[],
): TokenError =>
  new TokenError(
    'scope-missing',
    `The credential lacks ${missing.join(', ')}. It has ${granted.length === 0 ? 'no scopes' : granted.join(', ')}.`,
    definitionOfKind(kind).adviseOnMissingScopes(missing),
  )
