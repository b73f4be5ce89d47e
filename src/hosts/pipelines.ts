import { statSync } from 'node:fs'
import { parseBoolean } from '../boolean.ts'
import type { World } from '../world.ts'
import type { Host } from './host.ts'
import { defaultDirectory, outputDirectoryHost } from './output-directory.ts'

/**
 * Bitbucket Pipelines, in a pipe or a step. Only the clone directory outlives a pipe's container, so results go
 * there. Not into the pipe's storage directory, which is kept as an artifact, and not into output variables,
 * which the next step's log shows (Atlassian support: "Variable sharing"). Pipelines masks only the secured
 * variables it knows, so nothing secret is ever printed here.
 */
export function pipelines(world: World, path: string | undefined, debug: boolean): Host {
  const clone = cloneDirectory(world)
  return outputDirectoryHost(world, {
    path: path ?? defaultDirectory(clone),
    clone,
    debug: debug || parseBoolean(world.env['DEBUG'] ?? '') === true,
    whyEmpty:
      'A pipe gets only the variables that are listed under its `variables:`. A `$NAME` there must be a repository, workspace or deployment variable; deployment variables need `deployment:` in the step.',
  })
}

/** The clone, where it is mounted; `docker run` with the CI's variables may come without it. */
function cloneDirectory(world: World): string {
  const clone = world.env['BITBUCKET_CLONE_DIR']
  return clone && statSync(clone, { throwIfNoEntry: false })?.isDirectory() ? clone : world.cwd
}
