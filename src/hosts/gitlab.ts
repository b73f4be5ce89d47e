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
      'On GitLab a protected variable exists only on protected branches and tags. A pipeline of a fork gets no variables of this project.',
    note: 'GitLab cannot hide this token in the log, so never print it. Run bitbucket-token in each job that needs it, because a dotenv report would store the token in readable form.',
  })
}
