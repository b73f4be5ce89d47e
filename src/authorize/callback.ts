import { oneOAuthClient } from '../bitbucket/oauth-clients.ts'
import type { Attempt, Attempts } from './attempts.ts'

/** Why an answer brought nothing, for the person who sees it. */
export interface Problem {
  readonly title: string
  readonly text: string
  readonly advice: string
  /** What Bitbucket itself had to say. */
  readonly said?: string | undefined
}

/** What came back from Bitbucket in the browser. */
export type CallbackAnswer =
  | { readonly attempt: Attempt; readonly parameters: URLSearchParams }
  | { readonly problem: Problem }

/** What an answer must be like to be taken. */
export interface Expected {
  /** The parameter that holds what was asked for. */
  readonly wanted: 'code' | 'access_token'
  /** Where the person was sent: the only issuer whose answers count. */
  readonly issuer: URL
  /** Makes words from outside ready for a page: see `Redactor.quote`. */
  readonly quote: (text: string) => string
}

/**
 * Reads what Bitbucket sent the browser back with (RFC 6749, 4.1.2 and 4.2.2). An answer that no honest server gives uses
 * up no attempt, so the honest one may still come.
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
    // Anybody can send a browser here with a text of his own, so without a state none is repeated.
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

/** Why an answer is not the one that was asked for, whatever its state; undefined if it may be. */
function whyForged(
  parameters: URLSearchParams,
  wanted: Expected['wanted'],
  issuer: URL,
): 'repeated' | 'contradictory' | 'foreign' | 'otherGrant' | undefined {
  const names = [...parameters.keys()]
  // RFC 6749, 3.1: "parameters MUST NOT be included more than once".
  if (new Set(names).size < names.length) return 'repeated'
  const brought = (['code', 'access_token', 'id_token', 'refresh_token'] as const).filter((name) =>
    parameters.has(name),
  )
  if (brought.some((name) => name !== wanted)) return 'otherGrant'
  if (parameters.has('error') && brought.length > 0) return 'contradictory'
  const iss = parameters.get('iss')
  return iss === null || isIssuedBy(issuer, iss) ? undefined : 'foreign'
}

/** Bitbucket sends no `iss` (RFC 9207) today, so which path it would have is not known; its origin is. */
function isIssuedBy({ origin }: URL, iss: string): boolean {
  return URL.canParse(iss) && new URL(iss).origin === origin && new URL(iss).username === ''
}

export const problems = {
  repeated: {
    title: 'This answer says something twice',
    text: 'A part of the address is there more than once, which Bitbucket never does. Somebody may have changed the address.',
    advice: 'The program took nothing from it. Begin again, and close other tabs that wait for access.',
  },
  contradictory: {
    title: 'This answer contradicts itself',
    text: 'It grants access and reports an error at the same time. Somebody may have changed the address.',
    advice: 'The program took nothing from it. Begin again.',
  },
  foreign: {
    title: 'This answer comes from another server',
    text: 'It names an issuer (iss) that is not the Bitbucket you were sent to.',
    advice:
      'The program took nothing from it. Begin again. If the issuer is right, start the program with that address as url.',
  },
  otherGrant: {
    title: 'This answer belongs to another grant',
    text: 'It carries a kind of secret that the program did not ask for.',
    advice:
      'The program took nothing from it. Begin again, with or without --implicit, and use the link on the first page.',
  },
  tokenInQuery: {
    title: 'This answer has the token in the wrong place',
    text: 'Bitbucket puts an access token behind the # of the address, where no server and no log sees it. Here it came before that.',
    advice:
      'The program took nothing from it. Treat that token as exposed. Begin again, and check which browser extension or proxy changes addresses.',
  },
  stateless: {
    title: 'This is no answer of Bitbucket’s',
    text: 'The address has none of what Bitbucket sends back with.',
    advice: 'Begin here, and let Bitbucket bring you back.',
  },
  unknown: {
    title: 'Nobody here asked for this answer',
    text: 'Its state is none that was given out here. It may be left from an earlier run, or somebody else has sent you this link.',
    advice: 'Nothing was done with it. Begin again.',
  },
  used: {
    title: 'This answer was used before',
    text: 'Each answer of Bitbucket’s counts once: the page was loaded again, or opened in a second tab.',
    advice: 'If the first time brought no access, begin again.',
  },
  expired: {
    title: 'This answer came too late',
    text: 'More than ten minutes went by between the button here and the one on Bitbucket’s page.',
    advice: 'Begin again.',
  },
  empty: {
    title: 'Bitbucket’s answer is not complete',
    text: 'It says neither that access was granted nor why not.',
    advice: 'Begin again. If it stays so, a browser extension or a proxy may cut the address short.',
  },
} as const satisfies Record<string, Problem>

/** The errors of RFC 6749, 4.1.2.1 and 4.2.2.1, as Bitbucket may send them. */
const errors: Readonly<Record<string, Problem>> = {
  access_denied: {
    title: 'Access was not granted',
    text: 'On Bitbucket’s page it was declined, or your account may not grant it.',
    advice:
      'If that was a mistake, begin again. Otherwise close this tab and stop the program in its terminal (Ctrl-C).',
  },
  invalid_request: {
    title: 'Bitbucket did not understand the request',
    text: 'A part of it was missing or not accepted.',
    advice: `Check the consumer’s key and its callback URL: ${oneOAuthClient}.`,
  },
  unauthorized_client: {
    title: 'The consumer may not ask for this',
    text: 'Bitbucket does not let this OAuth consumer use the grant.',
    advice: `Check that the key is the right one, and what the consumer may do: ${oneOAuthClient}.`,
  },
  unsupported_response_type: {
    title: 'Bitbucket does not offer this grant',
    text: 'It does not give what was asked for (a code, or with --implicit a token) to this consumer.',
    advice: 'Start the program again, with or without --implicit.',
  },
  invalid_scope: {
    title: 'The consumer’s scopes are not accepted',
    text: 'Bitbucket refused the permissions that the consumer asks for.',
    advice: `Tick the permissions again and save: ${oneOAuthClient}.`,
  },
  server_error: {
    title: 'Bitbucket failed',
    text: 'Something went wrong on its side.',
    advice: 'Begin again in a moment; https://bitbucket.status.atlassian.com says how it is.',
  },
  temporarily_unavailable: {
    title: 'Bitbucket is too busy',
    text: 'It cannot answer just now.',
    advice: 'Begin again in a moment; https://bitbucket.status.atlassian.com says how it is.',
  },
}

const otherError: Problem = {
  title: 'Bitbucket reported an error',
  text: 'It is none that is known here.',
  advice: `Check the consumer (${oneOAuthClient}), then begin again.`,
}

function meaningOf(error: string): Problem {
  return Object.hasOwn(errors, error) ? (errors[error] ?? otherError) : otherError
}
