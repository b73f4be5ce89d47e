import { TokenError } from '../errors.ts'
import type { HttpAnswer } from '../http/exchange.ts'
import { readObject, stringAt } from './answers.ts'
import type { Issuance } from './credential.ts'
import { restMessage } from './rest-errors.ts'

const deadRefreshToken = [
  'The refresh token is dead: Bitbucket gives a new one with every use and drops the old one about ten minutes later, and one that was not used for three months.',
  'Store the newest one; or use client credentials, which need no refresh token.',
].join('\n')

/**
 * What the token endpoint's errors mean, matched in this order on `error` and `error_description`. Bitbucket's
 * codes alone say little (`invalid_request` stands for three different causes), so the description counts first.
 */
const tokenEndpointRefusals: readonly { readonly matches: RegExp; readonly nextStep: string }[] = [
  {
    // composer PR 10678; "public" is in quotes
    matches: /consumer marked as|marked as "public"/i,
    nextStep:
      'The OAuth consumer is public. Workspace settings → OAuth consumers → Edit: tick "This is a private consumer".',
  },
  {
    matches: /callback ur[il]/i,
    nextStep:
      'The OAuth consumer has no callback URL. Workspace settings → OAuth consumers → Edit: enter any URL, such as https://example.com; this grant never calls it.',
  },
  {
    matches: /refresh.?token/i,
    nextStep: deadRefreshToken,
  },
  {
    matches: /resource owner|unsupported.grant/i,
    nextStep:
      'Bitbucket does not offer this grant to the consumer: use client credentials or a refresh token.',
  },
  {
    matches: /invalid.scope/i,
    nextStep: 'A scope is not one of those the consumer has: Workspace settings → OAuth consumers → Edit.',
  },
]

const deadGrants = {
  'refresh-token': deadRefreshToken,
  'authorization-code':
    'A code works once, and for a few minutes, with the callback URL it was asked for: begin again.',
}

/** What the endpoint was given beside key and secret. */
const refused: Partial<Record<Issuance, string>> = {
  'refresh-token': 'refresh token or its client',
  'authorization-code': 'authorization code or its client',
}

const wrongKeyOrSecret = [
  'The key or the secret of the OAuth consumer is wrong, or the consumer was deleted: copy both again from Workspace settings → OAuth consumers.',
  'A user name with a password, an API token or an app password will not do here.',
].join('\n')

const wrongConnectApp = [
  'Check in this order:',
  '- connect-client-key and connect-shared-secret are clientKey and sharedSecret of the newest "installed" callback: each installation has its own, and installing again replaces them;',
  '- connect-app-key is the "key" in the app\'s descriptor;',
  '- the app is still installed: Workspace settings → Installed apps;',
  '- Bitbucket still takes Connect apps: Atlassian ends their support in December 2026.',
].join('\n')

/** Seconds by which a clock must be off before it is named: an answer has been on its way for some of them. */
const clockTolerance = 60

/** What the answer's own time says of the clock by which a JWT was signed; an answer without one says nothing. */
function clockAdvice(response: HttpAnswer, now: number): string[] {
  const seconds = (now - Date.parse(response.headers['date'] ?? '')) / 1_000
  if (!(Math.abs(seconds) > clockTolerance)) return []
  const off = `${Math.round(Math.abs(seconds) / 60)} min ${seconds < 0 ? 'behind' : 'ahead of'}`
  return [
    `This machine's clock is ${off} Bitbucket's, and a JWT counts by the clock: set it (NTP), then run this again.`,
  ]
}

/** What a refusal of the JWT grant means; Atlassian documents no wording of its own for it. */
function refusedConnectApp(said: string, response: HttpAnswer, now: number) {
  return /scope/i.test(said)
    ? ({
        code: 'scope-missing',
        what: 'the scopes',
        nextStep:
          "Ask in scopes for what is in the app's descriptor, by the same names; or for nothing, which gives all of them.",
      } as const)
    : ({
        code: 'credential-refused',
        what: 'the JWT of the Connect app',
        nextStep: [...clockAdvice(response, now), wrongConnectApp].join('\n'),
      } as const)
}

function refusedConsumer(text: string, error: string, kind: Issuance) {
  const known = tokenEndpointRefusals.find(({ matches }) => matches.test(text))
  const isSpent = error === 'invalid_grant' && (kind === 'refresh-token' || kind === 'authorization-code')
  return {
    code: 'credential-refused',
    what: `the ${refused[kind] ?? 'client credentials'}`,
    nextStep: known?.nextStep ?? (isSpent ? deadGrants[kind] : wrongKeyOrSecret),
  } as const
}

/**
 * The refusal in an answer of the token endpoint with status 400, 401 or 403. Composer, too, treats them alike.
 * @param signedBy for a JWT, what the clock by which it was signed says now: milliseconds since the epoch
 */
export function refusedByTokenEndpoint(
  response: HttpAnswer,
  kind: Issuance,
  signedBy: number | undefined,
): TokenError {
  const body = readObject(response)
  const error = stringAt(body, 'error') ?? ''
  const description = stringAt(body, 'error_description') ?? ''
  const text = `${description} ${error}`
  const { code, what, nextStep } =
    signedBy === undefined ? refusedConsumer(text, error, kind) : refusedConnectApp(text, response, signedBy)
  const said = [error && response.quote(error), description && `"${response.quote(description)}"`].filter(
    Boolean,
  )
  return new TokenError(
    code,
    `Bitbucket refused ${what} (${[`status ${response.status}`, ...said].join(', ')}).`,
    nextStep,
  )
}

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

/** The refusal in a REST answer with status 401, whose body may be empty. */
export function refusedByRest(response: HttpAnswer, kind: Issuance): TokenError {
  const message = restMessage(response)
  return new TokenError(
    'credential-refused',
    `Bitbucket refused the ${kind === 'jwt' ? 'token' : kind.replace('-', ' ')} (status ${response.status}${message ? `: "${message}"` : ''}).`,
    restRefusals[kind],
  )
}
