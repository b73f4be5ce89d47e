import { inertText } from './inert.ts'

/**
 * The exit statuses that scripts rely on: 1 anything else, 2 input, 3 Bitbucket refused the credential, 4 it is
 * valid but a scope or access to the repository is missing, or the store of its refresh token cannot be written,
 * 5 Bitbucket could not be reached or kept failing. (6 is an audit that failed: commands/audit.ts.)
 */
export type ExitStatus = 1 | 2 | 3 | 4 | 5

const exitStatusOf = {
  /** A value was not given, cannot be read, or contradicts another. */
  input: 2,
  /** Bitbucket answered, and said no to this credential. */
  'credential-refused': 3,
  /** The credential is valid but lacks a scope the job asked for. */
  'scope-missing': 4,
  /** The credential is valid but cannot read the repository the job asked for. */
  'repository-unreadable': 4,
  /** Bitbucket denies access for a reason of the account or workspace, such as an IP allow list. */
  'access-denied': 4,
  /** Where the new refresh token is to go cannot be written: before the old one was spent, or, worse, after. */
  'store-unwritable': 4,
  /** No connection, no answer in time, or failure after failure. */
  unreachable: 5,
  /** The answer cannot be used: a proxy's page, a redirect, half a document, or an error of Bitbucket's own. */
  'answer-unusable': 5,
  /** A secret file could not be written or removed. */
  file: 1,
  /** The CI did not offer what its own documentation promises. */
  host: 1,
  /** A person was asked for consent and did not give it in time. */
  'no-consent': 1,
  /** Stopped by a signal. */
  interrupted: 1,
} as const satisfies Record<string, ExitStatus>

/** Stable names of what can go wrong; scripts and library users may switch on them. */
export type ErrorCode = keyof typeof exitStatusOf

/** An error a user can meet: what happened, and what to do next. */
export class TokenError extends Error {
  readonly code: ErrorCode
  /** What to do next, one step a line. */
  readonly nextStep: string

  constructor(code: ErrorCode, message: string, nextStep: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'TokenError'
    this.code = code
    this.nextStep = nextStep
  }

  get exitStatus(): ExitStatus {
    return exitStatusOf[this.code]
  }
}

/**
 * Returns a server's words as one line that is safe to repeat in a log. It is not cut: a secret in it must be found whole to
 * be taken out, so {@link cutLines} comes last.
 */
export function quoteForLog(text: string): string {
  return inertText(
    text
      .toWellFormed()
      .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\s]+/gu, ' ')
      .trim(),
  )
}

/** The longest line that a person is shown, in characters. */
const lineLimit = 1_000

/** Text whose lines end somewhere, whatever a server had to say. */
export function cutLines(text: string): string {
  // The cut may go through the middle of a surrogate pair.
  const cut = (line: string) => `${line.slice(0, lineLimit).replace(/[\uD800-\uDBFF]$/, '')}…`
  return text
    .split('\n')
    .map((line) => (line.length > lineLimit ? cut(line) : line))
    .join('\n')
}

/** The message of an error, or whatever else was thrown as text; {@link reasonOf} makes it ready for a log. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** What node says of a failed call (`EACCES: permission denied, open '…'`), or the thing itself as text. */
export function reasonOf(error: unknown): string {
  return quoteForLog(messageOf(error))
}
