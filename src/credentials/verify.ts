import type { Credential, CredentialKind } from '../bitbucket/credential.ts'
import { type CheckedCredential, checkCredential } from '../bitbucket/rest.ts'
import { missingScopes } from '../bitbucket/scopes.ts'
import type { Http } from '../http/exchange.ts'
import { definitionOfKind } from './index.ts'
import { type Asked, lackingScopes, unknownScopes } from './lacking-scopes.ts'

/** What a job requires of its credential. */
export interface Requirements {
  /** `auto` asks Bitbucket unless a token endpoint has just issued the token and nothing else needs the answer. */
  readonly verify: boolean | 'auto'
  /** Scopes that must be granted. */
  readonly scopes: readonly string[]
  /** `workspace/slug` that must be readable. */
  readonly repository: string | undefined
}

/**
 * Asks Bitbucket about a credential if that is needed, and checks that it meets the requirements.
 * @param apiUrl the address of the REST API
 * @returns Bitbucket's answer; undefined if it was not asked
 * @throws {TokenError} `credential-refused`, `scope-missing`, `repository-unreadable`, `access-denied`, `answer-unusable`,
 * `unreachable`
 */
export async function verify(
  credential: Credential,
  required: Requirements,
  http: Http,
  apiUrl: URL,
): Promise<CheckedCredential | undefined> {
  const { kind, scopes } = credential
  const checked = mustAsk(kind, scopes !== undefined, required)
    ? await checkCredential(http, apiUrl, credential, required.repository)
    : undefined
  const about = required.repository === undefined ? 'account' : 'repository'
  requireScopes(required.scopes, scopes ?? checked?.scopes, kind, checked === undefined ? 'nothing' : about)
  return checked
}

/**
 * Whether the REST API must be asked.
 * @param scopesAreKnown whether the token endpoint has named the scopes
 */
export function mustAsk(
  kind: CredentialKind,
  scopesAreKnown: boolean,
  { verify, scopes, repository }: Requirements,
): boolean {
  if (verify !== 'auto') return verify
  return (
    !definitionOfKind(kind).isIssued || repository !== undefined || (scopes.length > 0 && !scopesAreKnown)
  )
}

/** @throws {TokenError} `scope-missing` */
export function requireScopes(
  required: readonly string[],
  granted: readonly string[] | undefined,
  kind: CredentialKind,
  asked: Asked,
): void {
  if (required.length === 0) return
  const missing = granted && missingScopes(required, granted)
  if (missing?.length === 0) return
  throw granted && missing ? lackingScopes(kind, missing, granted) : unknownScopes(kind, asked)
}
