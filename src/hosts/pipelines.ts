import { parseBoolean } from '../input-values.ts'
import { statusOf } from '../paths.ts'
import type { World } from '../world.ts'
import type { Host } from './host.ts'
import { outputDirectoryHost } from './output-directory.ts'

/**
 * Bitbucket Pipelines, in a pipe or a step. Results go into the clone directory, because only that outlives a pipe's
 * container. They do not go into the pipe's storage directory, which becomes an artifact, or into output variables,
 * which the next step's log shows (Atlassian support: "Variable sharing"). Pipelines masks only its own secured
 * variables, so this program never prints a secret.
 */
export function pipelines(world: World, path: string | undefined, debug: boolean): Host {
  const clone = cloneDirectory(world)
  return outputDirectoryHost(world, {
    path,
    clone,
    debug: debug || parseBoolean(world.env['DEBUG'] ?? '') === true,
    emptySecretHint:
      'In a pipe only the variables under its `variables:` are set. A `$NAME` there must be a repository, workspace or deployment variable. Deployment variables need `deployment:` in the step.',
  })
}

/** Returns the clone if it exists. In `docker run` with the CI's variables it may not be mounted. */
function cloneDirectory(world: World): string {
  const clone = world.env['BITBUCKET_CLONE_DIR']
  return clone && statusOf(clone)?.isDirectory() ? clone : world.cwd
}
