import { TokenError } from '../errors.ts'

/**
 * A name that may become part of a path.
 * @throws {TokenError} `input`
 */
export function readAppName(appName: string | null | undefined): string | undefined {
  if (appName === undefined || appName === null || appName === '') return undefined
  if (/^(?!\.)[\w.@-]{1,100}$/.test(appName)) return appName
  throw new TokenError(
    'input',
    'appName is not a plain name.',
    'Use letters, digits, hyphens, underscores and dots.',
  )
}
