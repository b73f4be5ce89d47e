import { cutLines, messageOf, TokenError } from '../errors.ts'
import type { Redactor } from '../secret.ts'
import type { BitbucketToken } from './bitbucket-token.ts'

/**
 * The token is good, but the storage does not hold it. Where Bitbucket has rotated the refresh token, the old one dies
 * ten minutes after its use, so `token.refreshToken` is the one to keep. The next call tries to save it again.
 */
export class UnsavedTokenError extends TokenError {
  /** What could not be saved. It shows no secret when it is shown. */
  readonly token: BitbucketToken

  /** @internal */
  constructor(reason: string, token: BitbucketToken) {
    super(
      'store-unwritable',
      `The new token could not be saved: ${reason}`,
      'Mend the storage and call again within ten minutes, or keep error.token.refreshToken yourself.',
    )
    this.name = 'UnsavedTokenError'
    this.token = token
  }
}

/** The error that a caller gets for the one that was met: without secrets, and without a cause that might show some. */
export function withoutSecrets(error: unknown, redactor: Redactor): Error {
  const clean = (text: string) => cutLines(redactor.clean(text))
  if (error instanceof UnsavedTokenError) return error
  if (error instanceof TokenError)
    return new TokenError(error.code, clean(error.message), clean(error.nextStep))
  return new Error(cutLines(redactor.quote(messageOf(error))))
}

/**
 * What can be told of an error whose message may hold anything: ` (ECONNREFUSED)`, also of the error behind `fetch failed`;
 * empty where there is none.
 */
export function codeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined
  for (const one of [error, cause]) {
    if (one instanceof Error && 'code' in one && /^[A-Z][A-Z0-9_]*$/.test(String(one.code)))
      return ` (${one.code})`
  }
  return ''
}
