import type { World } from '../world.ts'
import type { Host } from './host.ts'
import { defaultDirectory, outputDirectoryHost } from './output-directory.ts'

/**
 * Jenkins. A process cannot have a value hidden or an environment variable set: both are the pipeline's to do, with
 * `wrap([$class: 'MaskPasswordsBuildWrapper', …])` and `withEnv` around later steps (plugins mask-passwords and
 * workflow-basic-steps). `withCredentials` hides what is stored in Jenkins, and nothing else.
 */
export function jenkins(world: World, path: string | undefined, debug: boolean): Host {
  return outputDirectoryHost(world, {
    path: path ?? defaultDirectory(world.cwd),
    debug,
    whyEmpty:
      'On Jenkins a step gets a credential only inside `withCredentials` or `environment { … = credentials(…) }`.',
    note: 'Jenkins cannot hide this token in the log, so never print it. Load the file in each sh step, because each one is a new shell.',
  })
}
