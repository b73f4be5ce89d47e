import { opts } from './values.ts'

/**
 * Sets environment variables until the returned function is called. Undefined removes one.
 * @param variables default: the consumer that `mock` knows. For a sandbox: `sandbox.environment()`
 */
export function setEnvVars(
  variables: Readonly<Record<string, string | undefined>> = {
    BITBUCKET_CLIENT_ID: opts.valid.clientId,
    BITBUCKET_CLIENT_SECRET: opts.valid.clientSecret,
  },
): () => void {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const)
  const set = ([name, value]: readonly [string, string | undefined]) => {
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  }
  Object.entries(variables).forEach(set)
  return () => before.forEach(set)
}
