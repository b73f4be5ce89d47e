import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import {
  canAccess,
  hasScope,
  missingScopes,
  nameFor,
  type RequiredScope,
  readRepository,
  readUser,
  repositoryNotFound,
} from './access.ts'
import { type Accounts, sandboxUser, type Token } from './accounts.ts'
import { isAppPassword, type Presented, parseAuthorization } from './authorization.ts'
import { type Answer, type Exchange, json } from './exchange.ts'
import { repositoryObject, userObject } from './rest-objects.ts'

/** Answers requests to api.bitbucket.org. Links and clone URLs start with `webUrl`. */
export function answerRest({ req, url }: Exchange, accounts: Accounts, webUrl: string): Answer {
  const path = url.pathname.replace(/\/+$/, '')
  if (!/^\/2\.0(\/|$)/.test(path)) return failure(403, 'Forbidden')
  if (isRemoved(path)) return removed()

  const fullName = /^\/2\.0\/repositories\/([^/]+\/[^/]+)$/.exec(path)?.[1]
  const known = path === '/2.0/user' || fullName !== undefined
  if (!known || (req.method !== 'GET' && req.method !== 'HEAD')) return noApi()

  // Without a credential, a private repository looks as if it did not exist (composer pull request 10657).
  if (fullName !== undefined && parseAuthorization(req.headers.authorization).scheme === 'none') {
    return failure(404, repositoryNotFound)
  }
  const required = fullName === undefined ? readUser : readRepository
  const token = authorize(req, accounts, required)
  if ('status' in token) return token
  const headers = credentialHeaders(token, required)
  if (fullName === undefined) {
    // A repository or project access token has no user, whatever its scopes.
    const hasUser = token.kind !== 'access-token' || token.level === 'workspace'
    return hasUser ? json(200, userObject(token, webUrl), headers) : scopeMissing(token, required)
  }
  if (!canAccess(token, fullName)) return failure(404, repositoryNotFound, headers)
  return json(200, repositoryObject(token, webUrl), headers)
}

/** Returns the token of a request if it has the scope, or else the refusal. */
export function authorize(req: IncomingMessage, accounts: Accounts, required: RequiredScope): Token | Answer {
  const presented = parseAuthorization(req.headers.authorization)
  if (presented.scheme === 'none') return unauthorized()
  const token = authenticate(presented, accounts)
  if (typeof token === 'string') return failure(401, token)
  return hasScope(token, required) ? token : scopeMissing(token, required)
}

/** Returns the token, or the message of the 401. */
function authenticate(presented: Presented, accounts: Accounts): Token | string {
  const invalid = 'Token is invalid, expired, or not supported for this endpoint.'
  if (presented.scheme === 'basic') {
    // An API token needs the email on REST and the user name in git. The opposite is refused.
    if (isAppPassword(presented.password) || presented.user !== sandboxUser.email) return invalid
    const token = accounts.token(presented.password)
    if (typeof token === 'string' || token.kind !== 'api-token') return invalid
    // An Atlassian token that was created without scopes, or for another app, does not work.
    return token.scopes.length === 0 ? invalid : token
  }
  if (presented.scheme !== 'bearer') return invalid
  const token = accounts.token(presented.token)
  if (token === 'expired') return 'Access token expired.'
  if (token === 'expired-renewable') {
    return 'Access token expired. Use your refresh token to obtain a new access token.'
  }
  if (token === 'unknown' || token.kind === 'api-token') return invalid
  return token
}

/** Returns headers about the credential, also for a 403 (Atlassian KB, "How to fetch the scope of a token via command line"). */
function credentialHeaders(token: Token, required: RequiredScope): OutgoingHttpHeaders {
  return {
    'x-oauth-scopes': token.scopes.join(', '),
    // This header has the old name of the scope even for an API token, whose own scopes have new names.
    'x-accepted-oauth-scopes': required.oauth,
    // What Bitbucket sends for OAuth 2.0 is unknown, so the sandbox sends nothing.
    ...(token.kind === 'api-token' && { 'x-credential-type': 'api_token' }),
    ...(token.kind === 'access-token' && { 'x-credential-type': accessTokenTypes[token.level] }),
  }
}

const accessTokenTypes = {
  repository: 'repo_access_token',
  project: 'project_access_token',
  workspace: 'workspace_access_token',
}

/** Whether CHANGE-2770 removed the endpoint in 2026. The credential does not matter. */
function isRemoved(path: string): boolean {
  return /^\/2\.0\/(repositories|workspaces|user\/permissions\/.+)$/.test(path)
}

function removed(): Answer {
  return apiError(410, {
    message: 'CHANGE-2770 - Functionality has been deprecated',
    detail: 'Please read the changelog entry for more details.',
    data: { announcement_url: 'https://developer.atlassian.com/cloud/bitbucket/changelog#CHANGE-2770' },
  })
}

export function noApi(): Answer {
  return apiError(404, {
    message: 'Resource not found',
    detail:
      "There is no API hosted at this URL.\n\nFor information about our API's, please refer to the documentation at: https://developer.atlassian.com/bitbucket/api/2/reference/",
  })
}

function unauthorized(): Answer {
  return {
    status: 401,
    headers: { 'www-authenticate': 'BitbucketCustom realm=Bitbucket.org HTTP' },
    body: '',
  }
}

function scopeMissing(token: Token, required: RequiredScope): Answer {
  const detail = { required: [nameFor(token, required)], granted: token.scopes }
  return apiError(403, { message: missingScopes, detail }, credentialHeaders(token, required))
}

export function failure(status: number, message: string, headers: OutgoingHttpHeaders = {}): Answer {
  return apiError(status, { message }, headers)
}

function apiError(status: number, error: object, headers: OutgoingHttpHeaders = {}): Answer {
  return json(status, { type: 'error', error }, headers)
}
