import type { World } from '../world.ts'
import type { Host } from './host.ts'
import { defaultDirectory, outputDirectoryHost } from './output-directory.ts'

/** No CI that we know: a terminal, or `docker run` in one whose variables do not reach into the container. */
export function shell(world: World, path: string | undefined, debug: boolean): Host {
  return outputDirectoryHost(world, {
    path: path ?? defaultDirectory(world.cwd),
    debug,
    whyEmpty: 'In `docker run` every variable must be passed on: -e NAME.',
  })
}
