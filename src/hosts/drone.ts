import type { World } from '../world.ts'
import type { Host } from './host.ts'
import { outputDirectoryHost } from './output-directory.ts'

/**
 * Drone and its fork Woodpecker. Steps are containers that share the workspace (docs.drone.io, "Workspace").
 * "Woodpecker can mask secrets from its own secrets store, but it cannot apply the same protection to external secrets"
 * (woodpecker-ci.org, "Secrets"). The same is true of Drone.
 */
export function drone(world: World, path: string | undefined, debug: boolean): Host {
  return outputDirectoryHost(world, {
    path,
    debug,
    emptySecretHint:
      'On Woodpecker and Drone a step gets a secret only through `from_secret`. A pull request gets none unless the secret allows it.',
    note: 'This CI hides only secrets from its own store, so never print the token. Load the file in later steps too; they share the workspace.',
  })
}
