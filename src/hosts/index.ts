// Every host needs this module. Importing it here puts it into the first chunk once, instead of into each host's chunk.
import '../secret-file.ts'
import type { World } from '../world.ts'
import { github } from './github.ts'
import type { Host } from './host.ts'

type Environment = World['env']

interface HostDefinition {
  readonly name: string
  /** Whether a process with this environment runs on this host. */
  readonly isIn: (env: Environment) => boolean
  /** Loads the host's module and creates the host. */
  readonly open: (world: World, path: string | undefined, debug: boolean) => Promise<Host>
}

/** Whether the CI has set this variable to any value. */
const has = (variable: string) => (env: Environment) => Boolean(env[variable])

/**
 * All hosts, by their names in the input `ci`, in the order of detection. The order matters: Forgejo and Gitea also set
 * GitHub's variables, Harness sets Drone's, and Jenkins may start another CI's job. Each CI documents its variables;
 * watson/ci-info (vendors.json) lists them all.
 *
 * GitHub's host is in the first chunk of the bundle, because every action needs it, and loading a second file takes
 * longer than reading 4 kB that are not needed. All other hosts share one chunk (`webpackChunkName`), because separate
 * chunks would each contain a copy of the code that they have in common.
 */
// biome-ignore format: one line per host is easier to compare
const hosts = [
  { name: 'forgejo', isIn: has('FORGEJO_ACTIONS'), open: async (world, _, debug) => github(world, debug, { masksLiterally: true }) },
  { name: 'gitea', isIn: has('GITEA_ACTIONS'), open: async (world, _, debug) => github(world, debug, { masksLiterally: true }) },
  { name: 'github', isIn: has('GITHUB_ACTIONS'), open: async (world, _, debug) => github(world, debug) },
  { name: 'pipelines', isIn: (env) => Boolean(env['BITBUCKET_PIPELINE_UUID'] || env['BITBUCKET_BUILD_NUMBER']), open: async (...how) => (await import(/* webpackChunkName: "hosts" */ './pipelines.ts')).pipelines(...how) },
  { name: 'azure', isIn: has('TF_BUILD'), open: async (...how) => (await import(/* webpackChunkName: "hosts" */ './azure.ts')).azure(...how) },
  { name: 'gitlab', isIn: has('GITLAB_CI'), open: async (...how) => (await import(/* webpackChunkName: "hosts" */ './gitlab.ts')).gitlab(...how) },
  { name: 'circleci', isIn: has('CIRCLECI'), open: async (...how) => (await import(/* webpackChunkName: "hosts" */ './circleci.ts')).circleci(...how) },
  { name: 'buildkite', isIn: has('BUILDKITE'), open: async (...how) => (await import(/* webpackChunkName: "hosts" */ './buildkite.ts')).buildkite(...how) },
  { name: 'codefresh', isIn: has('CF_BUILD_ID'), open: async (...how) => (await import(/* webpackChunkName: "hosts" */ './codefresh.ts')).codefresh(...how) },
  { name: 'teamcity', isIn: has('TEAMCITY_VERSION'), open: async (...how) => (await import(/* webpackChunkName: "hosts" */ './teamcity.ts')).teamcity(...how) },
  { name: 'harness', isIn: has('HARNESS_BUILD_ID'), open: async (...how) => (await import(/* webpackChunkName: "hosts" */ './harness.ts')).harness(...how) },
  { name: 'woodpecker', isIn: (env) => env['CI'] === 'woodpecker', open: async (...how) => (await import(/* webpackChunkName: "hosts" */ './drone.ts')).drone(...how) },
  { name: 'drone', isIn: has('DRONE'), open: async (...how) => (await import(/* webpackChunkName: "hosts" */ './drone.ts')).drone(...how) },
  { name: 'jenkins', isIn: (env) => Boolean(env['JENKINS_URL'] && env['BUILD_ID']), open: async (...how) => (await import(/* webpackChunkName: "hosts" */ './jenkins.ts')).jenkins(...how) },
  { name: 'shell', isIn: () => true, open: async (...how) => (await import(/* webpackChunkName: "hosts" */ './shell.ts')).shell(...how) },
] as const satisfies readonly HostDefinition[]

export type HostName = (typeof hosts)[number]['name']
export const hostNames: readonly HostName[] = hosts.map(({ name }) => name)

const definitions: readonly (HostDefinition & { readonly name: HostName })[] = hosts

export function detectHost(env: Environment): HostName {
  return definitions.find(({ isIn }) => isIn(env))?.name ?? 'shell'
}

export interface HostOptions {
  readonly outputDir: string | undefined
  readonly debug: boolean
}

export async function openHost(
  name: HostName,
  world: World,
  { outputDir, debug }: HostOptions,
): Promise<Host> {
  const definition = definitions.find((candidate) => candidate.name === name)
  if (definition === undefined) throw new Error(`there is no host ${name}`)
  return definition.open(world, outputDir, debug)
}
