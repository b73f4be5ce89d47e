import { TokenError } from '../errors.ts'
import type { HttpAnswer } from '../http/exchange.ts'
import { isJson } from './answers.ts'
import type { Credential, Issuance } from './credential.ts'
import { clientIdAndSecret, enableGrant, enterCallbackUrl, tickScopes } from './oauth-clients.ts'
import { inOnePiece, likelyReasons, namedReason, readError, statusAndWords } from './rest-errors.ts'
import { wrongInputHint } from './token-formats.ts'

const expiredRefreshToken = [
  'The refresh token is no longer valid. Each use returns a new one, and Bitbucket drops the old one about ten minutes later. It also drops a refresh token that was not used for three months.',
  'Store the newest refresh token, or use client credentials, which need none.',
].join('\n')

const notRead =
  'Bitbucket did not receive the request as it was sent. Check that no proxy changes it, and use the newest version of bitbucket-token.'

/**
 * What to do about the token endpoint's errors. The first pattern that matches `error_description` and `error` counts.
 * Bitbucket's codes alone say little: `invalid_request` has three different causes.
 */
const tokenEndpointRefusals: readonly {
  readonly matches: RegExp
  readonly nextStep: (kind: Issuance) => string
}[] = [
  {
    // composer PR 10678; "public" is in quotes
    matches: /consumer marked as|marked as "public"/i,
    nextStep: (kind) => `The OAuth client is public.\n${enableGrant(kind)}`,
  },
  {
    // jonhadfield/soba#50
    matches: /callback ur[il]/i,
    nextStep: () =>
      `The OAuth client has no callback URL. ${enterCallbackUrl} Any URL works, such as https://example.com, because this grant never calls it.`,
  },
  {
    // Bitbucket's answer if it finds no form (bitbucket.org/site/master issue 16249)
    matches: /grant.type:? none/i,
    nextStep: () => notRead,
  },
  {
    // RFC 6749, 5.2: `unsupported_grant_type`, and `unauthorized_client` "not authorized to use this authorization
    // grant type"
    matches: /unsupported.grant|grant.?type|(authorization )?grant is not (allowed|enabled)|resource owner/i,
    nextStep: enableGrant,
  },
  { matches: /refresh.?token/i, nextStep: () => expiredRefreshToken },
  {
    matches: /invalid.scope/i,
    nextStep: () => `The OAuth client lacks one of the requested scopes. Tick it: ${tickScopes}`,
  },
]

const expiredGrants: Partial<Record<Issuance, string>> = {
  'refresh-token': expiredRefreshToken,
  'authorization-code':
    'An authorization code works only once, only for a few minutes, and only with the callback URL of its request. Start again.',
}

/** What the endpoint refused, in words. */
const refused: Partial<Record<Issuance, string>> = {
  'refresh-token': 'refresh token or its client',
  'authorization-code': 'authorization code or its client',
}

const wrongIdOrSecret = [
  `The ID (key) or the secret of the OAuth client is wrong, or the client was deleted. ${clientIdAndSecret}`,
  'User names, passwords, API tokens and app passwords do not work here.',
].join('\n')

const wrongConnectApp = [
  'Check in this order:',
  '- connect-client-key and connect-shared-secret are clientKey and sharedSecret of the newest "installed" callback (each installation has its own, and installing the app again replaces them);',
  '- connect-app-key is the "key" in the app\'s descriptor;',
  '- the app is still installed: Workspace settings → Installed apps;',
  '- Bitbucket still accepts Connect apps: Atlassian ends their support in December 2026.',
].join('\n')

interface Refusal {
  readonly code: 'credential-refused' | 'scope-missing'
  readonly what: string
  readonly nextStep: string
}

/** Explains a refusal of the JWT grant. Atlassian documents no error texts for it. */
function refusedConnectApp(text: string): Refusal {
  if (/scope/i.test(text)) {
    return {
      code: 'scope-missing',
      what: 'the scopes',
      nextStep:
        "List only scopes of the app's descriptor in scopes, under the same names. Leave scopes empty to get all of them.",
    }
  }
  return {
    code: 'credential-refused',
    what: 'the JWT of the Connect app',
    nextStep: /unsupported.grant|grant.?type/i.test(text) ? enableGrant('jwt') : wrongConnectApp,
  }
}

/** Explains a refusal of any other grant. */
function refusedClient(response: HttpAnswer, text: string, code: string, kind: Issuance): Refusal {
  const known = tokenEndpointRefusals.find(({ matches }) => matches.test(text))
  const expired = code === 'invalid_grant' ? expiredGrants[kind] : undefined
  return {
    code: 'credential-refused',
    what: `the ${refused[kind] ?? 'client credentials'}`,
    nextStep: known?.nextStep(kind) ?? expired ?? whyRefused(response, code),
  }
}

