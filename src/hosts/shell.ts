import type { World } from '../world.ts'
import type { Host } from './host.ts'
import { otherCi } from './other-ci.ts'
import { outputDirectoryHost } from './output-directory.ts'

/**
 * A terminal, a CI without its own host, or `docker run` without the variables of its CI.
 */
export function shell(world: World, path: string | undefined, debug: boolean): Host {
  const ci = otherCi(world.env)
  return outputDirectoryHost(world, {
    path,
    debug,
    emptySecretHint: ci?.emptySecretHint ?? 'In `docker run`, pass each variable: -e NAME.',
    ...(ci && { note: `This program cannot hide the token in the log of ${ci.name}, so never print it.` }),
  })
}
