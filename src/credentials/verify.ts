import type { AccessToken, CredentialKind } from '../bitbucket/credential.ts'
import type { CheckedCredential } from '../bitbucket/rest.ts'
import { missingScopes } from '../bitbucket/scopes.ts'
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
 * @throws {TokenError} `credential-refused`, `scope-missing`, `repository-unreadable`, `access-denied`, `answer-unusable`,
 * `unreachable`
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
  const asked = demands.repository === undefined ? 'account' : 'repository'
  await requireScopes(demands.scopes, scopes, token, check === undefined ? 'nothing' : asked)
  return { check, scopes }
}

/** Whether no token endpoint has a say in it: what was given is the credential. */
export const isTakenAsGiven = (kind: CredentialKind): boolean =>
  kind === 'api-token' || kind === 'access-token'

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
  return isTakenAsGiven(kind) || repository !== undefined || (scopes.length > 0 && !scopesAreKnown)
}

/**
 * @param asked what the REST API was asked for
 * @throws {TokenError} `scope-missing`
 */
export async function requireScopes(
  wanted: readonly string[],
  granted: readonly string[] | undefined,
  token: AccessToken,
  asked: 'nothing' | 'account' | 'repository',
): Promise<void> {
  if (wanted.length === 0) return
  const missing = granted && missingScopes(wanted, granted)
  if (missing?.length === 0) return
  const { lackingScopes, unknownScopes } = await import(/* webpackChunkName: "rest" */ './lacking-scopes.ts')
  throw granted && missing ? lackingScopes(token.kind, missing, granted) : unknownScopes(token.kind, asked)
}
