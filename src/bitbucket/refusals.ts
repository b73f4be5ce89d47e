import { TokenError } from '../errors.ts'
import type { HttpAnswer } from '../http/exchange.ts'
import { isJson } from './answers.ts'
import type { Credential, Issuance } from './credential.ts'
import { clientIdAndSecret, enableGrant, enterCallbackUrl, tickScopes } from './oauth-clients.ts'
import { inOnePiece, likelyReasons, namedReason, readError, statusAndWords } from './rest-errors.ts'
import { misplaced } from './token-formats.ts'

const deadRefreshToken = [
  'The refresh token is dead: Bitbucket gives a new one with every use and drops the old one about ten minutes later, and one that was not used for three months.',
  'Store the newest one; or use client credentials, which need no refresh token.',
].join('\n')

const notRead =
  'Bitbucket did not receive the request as it was sent. Check that no proxy changes it, and use the newest version of bitbucket-token.'

/**
 * What the token endpoint's errors mean, matched in this order on `error` and `error_description`. Bitbucket's
 * codes alone say little (`invalid_request` stands for three different causes), so the description counts first.
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
      `The OAuth client has no callback URL. ${enterCallbackUrl} Any will do, such as https://example.com; this grant never calls it.`,
  },
  {
    // bitbucket.org/site/master issue 16249: what Bitbucket says if it finds no form
    matches: /grant.type:? none/i,
    nextStep: () => notRead,
  },
  {
    // RFC 6749, 5.2: `unsupported_grant_type`, and `unauthorized_client` "not authorized to use this authorization grant type"
    matches: /unsupported.grant|grant.?type|(authorization )?grant is not (allowed|enabled)|resource owner/i,
    nextStep: enableGrant,
  },
  { matches: /refresh.?token/i, nextStep: () => deadRefreshToken },
  {
    matches: /invalid.scope/i,
    nextStep: () => `The OAuth client does not have one of the scopes. Tick it: ${tickScopes}`,
  },
]

const deadGrants: Partial<Record<Issuance, string>> = {
  'refresh-token': deadRefreshToken,
  'authorization-code':
    'A code works once, and for a few minutes, with the callback URL it was asked for: begin again.',
}

/** What the endpoint was given. */
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
  '- connect-client-key and connect-shared-secret are clientKey and sharedSecret of the newest "installed" callback: each installation has its own, and installing again replaces them;',
  '- connect-app-key is the "key" in the app\'s descriptor;',
  '- the app is still installed: Workspace settings → Installed apps;',
  '- Bitbucket still takes Connect apps: Atlassian ends their support in December 2026.',
].join('\n')

interface Refusal {
  readonly code: 'credential-refused' | 'scope-missing'
  readonly what: string
  readonly nextStep: string
}

/** What a refusal of the JWT grant means; Atlassian documents no wording of its own for it. */
function refusedConnectApp(text: string): Refusal {
  if (/scope/i.test(text)) {
    return {
      code: 'scope-missing',
      what: 'the scopes',
      nextStep:
        "Ask in scopes for what is in the app's descriptor, by the same names; or for nothing, which gives all of them.",
    }
  }
  return {
    code: 'credential-refused',
    what: 'the JWT of the Connect app',
    nextStep: /unsupported.grant|grant.?type/i.test(text) ? enableGrant('jwt') : wrongConnectApp,
  }
}

function refusedClient(response: HttpAnswer, text: string, code: string, kind: Issuance): Refusal {
  const known = tokenEndpointRefusals.find(({ matches }) => matches.test(text))
  const dead = code === 'invalid_grant' ? deadGrants[kind] : undefined
  return {
    code: 'credential-refused',
    what: `the ${refused[kind] ?? 'client credentials'}`,
    nextStep: known?.nextStep(kind) ?? dead ?? whyRefused(response, code),
  }
}

