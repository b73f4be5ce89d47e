import { statusOf } from '../paths.ts'
import { Secret } from '../secret.ts'
import { appendSecret } from '../secret-file.ts'
import type { World } from '../world.ts'
import type { Host } from './host.ts'
import { outputDirectoryHost } from './output-directory.ts'
import { shellQuote } from './shell-quote.ts'

/**
 * CircleCI. Every later `run` step is a bash that first reads the file BASH_ENV (circleci.com/docs, "Set an environment
 * variable"). This host adds a line there that loads env.sh, so only one file contains the token. CircleCI masks only
 * values from project settings and contexts ("Secrets masking"), so this program never prints a secret.
 */
export function circleci(world: World, path: string | undefined, debug: boolean): Host {
  return outputDirectoryHost(world, {
    path,
    debug,
    emptySecretHint:
      'On CircleCI a job gets the variables of a context only if its workflow names that context. A pull request from a fork gets none unless the project passes secrets to forks.',
    passOn(_, environmentFile) {
      const bashEnv = usableBashEnv(world)
      if (bashEnv !== undefined) appendSecret(bashEnv, loadIfExists(environmentFile))
      const later =
        bashEnv === undefined
          ? 'BASH_ENV is not available here, so load the file in each step'
          : 'later steps get the variables'
      return `CircleCI cannot hide this token in the log, so never print it; ${later}.`
    },
  })
}

/**
 * Returns the file that this job's bash will read. In `docker run`, which does not inherit CircleCI's variables, the
 * file must exist already, because a new file that is not on a mount would be lost with the container.
 */
function usableBashEnv({ env }: World): string | undefined {
  const file = env['BASH_ENV']
  if (!file) return undefined
  return env['CIRCLECI'] || statusOf(file)?.isFile() ? file : undefined
}

/**
 * Returns the line that loads the file in every bash, including those that a script starts. It checks that the file
 * exists, because `.` with a missing file ends a script under `set -e`. The file turns tracing off, so the line
 * restores the options: a `bash -x` that did not ask for the file keeps tracing.
 */
const loadIfExists = (file: string): Secret =>
  new Secret(
    `\nif [ -r ${shellQuote(file)} ]; then bitbucket_token_options=$-; . ${shellQuote(file)}; ` +
      'case $bitbucket_token_options in *v*) set -v ;; esac; ' +
      'case $bitbucket_token_options in *x*) unset bitbucket_token_options; set -x ;; *) unset bitbucket_token_options ;; esac; fi\n',
  )
