import type { World } from '../world.ts'
import type { Host } from './host.ts'
import { outputDirectoryHost } from './output-directory.ts'

/**
 * Jenkins. A process can neither mask a value nor set an environment variable. Only the pipeline can, with
 * `wrap([$class: 'MaskPasswordsBuildWrapper', …])` and `withEnv` around later steps (plugins mask-passwords and
 * workflow-basic-steps). `withCredentials` masks only values that are stored in Jenkins.
 */
export function jenkins(world: World, path: string | undefined, debug: boolean): Host {
  return outputDirectoryHost(world, {
    path,
    debug,
    emptySecretHint:
      'On Jenkins a step gets a credential only inside `withCredentials` or `environment { … = credentials(…) }`.',
    note: 'Jenkins cannot hide this token in the log, so never print it. Load the file in each sh step, because each one is a new shell.',
  })
}
