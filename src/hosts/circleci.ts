import { statSync } from 'node:fs'
import { Secret } from '../secret.ts'
import { appendSecret } from '../secret-file.ts'
import type { World } from '../world.ts'
import type { Host } from './host.ts'
import { defaultDirectory, outputDirectoryHost } from './output-directory.ts'
import { shellQuote } from './shell-quote.ts'

/**
 * CircleCI. Every later `run` step is a bash that first reads the file BASH_ENV (circleci.com/docs, "Set an environment
 * variable"). It gets a line that loads env.sh, so the token stands in one file only. CircleCI hides values from
 * project settings and contexts and no others (there, "Secrets masking"), so nothing secret is printed.
 */
export function circleci(world: World, path: string | undefined, debug: boolean): Host {
  const host = outputDirectoryHost(world, {
    path: path ?? defaultDirectory(world.cwd),
    debug,
    whyEmpty:
      'On CircleCI a job gets the variables of a context only if its workflow names that context. A pull request from a fork gets none unless the project passes secrets to forks.',
  })
  return {
    ...host,
    handOver(results) {
      const inThisShell = host.handOver(results)
      if (inThisShell === undefined) return undefined
      const bashEnv = visibleBashEnv(world)
      if (bashEnv !== undefined) appendSecret(bashEnv, loadedIfThere(host.environmentFile))
      const later =
        bashEnv === undefined
          ? 'BASH_ENV is not available here, so load the file in each step'
          : 'later steps get the variables'
      return `CircleCI cannot hide this token in the log, so never print it; ${later}. ${inThisShell}`
    },
  }
}

/**
 * The file where this job's bash will look. In `docker run`, where CircleCI's own variables are not seen, it must be
 * there already: a file that is made inside a container, because nobody mounted it, ends with the container.
 */
function visibleBashEnv({ env }: World): string | undefined {
  const file = env['BASH_ENV']
  if (!file) return undefined
  return env['CIRCLECI'] || statSync(file, { throwIfNoEntry: false })?.isFile() ? file : undefined
}

/**
 * Loads the file in every bash, also in one that a script starts. The file can be gone by then, and a `.` of nothing ends
 * a script under `set -e`. It turns tracing off; a `bash -x` that nobody told to load it goes on tracing.
 */
const loadedIfThere = (file: string): Secret =>
  new Secret(
    `\nif [ -r ${shellQuote(file)} ]; then bitbucket_token_options=$-; . ${shellQuote(file)}; ` +
      'case $bitbucket_token_options in *v*) set -v ;; esac; ' +
      'case $bitbucket_token_options in *x*) unset bitbucket_token_options; set -x ;; *) unset bitbucket_token_options ;; esac; fi\n',
  )
