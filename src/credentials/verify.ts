import type { AccessToken, CredentialKind } from '../bitbucket/credential.ts'
import type { CheckedCredential } from '../bitbucket/rest.ts'
import { missingScopes } from '../bitbucket/scopes.ts'
import { TokenError } from '../errors.ts'
import type { Http } from '../http/exchange.ts'

/** What a job asks of its credential. */
export interface Demands {
  /** `auto` asks Bitbucket where no token endpoint has just vouched for the token, or something else needs it. */
  readonly verify: boolean | 'auto'
  /** Scopes that must be granted. */
  readonly scopes: readonly string[]
  /** `workspace/slug` that must be readable. */
  readonly repository: string | undefined
}

/** What is known of a credential after it met the demands. */
export interface VerifiedCredential {
  /** What Bitbucket told when it was asked; undefined where it was not. */
  readonly check: CheckedCredential | undefined
  /** From the token endpoint or else from the check. */
  readonly scopes: readonly string[] | undefined
}

/**
 * Makes sure that a credential does what the job demands of it, asking Bitbucket only where that is needed.
 * @param apiUrl where the REST API is
 * @throws {TokenError} `credential-refused`, `scope-missing`, `repository-unreadable`, `answer-unusable`, `unreachable`
 */
export async function verify(
  token: AccessToken,
  demands: Demands,
  http: Http,
  apiUrl: URL,
): Promise<VerifiedCredential> {
  const check = mustAsk(token.kind, token.scopes !== undefined, demands)
    ? await (await import(/* webpackChunkName: "rest" */ '../bitbucket/rest.ts')).checkCredential(
        http,
        apiUrl,
        token,
        demands.repository,
      )
    : undefined
  const scopes = token.scopes ?? check?.scopes
  requireScopes(demands.scopes, scopes, token)
  return { check, scopes }
}

/**
 * Whether the REST API is asked.
 * @param scopesAreKnown whether the token endpoint has told them
 */
export function mustAsk(
  kind: CredentialKind,
  scopesAreKnown: boolean,
  { verify, scopes, repository }: Demands,
): boolean {
  if (verify !== 'auto') return verify
  const isVouchedFor = kind !== 'api-token' && kind !== 'access-token'
  return !isVouchedFor || repository !== undefined || (scopes.length > 0 && !scopesAreKnown)
}

/** @throws {TokenError} `scope-missing` */
export function requireScopes(
  wanted: readonly string[],
  granted: readonly string[] | undefined,
  token: AccessToken,
): void {
  if (wanted.length === 0) return
  if (granted === undefined) {
    throw new TokenError(
      'scope-missing',
      'Bitbucket did not say which scopes the credential has, so the ones this job needs cannot be confirmed.',
      'Leave out `scopes`, or let Bitbucket be asked (verify: true).',
    )
  }
  const missing = missingScopes(wanted, granted)
  if (missing.length === 0) return
  throw new TokenError(
    'scope-missing',
    `The credential lacks ${missing.join(', ')}. It has ${granted.length === 0 ? 'no scopes' : granted.join(', ')}.`,
    adviceFor(token, missing),
  )
}

function adviceFor(token: AccessToken, missing: readonly string[]): string {
  if (token.kind === 'api-token') {
    const wrongNames = missing.filter((scope) => !scope.endsWith(':bitbucket'))
    return wrongNames.length === 0
      ? 'An API token’s scopes cannot be changed: make a new one that has them. None of them implies another, so write needs read beside it.'
      : `Scopes of API tokens have names of their own, such as read:repository:bitbucket, and imply nothing: ${wrongNames.join(', ')} cannot be one of them.`
  }
  if (token.kind === 'access-token')
    return 'An access token’s scopes cannot be changed: make a new one that has them.'
  if (token.kind === 'jwt') return "Add them to the app's descriptor, and install it anew."
  return 'Add them to the OAuth consumer: Workspace settings → OAuth consumers → Edit → Permissions.'
}
