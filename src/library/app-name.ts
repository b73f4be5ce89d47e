import { TokenError } from '../errors.ts'

/**
 * Reads `appName`, which may become part of a path. Returns undefined if it is absent.
 * @throws {TokenError} `input` if it contains anything but letters, digits and `_.@-`, or begins with a dot
 */
export function readAppName(appName: string | null | undefined): string | undefined {
  if (appName === undefined || appName === null || appName === '') return undefined
  if (/^(?!\.)[\w.@-]{1,100}$/.test(appName)) return appName
  throw new TokenError(
    'input',
    'appName contains a character that is not allowed, begins with a dot, or is longer than 100 characters.',
    'Use only letters, digits, hyphens, underscores, dots and @.',
  )
}
