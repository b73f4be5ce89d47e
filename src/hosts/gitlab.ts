import type { World } from '../world.ts'
import type { Host } from './host.ts'
import { defaultDirectory, outputDirectoryHost } from './output-directory.ts'

/**
 * GitLab CI. A job cannot have a value hidden that it makes itself: `::add-mask::` works only where the runner's
 * owner has switched on the experiment `proxy_exec` (gitlab-runner 17.10; issue 38464). Nor does a later job get one in
 * secret: what `artifacts:reports:dotenv` carries is stored and shown as it is (docs.gitlab.com, "Pass an environment
 * variable to another job"), so no token goes there.
 */
export function gitlab(world: World, path: string | undefined, debug: boolean): Host {
  return outputDirectoryHost(world, {
    path: path ?? defaultDirectory(world.cwd),
    debug,
    whyEmpty:
      'On GitLab a protected variable exists only on protected branches and tags, and a pipeline of a fork gets none of this project’s.',
    note: 'GitLab cannot hide what a job makes, so never print the token; each job needs its own run, for a dotenv report would store it readable.',
  })
}