/** What to do if neither words nor code name the cause. */
function whyRefused(response: HttpAnswer, code: string): string {
  const error = readError(response)
  const reason = error && namedReason(error)
  if (reason !== undefined) return reason
  // A REST error comes from what stands before the token endpoint; it names no client.
  const isDenied = response.status === 403 && error !== undefined && code === ''
  if (isDenied) return likelyReasons(error)
  return code === 'invalid_request'
    ? `Bitbucket did not accept the request. Use the newest version of bitbucket-token.\n${wrongIdOrSecret}`
    : wrongIdOrSecret
}

/**
 * Returns the error for a refusal of the token endpoint: an answer with status 400, 401 or 403, or one with status 200 that
 * reports an error. Composer, too, treats the codes alike.
 * @param hint what was given in the wrong place, if that can be seen
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
  const said = [errorCode, words && `"${words}"`, isForeign && 'without JSON'].filter(Boolean)
  return new TokenError(
    code,
    `Bitbucket refused ${what} (${[`status ${response.status}`, ...said].join(', ')}).${hint === undefined ? '' : ` ${hint}`}`,
    isForeign ? `${nextStep}\n${perhapsInBetween}` : nextStep,
  )
}

const perhapsInBetween =
  'Bitbucket answers in JSON: if the credential is right, something between this machine and Bitbucket may have answered (a proxy, a firewall).'

const justIssued =
  'Bitbucket has just issued this token, so this should not be: run the job again, and see https://bitbucket.status.atlassian.com.'

/**
 * The REST API says the same sentence to a wrong user, an expired token, a token without scopes and one sent in
 * the wrong scheme ("Token is invalid, expired, or not supported for this endpoint."), so all of them are listed.
 */
const restRefusals: Readonly<Record<Issuance, string>> = {
  'api-token': [
    'Check in this order:',
    '- email is the address of the Atlassian account that owns the token, not a user name;',
    '- the token was created "with scopes" for the app Bitbucket; one without scopes, or for Jira or Confluence, is refused;',
    '- it has not expired (a year at most) and was not revoked: id.atlassian.com → Security → API tokens;',
    '- the value is an API token; app passwords are gone since 2026-07-28.',
  ].join('\n'),
  'access-token': [
    'Check in this order:',
    '- the token has not expired and was not revoked: settings of its repository, project or workspace → Access tokens;',
    '- it is an access token (ATCTT…), not an API token (ATATT…), which goes into api-token with its email;',
    '- it was not issued by an earlier run: an OAuth token ends after two hours.',
  ].join('\n'),
  'client-credentials': justIssued,
  'refresh-token': justIssued,
  jwt: justIssued,
  'authorization-code': justIssued,
  implicit: justIssued,
}

/** Bitbucket's 401 may mean that a token may not ask for an account: access tokens have none. */
const askOfRepository =
  '- it may read an account: if it is a token of a repository, set repository, whose answer then decides.'

/** A kind of credential in a sentence. */
export function kindInWords(kind: Issuance): string {
  if (kind === 'jwt') return 'token'
  return kind === 'api-token' ? 'API token' : kind.replace('-', ' ')
}

/**
 * Returns the error for a REST answer that refuses the credential. Its body may be empty.
 * @param repository what was asked for, `workspace/slug`; undefined for the account
 */
export function refusedByRest(
  response: HttpAnswer,
  { kind, secret }: Pick<Credential, 'secret'> & { readonly kind: Issuance },
  repository: string | undefined,
): TokenError {
  // What an endpoint has issued was given by nobody.
  const isGiven = kind === 'api-token' || kind === 'access-token'
  const hint = isGiven ? misplaced(secret, kind) : undefined
  const nextStep =
    kind === 'access-token' && repository === undefined
      ? `${restRefusals[kind]}\n${askOfRepository}`
      : restRefusals[kind]
  return new TokenError(
    'credential-refused',
    `Bitbucket refused the ${kindInWords(kind)} ${statusAndWords(response)}.${hint === undefined ? '' : ` ${hint}`}`,
    nextStep,
  )
}