/** Returns what to do if no pattern and no error code names the cause. */
function whyRefused(response: HttpAnswer, code: string): string {
  const error = readError(response)
  const reason = error && namedReason(error)
  if (reason !== undefined) return reason
  // A REST error comes from a gateway in front of the token endpoint, so it says nothing about the client.
  const isDenied = response.status === 403 && error !== undefined && code === ''
  if (isDenied) return likelyReasons(error)
  return code === 'invalid_request'
    ? `Bitbucket did not accept the request. Use the newest version of bitbucket-token.\n${wrongIdOrSecret}`
    : wrongIdOrSecret
}

/**
 * Returns the error for a refusal by the token endpoint: status 400, 401 or 403, or status 200 with an error in the
 * body. Composer also treats these statuses alike.
 * @param hint tells which value was given in the wrong input, if known
 */
export function refusedByTokenEndpoint(
  response: HttpAnswer,
  kind: Issuance,
  hint: string | undefined,
): TokenError {
  const error = readError(response)
  const [errorCode, words] = error === undefined ? ['', ''] : [error.code, inOnePiece(error)]
  const text = `${words} ${errorCode}`
  const { code, what, nextStep } =
    kind === 'jwt' ? refusedConnectApp(text) : refusedClient(response, text, errorCode, kind)
  const isForeign = response.body.trim() !== '' && !isJson(response)
  const said = [errorCode, words && `"${words}"`, isForeign && 'not JSON'].filter(Boolean)
  return new TokenError(
    code,
    `Bitbucket refused ${what} (${[`status ${response.status}`, ...said].join(', ')}).${hint === undefined ? '' : ` ${hint}`}`,
    isForeign ? `${nextStep}\n${perhapsProxy}` : nextStep,
  )
}

const perhapsProxy =
  'Bitbucket answers in JSON. If the credential is right, a proxy or firewall between this machine and Bitbucket may have answered instead.'

const justIssued =
  'Bitbucket has just issued this token, so it should work. Run the job again, and see https://bitbucket.status.atlassian.com.'

/**
 * What to do about a 401 of the REST API. Each text lists all causes, because Bitbucket answers a wrong user, an
 * expired token, a token without scopes and a wrong scheme with the same sentence: "Token is invalid, expired, or not
 * supported for this endpoint.".
 */
const restRefusals: Readonly<Record<Issuance, string>> = {
  'api-token': [
    'Check in this order:',
    '- email is the address of the Atlassian account that owns the token, not a user name;',
    '- the token was created "with scopes" for the app Bitbucket (Bitbucket refuses a token without scopes, or for Jira or Confluence);',
    '- it has not expired (a year at most) and was not revoked: id.atlassian.com → Security → API tokens;',
    '- the value is an API token: Bitbucket removed app passwords on 2026-07-28.',
  ].join('\n'),
  'access-token': [
    'Check in this order:',
    '- the token has not expired and was not revoked: settings of its repository, project or workspace → Access tokens;',
    '- it is an access token (ATCTT…), not an API token (ATATT…), which goes into api-token with its email;',
    '- it was not issued by an earlier run: an OAuth token expires after two hours.',
  ].join('\n'),
  'client-credentials': justIssued,
  'refresh-token': justIssued,
  jwt: justIssued,
  'authorization-code': justIssued,
  implicit: justIssued,
}

/** A 401 may also mean that the token has no account to read, as is normal for an access token. */
const checkRepositoryInstead =
  '- it may read an account. A repository access token may not: set repository to check it with that repository.'

/** Returns the name of a kind of credential for use in a sentence. */
export function kindInWords(kind: Issuance): string {
  if (kind === 'jwt') return 'token'
  return kind === 'api-token' ? 'API token' : kind.replace('-', ' ')
}

/**
 * Returns the error for a REST answer that refuses the credential. Its body may be empty.
 * @param repository the repository that was requested, `workspace/slug`; undefined for the account
 */
export function refusedByRest(
  response: HttpAnswer,
  { kind, secret }: Pick<Credential, 'secret'> & { readonly kind: Issuance },
  repository: string | undefined,
): TokenError {
  // A token from the token endpoint was not given by the user, so it cannot be in the wrong input.
  const isGiven = kind === 'api-token' || kind === 'access-token'
  const hint = isGiven ? wrongInputHint(secret, kind) : undefined
  const nextStep =
    kind === 'access-token' && repository === undefined
      ? `${restRefusals[kind]}\n${checkRepositoryInstead}`
      : restRefusals[kind]
  return new TokenError(
    'credential-refused',
    `Bitbucket refused the ${kindInWords(kind)} ${statusAndWords(response)}.${hint === undefined ? '' : ` ${hint}`}`,
    nextStep,
  )
}
