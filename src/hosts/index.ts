import type { World } from '../world.ts'
import { github } from './github.ts'
import type { Host } from './host.ts'

type Environment = World['env']

interface HostDefinition {
  readonly name: string
  /** Whether a process with this environment runs on this host. */
  readonly isIn: (env: Environment) => boolean
  /** Returns the host, and loads its code if needed. */
  readonly open: (world: World, path: string | undefined, debug: boolean) => Promise<Host>
}

/** Loads the hosts that are not GitHub's kind. */
export const otherHosts = () => import('./other-hosts.ts')

/** Whether the CI has set a variable, to any value. */
const has = (variable: string) => (env: Environment) => Boolean(env[variable])

/**
 * The hosts, by the names of the input `ci`, in the order in which they are detected: Forgejo and Gitea also set GitHub's
 * variables, Harness sets Drone's, and Jenkins may run another CI's job. Each CI documents its variables;
 * watson/ci-info (vendors.json) lists them in one place.
 *
 * GitHub's kind is loaded with the program, because an action always needs it.
 */
// biome-ignore format: one line per host, so that they can be compared.
const hosts = [
  { name: 'forgejo', isIn: has('FORGEJO_ACTIONS'), open: async (world, _, debug) => github(world, debug, { masksLiterally: true }) },
  { name: 'gitea', isIn: has('GITEA_ACTIONS'), open: async (world, _, debug) => github(world, debug, { masksLiterally: true }) },
  { name: 'github', isIn: has('GITHUB_ACTIONS'), open: async (world, _, debug) => github(world, debug) },
  { name: 'pipelines', isIn: (env) => Boolean(env['BITBUCKET_PIPELINE_UUID'] || env['BITBUCKET_BUILD_NUMBER']), open: async (...how) => (await otherHosts()).pipelines(...how) },
  { name: 'azure', isIn: has('TF_BUILD'), open: async (...how) => (await otherHosts()).azure(...how) },
  { name: 'gitlab', isIn: has('GITLAB_CI'), open: async (...how) => (await otherHosts()).gitlab(...how) },
  { name: 'circleci', isIn: has('CIRCLECI'), open: async (...how) => (await otherHosts()).circleci(...how) },
  { name: 'buildkite', isIn: has('BUILDKITE'), open: async (...how) => (await otherHosts()).buildkite(...how) },
  { name: 'codefresh', isIn: has('CF_BUILD_ID'), open: async (...how) => (await otherHosts()).codefresh(...how) },
  { name: 'teamcity', isIn: has('TEAMCITY_VERSION'), open: async (...how) => (await otherHosts()).teamcity(...how) },
  { name: 'harness', isIn: has('HARNESS_BUILD_ID'), open: async (...how) => (await otherHosts()).harness(...how) },
  { name: 'woodpecker', isIn: (env) => env['CI'] === 'woodpecker', open: async (...how) => (await otherHosts()).drone(...how) },
  { name: 'drone', isIn: has('DRONE'), open: async (...how) => (await otherHosts()).drone(...how) },
  { name: 'jenkins', isIn: (env) => Boolean(env['JENKINS_URL'] && env['BUILD_ID']), open: async (...how) => (await otherHosts()).jenkins(...how) },
  { name: 'shell', isIn: () => true, open: async (...how) => (await otherHosts()).shell(...how) },
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
  if (definition === undefined) throw new Error(`unknown host ${name}`)
  return definition.open(world, outputDir, debug)
}
