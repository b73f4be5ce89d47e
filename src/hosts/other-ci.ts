import vendors from 'ci-info/vendors.json' with { type: 'json' }
import type { World } from '../world.ts'

/** A CI without its own host, where the program works as in a plain shell. */
export interface OtherCi {
  readonly name: string
  /** A sentence that says why a secret may be empty there. */
  readonly emptySecretHint: string
}

type Environment = World['env']

/** Why a secret may be empty, by ci-info's constant. Each sentence comes from the documentation of that CI. */
const hints: Readonly<Record<string, string>> = {
  // ci.appveyor.com/docs, "Build configuration: Secure variables"
  APPVEYOR: 'On AppVeyor a pull request from another repository gets no secure variables.',
  // docs.aws.amazon.com/codebuild, "Build specification reference: env"
  CODEBUILD:
    'On AWS CodeBuild a build gets a secret only if its buildspec names it in `env: secrets-manager` or `env: parameter-store`.',
  // confluence.atlassian.com, "Bamboo variables"
  BAMBOO:
    'On Bamboo a script sees the variable NAME as `bamboo_NAME`, so set BITBUCKET_CLIENT_SECRET="$bamboo_BITBUCKET_CLIENT_SECRET".',
  // devcenter.bitrise.io, "Secrets"
  BITRISE: 'On Bitrise a pull request gets only the secrets that are exposed for pull requests.',
  // cirrus-ci.org/guide, "Writing tasks: Encrypted variables"
  CIRRUS:
    'On Cirrus CI a build gets no encrypted variables if its author has no write access to the repository.',
  // docs.gocd.org, "Environment variables"
  GOCD: 'On GoCD a job gets a secure variable only if its pipeline, stage, job or environment defines it.',
  // cloud.google.com/build/docs, "Use secrets from Secret Manager"
  GOOGLE_CLOUD_BUILD:
    'On Google Cloud Build a step gets a secret only if `availableSecrets` defines it and `secretEnv` of that step names it.',
  // docs.semaphore.io, "Secrets"
  SEMAPHORE: 'On Semaphore a job gets a secret only if its block or pipeline lists it under `secrets`.',
  // docs.travis-ci.com, "Environment variables: Defining encrypted variables"
  TRAVIS: 'On Travis CI a pull request from a fork gets no encrypted variables.',
}

/**
 * Finds the CI of a process with this environment in the list of ci-info. Checks Kubernetes last, because the agents of
 * many CIs run on it. (kubernetes.io/docs: `KUBERNETES_SERVICE_HOST` is set in every container.)
 */
export function otherCi(env: Environment): OtherCi | undefined {
  const vendor = vendors.find(({ env: tests }) => [tests].flat().every((test) => passes(test, env)))
  if (vendor !== undefined) {
    return {
      name: vendor.name,
      emptySecretHint:
        hints[vendor.constant] ??
        `On ${vendor.name}, check that a secret with this name exists and that this build may use it. Many CIs give no secrets to a build of a fork.`,
    }
  }
  if (!env['KUBERNETES_SERVICE_HOST']) return undefined
  return {
    name: 'Kubernetes',
    emptySecretHint:
      'On Kubernetes (also Tekton and Argo Workflows) a container gets a secret only through `env` with `secretKeyRef`, or through `envFrom`.',
  }
}

/**
 * How ci-info describes the variables of a CI (ci-info: README, "vendors.json"): a name, a name whose value includes a
 * text, any of several names, or a name with an exact value.
 */
type Test = string | Readonly<Record<string, string | readonly string[] | undefined>>

function passes(test: Test, env: Environment): boolean {
  if (typeof test === 'string') return Boolean(env[test])
  const { any, env: name, includes } = test
  if (Array.isArray(any)) return any.some((one: string) => Boolean(env[one]))
  if (typeof name === 'string' && typeof includes === 'string') return Boolean(env[name]?.includes(includes))
  return Object.entries(test).every(([key, value]) => env[key] === value)
}
