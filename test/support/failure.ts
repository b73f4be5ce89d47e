import { expect } from 'vitest'
import { TokenError } from '../../src/errors.ts'

/** Returns the error that `work` throws. It must be a `TokenError` that a user can be shown. */
export function failure(work: () => unknown): TokenError {
  let error: unknown
  try {
    work()
  } catch (thrown) {
    error = thrown
  }
  return shown(error)
}

/** Returns the error with which a promise is rejected. It must be a `TokenError` that a user can be shown. */
export const rejection = async (promise: Promise<unknown>): Promise<TokenError> =>
  shown(
    await promise.then(
      () => undefined,
      (reason: unknown) => reason,
    ),
  )

/** Checks that an error says what to do next, and shows no secret: in the tests of errors, each one contains "hunter". */
function shown(error: unknown): TokenError {
  expect(error).toBeInstanceOf(TokenError)
  const { message, nextStep } = error as TokenError
  expect(nextStep).not.toBe('')
  expect(`${message}\n${nextStep}`).not.toContain('hunter')
  return error as TokenError
}
