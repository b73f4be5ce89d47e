import type { World } from '../world.ts'
import type { Host } from './host.ts'
import { outputDirectoryHost } from './output-directory.ts'

/**
 * GitLab CI. A job cannot mask a value that it creates: `::add-mask::` works only if the runner's owner has enabled the
 * experiment `proxy_exec` (gitlab-runner 17.10; issue 38464). A job cannot pass a secret on either, because GitLab
 * stores and shows the values of `artifacts:reports:dotenv` (docs.gitlab.com, "Pass an environment variable to another
 * job"). So this host writes no token there.
 */
export function gitlab(world: World, path: string | undefined, debug: boolean): Host {
  return outputDirectoryHost(world, {
    path,
    debug,
    emptySecretHint:
      'On GitLab a protected variable exists only on protected branches and tags. A pipeline of a fork gets no variables of this project.',
    note: 'GitLab cannot hide this token in the log, so never print it. Run bitbucket-token in each job that needs it, because a dotenv report would store the token in readable form.',
  })
}
