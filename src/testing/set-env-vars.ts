import { sources } from '../library/settings.ts'
import { opts } from './values.ts'

type Variables = Readonly<Record<string, string | undefined>>

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
 * Sets environment variables until the returned function is called. Undefined removes one.
 * @param variables default: the consumer that `mock` knows, and no other credential or address. For a sandbox:
 * `sandbox.environment()`
 */
export function setEnvVars(variables: Variables = forMock): () => void {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const)
  const set = ([name, value]: readonly [string, string | undefined]) => {
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  }
  Object.entries(variables).forEach(set)
  return () => before.forEach(set)
}
