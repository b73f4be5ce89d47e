import { TokenError } from '../errors.ts'
import type { Http, HttpAnswer } from '../http/exchange.ts'
import { readObject, stringAt } from './answers.ts'
import type { Credential } from './credential.ts'
import {
  isOtherMechanism,
  isOwnError,
  likelyReasons,
  messageWithDetail,
  namedReason,
  readError,
  type SaidError,
  statusAndWords,
} from './rest-errors.ts'
import { scopesWithoutSecrets, splitScopes } from './scopes.ts'
import { unusable } from './unusable.ts'

/** What Bitbucket said about a credential that it accepts. */
export interface CheckResult {
  /** The account of the credential, ready for a log; undefined if the credential may not read it. */
  readonly account: string | undefined
  /** The type of that account: `user`, or `app_user` for an app; undefined if the account is unknown. */
  readonly accountType: string | undefined
  /** From the header `x-oauth-scopes`, which 200 and 403 both have; undefined without it. */
  readonly scopes: readonly string[] | undefined
  /** From the header `x-credential-type`, such as `repo_access_token`. */
  readonly credentialType: string | undefined
  /** The scopes that Bitbucket requires for reading the account, if they are missing. */
  readonly missing: readonly string[]
  /** Why the answer does not prove that the credential works, as a warning; undefined if it does. */
  readonly doubt: string | undefined
}

/** What a check needs to know about the kind of a token. */
export interface CheckedKind {
  /** The token in a sentence: `API token`. */
  readonly tokenName: string
  /** How often a token of this kind has an account to read. */
  readonly hasAccount: 'always' | 'usually' | 'seldom'
  /**
   * Returns what to do if Bitbucket refuses the token. The text lists all causes, because Bitbucket answers a wrong user, an
   * expired token, a token without scopes and a wrong scheme with the same sentence: "Token is invalid, expired, or not
   * supported for this endpoint.".
   * @param repository the repository that was asked about; undefined for the account
   */
  adviseOnRefusal(repository: string | undefined): string
}

/** A token to ask about. */
export type Checkable = CheckedKind & Pick<Credential, 'authorization'>

/** Returns the URL that a check requests. @param repository `workspace/slug` */
export function checkUrl(base: URL, repository: string | undefined): URL {
  const path = repository === undefined ? 'user' : `repositories/${encodeURI(repository)}`
  return new URL(`${base.href.replace(/\/$/, '')}/2.0/${path}`)
}

/**
 * Asks Bitbucket whether a credential works. Requests `/2.0/repositories/<repository>`, or `/2.0/user` without a
 * repository. Many scripts list repositories or workspaces for this, but Bitbucket has removed those lists (410,
 * CHANGE-2770).
 *
 * - 200: the credential is valid.
 * - 403 because of a missing scope: the credential is valid. This is an error only for a repository, because the job
 *   must be able to read it.
 * - Any other 403: access is denied. This is an error for a token that always has an account
 *   (avivsinai/bitbucket-cli#30). For other tokens it is a doubt, because it is the usual answer to the access token of
 *   a repository ("This API is not accessible by this authentication mechanism").
 * @param repository `workspace/slug`
 * @throws {TokenError} `credential-refused`, `scope-missing`, `repository-unreadable`, `access-denied`,
 * `answer-unusable`, `unreachable`
 */
export async function checkCredential(
  http: Http,
  base: URL,
  token: Checkable,
  repository: string | undefined,
): Promise<CheckResult> {
  const url = checkUrl(base, repository)
  const response = await http({
    method: 'GET',
    url,
    headers: { authorization: token.authorization, accept: 'application/json' },
  })
  switch (response.status) {
    case 200:
      if (readObject(response) === undefined || isOwnError(response)) throw unusable(response, url, 'JSON')
      return checked(response, repository === undefined)
    case 400:
      // For example "Bad request" with the detail "Invalid Authorization header".
      if (isOwnError(response) && /authori[sz]ation|credential|token/i.test(wordsOf(response))) {
        throw refusedByRest(response, token, repository)
      }
      throw unusable(response, url, 'JSON')
    case 401:
      // This 401 is about the workspace, not about the token (renovate PR 14402).
      if (repository !== undefined && /do not have access/i.test(wordsOf(response))) {
        throw unreadable(response, repository)
      }
      if (isOtherMechanism(response)) return denied(response, token, repository)
      throw refusedByRest(response, token, repository)
    case 403:
      // Only Bitbucket's own 403 proves that Bitbucket accepted the token. A firewall's 403 does not.
      if (!isRestError(response) && response.headers['x-oauth-scopes'] === undefined) {
        throw unusable(response, url, "Bitbucket's own answer")
      }
      if (repository === undefined && namesMissingScope(response)) return checked(response, false)
      return denied(response, token, repository)
    case 404:
      if (repository !== undefined && readObject(response) !== undefined)
        throw unreadable(response, repository)
      throw unusable(response, url, 'JSON')
    default:
      throw unusable(response, url, 'JSON')
  }
}

const noError: SaidError = { code: '', message: '', detail: '', required: [], granted: [] }

