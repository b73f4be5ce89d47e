import type { Credential } from '../bitbucket/credential.ts'
import { type CheckResult, checkCredential } from '../bitbucket/rest.ts'
import { missingScopes } from '../bitbucket/scopes.ts'
import { TokenError } from '../errors.ts'
import type { Http } from '../http/exchange.ts'
import { definitionOfKind, withWrongInputHint } from './index.ts'

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
): Promise<CheckResult | undefined> {
  const { kind, scopes } = credential
  const checked = mustAsk(kind, scopes !== undefined, required)
    ? await askBitbucket(credential, required.repository, http, apiUrl)
    : undefined
  const about = required.repository === undefined ? 'account' : 'repository'
  const asked: Asked = checked === undefined ? 'nothing' : about
  requireScopes(required.scopes, scopes ?? checked?.scopes, kind, asked)
  return checked
}

/**
 * Whether the REST API must be asked.
 * @param scopesAreKnown whether the token endpoint has named the scopes
 */
export function mustAsk(
  kind: string,
  scopesAreKnown: boolean,
  { verify, scopes, repository }: Requirements,
): boolean {
  if (verify !== 'auto') return verify
  return (
    !definitionOfKind(kind).isIssued || repository !== undefined || (scopes.length > 0 && !scopesAreKnown)
  )
}

/**
 * Asks Bitbucket whether a credential works.
 * @param repository `workspace/slug`; undefined asks about the account
 * @throws as `checkCredential` does
 */
export async function askBitbucket(
  { kind, authorization, secret }: Pick<Credential, 'kind' | 'authorization' | 'secret'>,
  repository: string | undefined,
  http: Http,
  apiUrl: URL,
): Promise<CheckResult> {
  const definition = definitionOfKind(kind)
  // A token that Bitbucket issued is not in any input.
  const input = Object.keys(definition.inputs).find((name) => definition.inputs[name]?.secret)
  const inputs = definition.isIssued || input === undefined ? {} : { [input]: secret }
  return withWrongInputHint(inputs, () =>
    checkCredential(http, apiUrl, { authorization, ...definition }, repository),
  )
}

/** What the REST API was asked about. */
type Asked = 'nothing' | 'account' | 'repository'

/** @throws {TokenError} `scope-missing` */
export function requireScopes(
  required: readonly string[],
  granted: readonly string[] | undefined,
  kind: string,
  asked: Asked,
): void {
  if (required.length === 0) return
  if (granted === undefined) {
    throw new TokenError(
      'scope-missing',
      'Bitbucket did not say which scopes the credential has, so the scopes that this job requires cannot be confirmed.',
      howToLearnScopes(kind, asked),
    )
  }
  const missing = missingScopes(required, granted)
  if (missing.length === 0) return
  throw new TokenError(
    'scope-missing',
    `The credential lacks ${missing.join(', ')}. It has ${granted.length === 0 ? 'no scopes' : granted.join(', ')}.`,
    definitionOfKind(kind).adviseOnMissingScopes(missing),
  )
}

function howToLearnScopes(kind: string, asked: Asked): string {
  if (asked === 'nothing') return 'Remove `scopes`, or let this program ask Bitbucket (verify: true).'
  return asked === 'account' && definitionOfKind(kind).hasAccount === 'seldom'
    ? 'Remove `scopes`, or set `repository`: the answer about it may name the scopes.'
    : 'Remove `scopes`.'
}
