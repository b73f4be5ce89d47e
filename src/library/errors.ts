import { cutLines, messageOf, TokenError } from '../errors.ts'
import type { TextRedactor } from '../redaction/text-redactor.ts'
import type { BitbucketToken } from './bitbucket-token.ts'

/**
 * Is thrown if the storage could not save a new token. The token itself is valid. If Bitbucket has replaced the refresh
 * token, the old one stops working ten minutes after its use, so keep `token.refreshToken`. The next call tries to save it
 * again.
 */
export class UnsavedTokenError extends TokenError {
  /** The token that could not be saved. Logging it shows no secret. */
  readonly token: BitbucketToken

  /** @internal */
  constructor(reason: string, token: BitbucketToken) {
    super(
      'store-unwritable',
      `The new token could not be saved: ${reason}`,
      'Fix the storage and call again within ten minutes, or save error.token.refreshToken yourself.',
    )
    this.name = 'UnsavedTokenError'
    this.token = token
  }
}

/** Returns a copy of an error for the caller. It contains no secrets, and no cause, because a cause might contain some. */
export function withoutSecrets(error: unknown, redactor: TextRedactor): Error {
  const clean = (text: string) => cutLines(redactor.clean(text))
  if (error instanceof UnsavedTokenError) return error
  if (error instanceof TokenError)
    return new TokenError(error.code, clean(error.message), clean(error.nextStep))
  return new Error(cutLines(redactor.quote(messageOf(error))))
}

/**
 * Returns the code of an error whose message may contain secrets, such as ` (ECONNREFUSED)`. Also finds the code of the
 * cause, as in `fetch failed`. Returns empty text if there is none.
 */
export function codeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined
  for (const one of [error, cause]) {
    if (one instanceof Error && 'code' in one && /^[A-Z][A-Z0-9_]*$/.test(String(one.code)))
      return ` (${one.code})`
  }
  return ''
}
