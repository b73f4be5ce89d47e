import { TokenError } from '../errors.ts'
import { sources } from '../library/settings.ts'
import { opts } from './values.ts'

type Variables = Readonly<Record<string, string | null | undefined>>

const forMock: Variables = {
  ...Object.fromEntries(
    Object.values(sources).flatMap(({ variables }) => variables.map((name) => [name, undefined] as const)),
  ),
  BITBUCKET_CLIENT_ID: opts.valid.clientId,
  BITBUCKET_CLIENT_SECRET: opts.valid.clientSecret,
  BITBUCKET_URL: undefined,
  BITBUCKET_API_URL: undefined,
}

/**
 * Sets environment variables until the returned function is called. Undefined or null removes a variable.
 * @param rawVariables the variables. Default: the OAuth client that `mock` accepts, and no other credential or address. For a
 * sandbox, pass `sandbox.environment()`
 * @throws {TokenError} `input` if a value is not a string. Then no variable was set
 */
export function setEnvVars(rawVariables?: Variables | null): () => void {
  const variables = rawVariables ?? forMock
  for (const [name, value] of Object.entries(variables)) {
    if (typeof (value ?? '') !== 'string')
      throw new TokenError('input', `The value of ${name} is not a string.`, 'Pass a string.')
  }
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const)
  const set = ([name, value]: readonly [string, string | null | undefined]) => {
    if (value === undefined || value === null) delete process.env[name]
    else process.env[name] = value
  }
  Object.entries(variables).forEach(set)
  return () => before.forEach(set)
}
