import { addedToEnvironment, gitConfigSecrets } from '../git/config-environment.ts'
import { revealed, Secret } from '../secret.ts'
import type { World } from '../world.ts'
import type { Host } from './host.ts'
import { outputDirectoryHost } from './output-directory.ts'
import { type RunProcess, runProcess } from './process.ts'

/**
 * Buildkite. Uses the agent's own commands, which call the job's API on a socket (buildkite.com/docs, "buildkite-agent
 * redactor" and "buildkite-agent env"; buildkite/agent: clicommand/redactor_add.go, env_set.go). Both read JSON from
 * stdin, which keeps newlines and leading and trailing spaces. `redactor add` also requires
 * BUILDKITE_AGENT_ACCESS_TOKEN, although it does not use it (APIConfig; seen with 3.78.0).
 */
export function buildkite(
  world: World,
  path: string | undefined,
  debug: boolean,
  run: RunProcess = runProcess,
): Host {
  const host = outputDirectoryHost(world, {
    path,
    debug,
    emptySecretHint:
      'On Buildkite a step gets a secret only if it lists the secret under `secrets:`, or if an agent hook exports it for this pipeline.',
    passOn(results) {
      // The variables also contain the entries of other programs, so their secrets are masked too.
      for (const secret of gitConfigSecrets(world.env)) mask(secret)
      const variables = new Map([...results.variables, ...addedToEnvironment(results.gitConfig, world.env)])
      const isSet =
        isReachable &&
        agent(['env', 'set', '--input-format', 'json', '--output-format', 'quiet', '-'], variables)
      return isSet
        ? 'Later phases of this job (hooks, and the command if this is a hook) get the variables.'
        : 'buildkite-agent could not set the variables, so load the file in later phases of this job too.'
    },
  })
  const agent = (args: readonly string[], values: ReadonlyMap<string, string | Secret>): boolean => {
    const plain = [...values].map(([name, value]) => [name, revealed(value)])
    return run('buildkite-agent', args, {
      stdin: new Secret(JSON.stringify(Object.fromEntries(plain))),
      env: world.env,
    })
  }
  let isReachable = true
  const mask = (secret: Secret) => {
    // After one failure the others would fail too, and each try takes time.
    if (!isReachable) return
    isReachable = agent(['redactor', 'add', '--format', 'json'], new Map([['secret', secret]]))
    if (isReachable) return
    host.log.warning(
      'Could not run buildkite-agent to hide the secrets in the log, so never print them. Put buildkite-agent on the PATH. In `docker run`, also pass its socket, BUILDKITE_AGENT_JOB_API_TOKEN and BUILDKITE_AGENT_ACCESS_TOKEN.',
    )
  }
  return { ...host, mask, canMask: () => isReachable }
}
