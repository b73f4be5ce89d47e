import type { World } from '../world.ts'
import { github } from './github.ts'
import type { Host } from './host.ts'

type Environment = World['env']

interface HostDefinition {
  readonly name: string
  /** Whether a process with this environment runs there. */
  readonly isIn: (env: Environment) => boolean
  /** Loads what this host needs. */
  readonly open: (world: World, path: string | undefined, debug: boolean) => Promise<Host>
}

/** A variable that the CI sets, to whatever value. */
const has = (variable: string) => (env: Environment) => Boolean(env[variable])

/**
 * The hosts there are, as the input `ci` names them, in the order in which they are looked for: Forgejo and Gitea also
 * claim to be GitHub, Harness to be Drone, and Jenkins may start another CI's job. What each sets is in its list of
 * variables; watson/ci-info (vendors.json) has them in one place.
 *
 * GitHub's kind is in the first chunk of the bundle: an action cannot do without, and to load a second file takes longer
 * than to read 4 kB for nothing. All others are one chunk (`webpackChunkName`): each of its own would bring a copy of
 * what they have in common, which is most of them.
 */
// biome-ignore format: one line a host, so that they can be compared and one more is one line more.
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
