import { logSafeText, replaceUnseen } from './log-safe.ts'

/**
 * The exit statuses that scripts rely on. 1: any other error. 2: an input is wrong. 3: Bitbucket refused the credential.
 * 4: the credential is valid, but a scope or access to the repository is missing, or the new refresh token cannot be saved.
 * 5: Bitbucket could not be reached or kept failing. (6: an audit failed, see commands/audit.ts.)
 */
export type ExitStatus = 1 | 2 | 3 | 4 | 5

const exitStatusOf = {
  /** An input is missing, invalid, or contradicts another. */
  input: 2,
  /** Bitbucket rejected the credential. */
  'credential-refused': 3,
  /** The credential is valid but lacks a scope that the job needs. */
  'scope-missing': 4,
  /** The credential is valid but cannot read the repository that the job needs. */
  'repository-unreadable': 4,
  /** Bitbucket denies access because of the account or workspace, for example because of an IP allow list. */
  'access-denied': 4,
  /** The store for the new refresh token cannot be written. This can happen before or, worse, after the old one was used. */
  'store-unwritable': 4,
  /** No connection, no answer in time, or every retry failed. */
  unreachable: 5,
  /** The answer is not usable: a proxy's page, a redirect, an unexpected document, or an internal error of Bitbucket. */
  'answer-unusable': 5,
  /** A file or stdout could not be written, a file could not be removed, or a lock did not become free in time. */
  file: 1,
  /** The CI does not provide what its documentation promises. */
  host: 1,
  /** Nobody granted access in time. */
  'no-consent': 1,
  /** Stopped by a signal. */
  interrupted: 1,
} as const satisfies Record<string, ExitStatus>

/** Stable codes of the errors. Scripts and library users may switch on them. */
export type ErrorCode = keyof typeof exitStatusOf

/** An error for the user: what happened, and what to do next. */
export class TokenError extends Error {
  readonly code: ErrorCode
  /** What to do next, one step per line. */
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
 * Returns a server's text as one line that is safe to write to a log. It does not shorten the text, because a secret can only
 * be removed if it is complete. {@link cutLines} does that last.
 */
export function quoteForLog(text: string): string {
  const visible = replaceUnseen(text.toWellFormed(), ' ')
  return logSafeText(visible.replace(/\s+/g, ' ').trim())
}

/** The longest line in a message, in characters. */
const lineLimit = 1_000

/** Shortens each line that is too long, such as a server's text without an end. */
export function cutLines(text: string): string {
  // Drop half a surrogate pair at the cut.
  const cut = (line: string) => `${line.slice(0, lineLimit).replace(/[\uD800-\uDBFF]$/, '')}…`
  return text
    .split('\n')
    .map((line) => (line.length > lineLimit ? cut(line) : line))
    .join('\n')
}

/** Returns the error for a run that a signal stopped. */
export const interrupted = (): TokenError =>
  new TokenError('interrupted', 'A signal stopped the run before it finished.', 'Run it again.')

/** Returns the message of an error, or any other thrown value as text. {@link reasonOf} also makes it safe for a log. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Returns why a call failed (`EACCES: permission denied, open '…'`), as one line that is safe for a log. */
export function reasonOf(error: unknown): string {
  return quoteForLog(messageOf(error))
}

/** Returns the code of an error of the system or of node, such as `ENOENT`; undefined if it has none. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}