const errorIn = (response: HttpAnswer): SaidError => readError(response) ?? noError

const wordsOf = (response: HttpAnswer): string => messageWithDetail(errorIn(response))

/** Whether an error has the format of the REST API, not of OAuth. */
const isRestError = (response: HttpAnswer): boolean => isOwnError(response) && errorIn(response).code === ''

/** The scope that lets a token read its account: for API tokens, and for the other kinds. */
const accountScopes = ['read:user:bitbucket', 'account']

/** Whether a 403 says that a scope is missing: in words, in a list, or in its list of granted scopes. */
function namesMissingScope(response: HttpAnswer): boolean {
  const error = errorIn(response)
  if (error.required.length > 0 || /\bscopes?\b/i.test(messageWithDetail(error))) return true
  const granted = response.headers['x-oauth-scopes']
  if (granted === undefined || namedReason(error) !== undefined) return false
  return !splitScopes(granted).some((scope) => accountScopes.includes(scope))
}

function checked(response: HttpAnswer, isAccount: boolean): CheckResult {
  const scopes = response.headers['x-oauth-scopes']
  const credentialType = response.headers['x-credential-type']
  return {
    account: isAccount ? accountIn(response) : undefined,
    accountType: isAccount ? accountTypeIn(response) : undefined,
    scopes: scopes === undefined ? undefined : scopesWithoutSecrets(splitScopes(scopes), response.quote),
    credentialType: credentialType === undefined ? undefined : response.quote(credentialType),
    missing: errorIn(response).required,
    doubt: undefined,
  }
}

function accountIn(response: HttpAnswer): string | undefined {
  const body = readObject(response)
  const name = stringAt(body, 'display_name') ?? stringAt(body, 'username') ?? stringAt(body, 'nickname')
  // Since May 2026 client credentials act as an `app_user`, which may have no name of its own.
  const account = name ?? stringAt(body, 'type')
  return account === undefined ? undefined : response.quote(account)
}

function accountTypeIn(response: HttpAnswer): string | undefined {
  const type = stringAt(readObject(response), 'type')
  return type === undefined ? undefined : response.quote(type)
}

/**
 * Handles an answer that denies access.
 * @throws {TokenError} for a repository, and for a token that always has an account; other tokens get a doubt
 */
function denied(response: HttpAnswer, token: Checkable, repository: string | undefined): CheckResult {
  if (repository !== undefined) throw forbidden(response, repository)
  const error = errorIn(response)
  if (token.hasAccount === 'always') {
    throw new TokenError(
      'access-denied',
      `Bitbucket denied access to the account of this ${token.tokenName} ${statusAndWords(response)}.`,
      likelyReasons(error),
    )
  }
  const reason = isOtherMechanism(response) ? undefined : namedReason(error)
  const advice =
    reason ?? 'Set repository to check the credential with a repository that it must be able to read.'
  return {
    ...checked(response, false),
    doubt: `Bitbucket did not confirm the ${token.tokenName} ${statusAndWords(response)}. ${advice}`,
  }
}

/** Returns the error for an answer that refuses the token. Its body may be empty. */
const refusedByRest = (response: HttpAnswer, token: Checkable, repository: string | undefined): TokenError =>
  new TokenError(
    'credential-refused',
    `Bitbucket refused the ${token.tokenName} ${statusAndWords(response)}.`,
    token.adviseOnRefusal(repository),
  )

function forbidden(response: HttpAnswer, repository: string): TokenError {
  const error = errorIn(response)
  const sent = splitScopes(response.headers['x-oauth-scopes'] ?? '')
  const has = error.granted.length > 0 ? error.granted : scopesWithoutSecrets(sent, response.quote)
  if (error.required.length > 0) {
    return new TokenError(
      'scope-missing',
      `The credential is valid, but reading ${repository} needs ${list(error.required)}; it has ${list(has)}.`,
      changeScopes,
    )
  }
  if (/\bscopes?\b/i.test(messageWithDetail(error))) {
    return new TokenError(
      'scope-missing',
      `The credential is valid, but it lacks a scope for reading ${repository} ${statusAndWords(response)}.`,
      changeScopes,
    )
  }
  return new TokenError(
    'repository-unreadable',
    `Bitbucket denied access to ${repository} ${statusAndWords(response)}.`,
    likelyReasons(
      error,
      'The credential may not read this repository: ask an administrator of the repository for access.',
    ),
  )
}

const changeScopes =
  'Scopes belong to the credential. Add them to the OAuth client, or create a new token that has them (you cannot change the scopes of a token).'

function unreadable(response: HttpAnswer, repository: string): TokenError {
  const reason = namedReason(errorIn(response))
  return new TokenError(
    'repository-unreadable',
    `The credential is valid, but it cannot read ${repository} ${statusAndWords(response)}.`,
    [
      ...(reason === undefined ? [] : [reason]),
      'Check that workspace and slug are the same as in the repository’s address.',
      'An OAuth client can read only its own workspace, and a repository or project access token only its own repository or project.',
    ].join('\n'),
  )
}

const list = (scopes: readonly string[]): string => (scopes.length === 0 ? 'none' : scopes.join(', '))
