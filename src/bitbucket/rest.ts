import { TokenError } from '../errors.ts'
import type { Http, HttpAnswer } from '../http/exchange.ts'
import { isObject, readObject, stringAt } from './answers.ts'
import type { AccessToken, Issuance } from './credential.ts'
import { refusedByRest } from './refusals.ts'
import { restDetail, restMessage } from './rest-errors.ts'
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
}

/** What a check asks for. @param repository `workspace/slug` */
export function checkUrl(base: URL, repository: string | undefined): URL {
  const path = repository === undefined ? 'user' : `repositories/${encodeURI(repository)}`
  return new URL(`${base.href.replace(/\/$/, '')}/2.0/${path}`)
}

/**
 * Asks Bitbucket whether a credential works: `/2.0/repositories/<repository>` where a repository is named, else
 * `/2.0/user`. Lists of repositories or workspaces would be the folklore way; they are gone (410, CHANGE-2770).
 *
 * 200 is valid. 403 is valid with a scope missing: not an error for `/2.0/user`, which is only asked to see
 * whether the token lives, but one for a repository that the job must be able to read.
 * @param repository `workspace/slug`
 * @throws {TokenError} `credential-refused`, `scope-missing`, `repository-unreadable`, `answer-unusable`, `unreachable`
 */
export async function checkCredential(
  http: Http,
  base: URL,
  token: Pick<AccessToken, 'authorization'> & { readonly kind: Issuance },
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
      if (readObject(response) === undefined) throw unusable(response, url, 'JSON')
      return checked(response, repository === undefined)
    case 401:
      // Said of a workspace, not of the token (renovate PR 14402).
      if (repository !== undefined && /do not have access/i.test(restMessage(response))) {
        throw unreadable(response, repository)
      }
      throw refusedByRest(response, token.kind)
    case 403:
      // Only Bitbucket's own 403 proves that Bitbucket accepted the token; a firewall's does not.
      if (!isObject(readObject(response)?.['error']) && response.headers['x-oauth-scopes'] === undefined) {
        throw unusable(response, url, "Bitbucket's own answer")
      }
      if (repository !== undefined) throw await forbidden(response, repository)
      return checked(response, false)
    case 404:
      if (repository !== undefined && readObject(response) !== undefined)
        throw unreadable(response, repository)
      throw unusable(response, url, 'JSON')
    default:
      throw unusable(response, url, 'JSON')
  }
}

async function checked(response: HttpAnswer, isAccount: boolean): Promise<CheckedCredential> {
  const scopes = response.headers['x-oauth-scopes']
  const credentialType = response.headers['x-credential-type']
  return {
    account: isAccount ? accountIn(response) : undefined,
    accountType: isAccount ? accountTypeIn(response) : undefined,
    scopes:
      scopes === undefined ? undefined : await scopesWithoutSecrets(splitScopes(scopes), response.quote),
    credentialType: credentialType === undefined ? undefined : response.quote(credentialType),
    missing: restDetail(response).required,
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

async function forbidden(response: HttpAnswer, repository: string): Promise<TokenError> {
  const { required, granted, text } = restDetail(response)
  if (required.length === 0) return unreadable(response, repository)
  const told = splitScopes(response.headers['x-oauth-scopes'] ?? '')
  const has = granted.length > 0 ? granted : await scopesWithoutSecrets(told, response.quote)
  return new TokenError(
    'scope-missing',
    `The credential is valid, but reading ${repository} needs ${list(required)}; it has ${list(has)}.${text && ` "${text}"`}`,
    'Scopes belong to the credential: add them to the OAuth consumer, or make a new token that has them (a token’s scopes cannot be changed).',
  )
}

function unreadable(response: HttpAnswer, repository: string): TokenError {
  const said = [restMessage(response), restDetail(response).text].filter(Boolean).join(' ')
  return new TokenError(
    'repository-unreadable',
    `The credential is valid, but it cannot read ${repository} (status ${response.status}${said && `: "${said}"`}).`,
    [
      'Check workspace and slug as they stand in the repository’s address.',
      'An OAuth consumer of a workspace reaches only that workspace, and a repository or project access token only its own.',
    ].join('\n'),
  )
}

const list = (scopes: readonly string[]): string => (scopes.length === 0 ? 'none' : scopes.join(', '))
