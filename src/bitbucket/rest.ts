import { TokenError } from '../errors.ts'
import type { Http, HttpAnswer } from '../http/exchange.ts'
import { readObject, stringAt } from './answers.ts'
import type { Credential, Issuance } from './credential.ts'
import { kindInWords, refusedByRest } from './refusals.ts'
import {
  inOnePiece,
  isOtherMechanism,
  isOwnError,
  likelyReasons,
  namedReason,
  readError,
  type SaidError,
  statusAndWords,
} from './rest-errors.ts'
import { scopesWithoutSecrets, splitScopes } from './scopes.ts'
import { unusable } from './unusable.ts'

/** What Bitbucket told about a credential that it accepts. */
export interface CheckedCredential {
  /** The account it acts as, ready for a log; undefined where it may not read that. */
  readonly account: string | undefined
  /** What that account is: `user`, or `app_user` for an app; undefined like the account itself. */
  readonly accountType: string | undefined
  /** From `x-oauth-scopes`, which comes with 200 and 403 alike; undefined without that header. */
  readonly scopes: readonly string[] | undefined
  /** From `x-credential-type`, such as `repo_access_token`. */
  readonly credentialType: string | undefined
  /** Scopes that reading the account would have needed, where they are missing. */
  readonly missing: readonly string[]
  /** Why the answer does not prove that the credential works, as a warning; undefined if it does. */
  readonly doubt: string | undefined
}

/** A credential to ask about. */
export type Checkable = Pick<Credential, 'authorization' | 'secret'> & { readonly kind: Issuance }

/** What a check asks for. @param repository `workspace/slug` */
export function checkUrl(base: URL, repository: string | undefined): URL {
  const path = repository === undefined ? 'user' : `repositories/${encodeURI(repository)}`
  return new URL(`${base.href.replace(/\/$/, '')}/2.0/${path}`)
}

/**
 * Asks Bitbucket whether a credential works: `/2.0/repositories/<repository>` where a repository is named, else
 * `/2.0/user`. Lists of repositories or workspaces would be the folklore way; they are gone (410, CHANGE-2770).
 *
 * 200 is valid. 403 is valid if it speaks of a missing scope: not an error for `/2.0/user`, which is only asked to see
 * whether the token lives, but one for a repository that the job must be able to read. Any other 403 denies access. It is
 * an error for an API token, which has an account to show (avivsinai/bitbucket-cli#30), and a doubt for other tokens: an access
 * token of a repository is answered so as a rule ("This API is not accessible by this authentication mechanism").
 * @param repository `workspace/slug`
 * @throws {TokenError} `credential-refused`, `scope-missing`, `repository-unreadable`, `access-denied`, `answer-unusable`,
 * `unreachable`
 */
export async function checkCredential(
  http: Http,
  base: URL,
  token: Checkable,
  repository: string | undefined,
): Promise<CheckedCredential> {
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
      // "Bad request", detail "Invalid Authorization header".
      if (isOwnError(response) && /authori[sz]ation|credential|token/i.test(wordsOf(response))) {
        throw refusedByRest(response, token, repository)
      }
      throw unusable(response, url, 'JSON')
    case 401:
      // Said of a workspace, not of the token (renovate PR 14402).
      if (repository !== undefined && /do not have access/i.test(wordsOf(response))) {
        throw unreadable(response, repository)
      }
      if (isOtherMechanism(response)) return denied(response, token, repository)
      throw refusedByRest(response, token, repository)
    case 403:
      // Only Bitbucket's own 403 proves that Bitbucket accepted the token; a firewall's does not.
      if (!isRestError(response) && response.headers['x-oauth-scopes'] === undefined) {
        throw unusable(response, url, "Bitbucket's own answer")
      }
      if (repository === undefined && speaksOfScopes(response)) return checked(response, false)
      return denied(response, token, repository)
    case 404:
      if (repository !== undefined && readObject(response) !== undefined)
        throw unreadable(response, repository)
      throw unusable(response, url, 'JSON')
    default:
      throw unusable(response, url, 'JSON')
  }
}

const nothingSaid: SaidError = { code: '', message: '', detail: '', required: [], granted: [] }

const errorIn = (response: HttpAnswer): SaidError => readError(response) ?? nothingSaid

const wordsOf = (response: HttpAnswer): string => inOnePiece(errorIn(response))

/** Whether an error has the form of the REST API, not the one of OAuth. */
const isRestError = (response: HttpAnswer): boolean => isOwnError(response) && errorIn(response).code === ''

/** The scopes of which each lets a token read its account: of API tokens, and of the other kinds. */
const accountScopes = ['read:user:bitbucket', 'account']

/** Whether a 403 says that a scope is missing: in words, in a list, or by the scopes that it says the token has. */
function speaksOfScopes(response: HttpAnswer): boolean {
  const error = errorIn(response)
  if (error.required.length > 0 || /\bscopes?\b/i.test(inOnePiece(error))) return true
  const granted = response.headers['x-oauth-scopes']
  if (granted === undefined || namedReason(error) !== undefined) return false
  return !splitScopes(granted).some((scope) => accountScopes.includes(scope))
}

async function checked(response: HttpAnswer, isAccount: boolean): Promise<CheckedCredential> {
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

/** What follows from an answer that denies access. */
async function denied(
  response: HttpAnswer,
  token: Checkable,
  repository: string | undefined,
): Promise<CheckedCredential> {
  if (repository !== undefined) throw await forbidden(response, repository)
  const error = errorIn(response)
  if (token.kind === 'api-token') {
    throw new TokenError(
      'access-denied',
      `Bitbucket denied access to the account of this API token ${statusAndWords(response)}.`,
      likelyReasons(error),
    )
  }
  const advice =
    namedReason(error) !== undefined && !isOtherMechanism(response)
      ? likelyReasons(error)
      : 'Set repository to check the credential with a repository that it must read.'
  return {
    ...(await checked(response, false)),
    doubt: `Bitbucket did not confirm the ${kindInWords(token.kind)} ${statusAndWords(response)}. ${advice}`,
  }
}

async function forbidden(response: HttpAnswer, repository: string): Promise<TokenError> {
  const error = errorIn(response)
  const told = splitScopes(response.headers['x-oauth-scopes'] ?? '')
  const has = error.granted.length > 0 ? error.granted : scopesWithoutSecrets(told, response.quote)
  if (error.required.length > 0) {
    return new TokenError(
      'scope-missing',
      `The credential is valid, but reading ${repository} needs ${list(error.required)}; it has ${list(has)}.`,
      changeScopes,
    )
  }
  if (/\bscopes?\b/i.test(inOnePiece(error))) {
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
      'The credential may not read this repository: let an administrator of it give access.',
    ),
  )
}

const changeScopes =
  'Scopes belong to the credential: add them to the OAuth client, or make a new token that has them (a token’s scopes cannot be changed).'

function unreadable(response: HttpAnswer, repository: string): TokenError {
  return new TokenError(
    'repository-unreadable',
    `The credential is valid, but it cannot read ${repository} ${statusAndWords(response)}.`,
    [
      ...[namedReason(errorIn(response))].filter((reason) => reason !== undefined),
      'Check workspace and slug as they stand in the repository’s address.',
      'An OAuth client of a workspace reaches only that workspace, and a repository or project access token only its own.',
    ].join('\n'),
  )
}

const list = (scopes: readonly string[]): string => (scopes.length === 0 ? 'none' : scopes.join(', '))
