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
 * Sets environment variables until the returned function is called. Undefined or null removes one.
 * @param variables default: the consumer that `mock` knows, and no other credential or address. For a sandbox:
 * `sandbox.environment()`
 * @throws {TokenError} `input` if a value is not text; then nothing was set
 */
export function setEnvVars(given?: Variables | null): () => void {
  const variables = given ?? forMock
  for (const [name, value] of Object.entries(variables)) {
    if (typeof (value ?? '') !== 'string')
      throw new TokenError('input', `The value of ${name} is not text.`, 'Give it as a string.')
  }
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const)
  const set = ([name, value]: readonly [string, string | null | undefined]) => {
    if (value === undefined || value === null) delete process.env[name]
    else process.env[name] = value
  }
  Object.entries(variables).forEach(set)
  return () => before.forEach(set)
}
