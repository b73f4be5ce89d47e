import { oneOAuthClient } from '../bitbucket/oauth-clients.ts'
import type { Attempt, Attempts } from './attempts.ts'

/** Why an answer was not accepted, as the user reads it. */
export interface Problem {
  readonly title: string
  readonly text: string
  readonly advice: string
  /** Bitbucket's own words. */
  readonly said?: string | undefined
}

/** What the browser brought back from Bitbucket. */
export type CallbackAnswer =
  | { readonly attempt: Attempt; readonly parameters: URLSearchParams }
  | { readonly problem: Problem }

/** What an answer must contain to be accepted. */
export interface Expected {
  /** The parameter that was requested. */
  readonly wanted: 'code' | 'access_token'
  /** Where the browser was sent. Answers of other issuers are rejected. */
  readonly issuer: URL
  /** Makes text from outside safe to show: see `TextRedactor.quote`. */
  readonly quote: (text: string) => string
}

/**
 * Reads the parameters with which Bitbucket sent the browser back (RFC 6749, 4.1.2 and 4.2.2). A forged answer does not use
 * up its attempt, so that the real answer still works.
 */
export function readCallback(
  parameters: URLSearchParams,
  attempts: Attempts,
  { wanted, issuer, quote }: Expected,
): CallbackAnswer {
  const forged = whyForged(parameters, wanted, issuer)
  if (forged !== undefined) return { problem: problems[forged] }
  const error = parameters.get('error')
  const state = parameters.get('state')
  if (state === null) {
    // Without a state, anyone could have sent the browser here. So the text of the answer is not shown.
    return { problem: error === null ? problems.stateless : meaningOf(error) }
  }
  const attempt = attempts.take(state)
  if (typeof attempt === 'string') return { problem: problems[attempt] }
  if (error !== null) {
    const said = [error, parameters.get('error_description') ?? ''].filter(Boolean).map(quote)
    return { problem: { ...meaningOf(error), said: said.join(': ') } }
  }
  return parameters.get(wanted) ? { attempt, parameters } : { problem: problems.empty }
}

/** Returns why the answer cannot be Bitbucket's, whatever its state, or undefined if it can be. */
function whyForged(
  parameters: URLSearchParams,
  wanted: Expected['wanted'],
  issuer: URL,
): 'repeated' | 'contradictory' | 'foreign' | 'otherGrant' | undefined {
  const names = [...parameters.keys()]
  // RFC 6749, 3.1: "parameters MUST NOT be included more than once".
  if (new Set(names).size < names.length) return 'repeated'
  const secrets = (['code', 'access_token', 'id_token', 'refresh_token'] as const).filter((name) =>
    parameters.has(name),
  )
  if (secrets.some((name) => name !== wanted)) return 'otherGrant'
  if (parameters.has('error') && secrets.length > 0) return 'contradictory'
  const iss = parameters.get('iss')
  return iss === null || isIssuedBy(issuer, iss) ? undefined : 'foreign'
}

/** Compares the origin only: Bitbucket sends no `iss` (RFC 9207) today, so the path that it would use is unknown. */
function isIssuedBy({ origin }: URL, iss: string): boolean {
  return URL.canParse(iss) && new URL(iss).origin === origin && new URL(iss).username === ''
}

export const problems = {
  repeated: {
    title: 'This answer repeats a parameter',
    text: 'A parameter appears more than once in the address. Bitbucket never does that, so somebody may have changed the address.',
    advice: 'The program ignored it. Start again, and close other tabs that are waiting for access.',
  },
  contradictory: {
    title: 'This answer contradicts itself',
    text: 'It grants access and reports an error at the same time. Somebody may have changed the address.',
    advice: 'The program ignored it. Start again.',
  },
  foreign: {
    title: 'This answer comes from another server',
    text: 'Its issuer (iss) is not the Bitbucket that you were sent to.',
    advice:
      'The program ignored it. Start again. If the issuer is right, run the program with that address as url.',
  },
  otherGrant: {
    title: 'This answer belongs to another grant',
    text: 'It contains a kind of secret that the program did not ask for.',
    advice:
      'The program ignored it. Start again, with or without --implicit, and use the link on the first page.',
  },
  tokenInQuery: {
    title: 'This answer has the token in the wrong place',
    text: 'Bitbucket puts an access token after the # of the address, where servers and logs cannot see it. Here the token is before the #.',
    advice:
      'The program ignored it. Treat this token as exposed. Find out which browser extension or proxy changes addresses, then start again.',
  },
  stateless: {
    title: 'This answer is not from Bitbucket',
    text: 'The address has none of the parameters that Bitbucket sends.',
    advice: 'Start again from the first page, and let Bitbucket send you back.',
  },
  unknown: {
    title: 'The program did not ask for this answer',
    text: 'This run does not know its state. The answer may be left over from an earlier run, or somebody else may have sent you this link.',
    advice: 'The program ignored it. Start again.',
  },
  used: {
    title: 'This answer was already used',
    text: 'Each answer from Bitbucket works once. This page was loaded again or opened in a second tab.',
    advice: 'If access was not granted the first time, start again.',
  },
  expired: {
    title: 'This answer came too late',
    text: 'More than ten minutes passed between the button here and the button on Bitbucket’s page.',
    advice: 'Start again.',
  },
  empty: {
    title: 'Bitbucket’s answer is incomplete',
    text: 'It neither grants access nor says why not.',
    advice: 'Start again. If this happens again, a browser extension or a proxy may shorten the address.',
  },
} as const satisfies Record<string, Problem>

/** The errors that Bitbucket may send (RFC 6749, 4.1.2.1 and 4.2.2.1). */
const errors: Readonly<Record<string, Problem>> = {
  access_denied: {
    title: 'Access was not granted',
    text: 'You declined it on Bitbucket’s page, or your account is not allowed to grant it.',
    advice:
      'If this was a mistake, start again. Otherwise close this tab and stop the program in its terminal (Ctrl-C).',
  },
  invalid_request: {
    title: 'Bitbucket did not understand the request',
    text: 'A parameter was missing or not accepted.',
    advice: `Check the OAuth client’s ID and its callback URL: ${oneOAuthClient}.`,
  },
  unauthorized_client: {
    title: 'The OAuth client is not allowed to use this grant',
    text: 'Bitbucket does not let this OAuth client use the grant.',
    advice: `Check the OAuth client’s ID and its settings: ${oneOAuthClient}.`,
  },
  unsupported_response_type: {
    title: 'Bitbucket does not offer this grant',
    text: 'It does not give this OAuth client what was asked for (a code, or a token with --implicit).',
    advice: 'Run the program again, with or without --implicit.',
  },
  invalid_scope: {
    title: 'Bitbucket rejected the OAuth client’s scopes',
    text: 'Bitbucket rejected the permissions that the OAuth client asks for.',
    advice: `Select the permissions again and save: ${oneOAuthClient}.`,
  },
  server_error: {
    title: 'Bitbucket failed',
    text: 'The error is on Bitbucket’s side.',
    advice: 'Check https://bitbucket.status.atlassian.com, and start again later.',
  },
  temporarily_unavailable: {
    title: 'Bitbucket is too busy',
    text: 'It cannot answer right now.',
    advice: 'Check https://bitbucket.status.atlassian.com, and start again later.',
  },
}

const otherError: Problem = {
  title: 'Bitbucket reported an error',
  text: 'This program does not know the error.',
  advice: `Check the OAuth client (${oneOAuthClient}), then start again.`,
}

function meaningOf(error: string): Problem {
  return Object.hasOwn(errors, error) ? (errors[error] ?? otherError) : otherError
}
