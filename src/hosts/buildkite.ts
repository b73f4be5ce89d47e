import { addedToEnvironment, entriesIn, secretsIn } from '../git/config-environment.ts'
import { Secret } from '../secret.ts'
import type { World } from '../world.ts'
import { type Host, revealed } from './host.ts'
import { defaultDirectory, outputDirectoryHost } from './output-directory.ts'
import { type RunProcess, runProcess } from './process.ts'

/**
 * Buildkite, through its agent's own commands, which ask the job's API on a socket (buildkite.com/docs,
 * "buildkite-agent redactor" and "buildkite-agent env"; buildkite/agent: clicommand/redactor_add.go, env_set.go). Both
 * read JSON from standard input: it keeps blanks at the ends, and newlines in one line. `redactor add` also demands
 * BUILDKITE_AGENT_ACCESS_TOKEN, although it does not use it (APIConfig; seen with 3.78.0).
 */
export function buildkite(
  world: World,
  path: string | undefined,
  debug: boolean,
  run: RunProcess = runProcess,
): Host {
  const host = outputDirectoryHost(world, {
    path: path ?? defaultDirectory(world.cwd),
    debug,
    whyEmpty:
      'On Buildkite a step gets a secret only if it lists the secret under `secrets:`, or if an agent hook exports it for this pipeline.',
  })
  const agent = (args: readonly string[], values: ReadonlyMap<string, string | Secret>): boolean => {
    const plain = [...values].map(([name, value]) => [name, revealed(value)])
    return run('buildkite-agent', args, {
      stdin: new Secret(JSON.stringify(Object.fromEntries(plain))),
      env: world.env,
    })
  }
  let isReached = true
  const mask = (secret: Secret) => {
    // An agent that cannot be asked once cannot be asked ten times, and each try takes a moment.
    if (!isReached) return
    isReached = agent(['redactor', 'add', '--format', 'json'], new Map([['secret', secret]]))
    if (isReached) return
    host.log.warning(
      'Could not run buildkite-agent to hide the secrets in the log, so never print them. Put buildkite-agent on the PATH. In `docker run`, also pass its socket, BUILDKITE_AGENT_JOB_API_TOKEN and BUILDKITE_AGENT_ACCESS_TOKEN.',
    )
  }
  return {
    ...host,
    mask,
    handOver(results) {
      const inThisShell = host.handOver(results)
      if (inThisShell === undefined) return undefined
      // Other programs' entries are handed on as well, so their secrets are hidden too.
      for (const secret of secretsIn(entriesIn(world.env))) mask(secret)
      const variables = new Map([...results.variables, ...addedToEnvironment(results.gitConfig, world.env)])
      const isSet =
        isReached &&
        agent(['env', 'set', '--input-format', 'json', '--output-format', 'quiet', '-'], variables)
      const later = isSet
        ? 'Later phases of this job (hooks, and the command if this is a hook) get the variables.'
        : 'buildkite-agent could not set the variables, so load the file in later phases of this job too.'
      return `${later} ${inThisShell}`
    },
  }
}
