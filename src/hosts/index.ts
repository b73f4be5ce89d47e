import type { World } from '../world.ts'
import type { Host } from './host.ts'

/** The hosts there are, as the input `ci` names them. */
export const hostNames = ['github', 'gitea', 'pipelines', 'shell'] as const
export type HostName = (typeof hostNames)[number]

type Environment = World['env']

/** How each host is seen from its environment, in the order in which it is asked. Gitea also claims to be GitHub. */
const detection: readonly (readonly [HostName, (env: Environment) => boolean])[] = [
  ['gitea', (env) => Boolean(env['GITEA_ACTIONS'] || env['FORGEJO_ACTIONS'])],
  ['github', (env) => Boolean(env['GITHUB_ACTIONS'])],
  ['pipelines', (env) => Boolean(env['BITBUCKET_PIPELINE_UUID'] || env['BITBUCKET_BUILD_NUMBER'])],
]

export function detectHost(env: Environment): HostName {
  return detection.find(([, isIt]) => isIt(env))?.[0] ?? 'shell'
}

export interface HostOptions {
  readonly outputDir: string | undefined
  readonly debug: boolean
}

/** Loads one host, and no other's code. */
export async function openHost(
  name: HostName,
  world: World,
  { outputDir, debug }: HostOptions,
): Promise<Host> {
  switch (name) {
    case 'github':
    case 'gitea':
      return (await import('./github.ts')).github(world, debug)
    case 'pipelines':
      return (await import('./pipelines.ts')).pipelines(world, outputDir, debug)
    case 'shell':
      return (await import('./shell.ts')).shell(world, outputDir, debug)
  }
}
