import { TokenError } from '../errors.ts'
import type { HttpAnswer } from '../http/exchange.ts'
import { isHtml, isJson, readObject } from './answers.ts'
import { clientIdAndSecret, enterCallbackUrl, tickScopes } from './oauth-clients.ts'
import { likelyReasons, messageWithDetail, namedReason, readError } from './rest-errors.ts'
import { unusable } from './unusable.ts'

/** What the errors of the token endpoint say about a grant. */
export interface GrantTexts {
  /** What Bitbucket may refuse, in words. */
  readonly sends: string
  /** How to enable the grant for an OAuth client. */
  readonly howToEnable: string
  /** What to do about `invalid_grant`. By default it means that the ID or the secret of the client is wrong. */
  readonly ifInvalid?: string
  /** Explains a refusal from its text. By default it is explained as that of an OAuth client. */
  explain?(text: string): Refusal
}

/** Why the token endpoint issued no token. */
export interface Refusal {
  readonly code: 'credential-refused' | 'scope-missing'
  /** What it refused, in words. */
  readonly what: string
  readonly nextStep: string
}

/** Returns the error for an answer of the token endpoint without a token. */
export function tokenEndpointError(response: HttpAnswer, url: URL, grant: GrantTexts): TokenError {
  const { status } = response
  const isErrorIn200 = status === 200 && readObject(response) !== undefined
  // A 401 is always about the credential. An HTML page with status 400 or 403 does not come from Bitbucket.
  if (isErrorIn200 || status === 401 || ((status === 400 || status === 403) && !isHtml(response))) {
    return refusedByTokenEndpoint(response, grant)
  }
  return unusable(response, url, status === 200 ? 'a bearer token in JSON' : 'a token')
}

const notRead =
  'Bitbucket did not receive the request as it was sent. Check that no proxy changes it, and use the newest version of bitbucket-token.'

/**
 * What to do about the token endpoint's errors. The first pattern that matches `error_description` and `error` counts.
 * Bitbucket's codes alone say little: `invalid_request` has three different causes.
 */
const tokenEndpointRefusals: readonly {
  readonly matches: RegExp
  readonly nextStep: (grant: GrantTexts) => string | undefined
}[] = [
  {
    // composer PR 10678; "public" is in quotes
    matches: /consumer marked as|marked as "public"/i,
    nextStep: ({ howToEnable }) => `The OAuth client is public.\n${howToEnable}`,
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
    nextStep: ({ howToEnable }) => howToEnable,
  },
  { matches: /refresh.?token/i, nextStep: ({ ifInvalid }) => ifInvalid },
  {
    matches: /invalid.scope/i,
    nextStep: () => `The OAuth client lacks one of the requested scopes. Tick it: ${tickScopes}`,
  },
]

const wrongIdOrSecret = [
  `The ID (key) or the secret of the OAuth client is wrong, or the client was deleted. ${clientIdAndSecret}`,
  'User names, passwords, API tokens and app passwords do not work here.',
].join('\n')

/** Explains a refusal of an OAuth client. */
function refusedClient(response: HttpAnswer, text: string, code: string, grant: GrantTexts): Refusal {
  const known = tokenEndpointRefusals.find(({ matches }) => matches.test(text))
  const invalid = code === 'invalid_grant' ? grant.ifInvalid : undefined
  return {
    code: 'credential-refused',
    what: grant.sends,
    nextStep: known?.nextStep(grant) ?? invalid ?? whyRefused(response, code),
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
 */
function refusedByTokenEndpoint(response: HttpAnswer, grant: GrantTexts): TokenError {
  const error = readError(response)
  const [errorCode, words] = error === undefined ? ['', ''] : [error.code, messageWithDetail(error)]
  const text = `${words} ${errorCode}`
  const { code, what, nextStep } = grant.explain?.(text) ?? refusedClient(response, text, errorCode, grant)
  const isForeign = response.body.trim() !== '' && !isJson(response)
  const said = [errorCode, words && `"${words}"`, isForeign && 'not JSON'].filter(Boolean)
  return new TokenError(
    code,
    `Bitbucket refused the ${what} (${[`status ${response.status}`, ...said].join(', ')}).`,
    isForeign ? `${nextStep}\n${perhapsProxy}` : nextStep,
  )
}

const perhapsProxy =
  'Bitbucket answers in JSON. If the credential is right, a proxy or firewall between this machine and Bitbucket may have answered instead.'
