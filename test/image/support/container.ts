import { execFile, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { promisify } from 'node:util'
import { onTestFinished } from 'vitest'
import { asVariables, type Bitbucket } from '../../e2e/support/bitbucket.ts'
import { assertNoSecret } from '../../e2e/support/canary.ts'
import { nameSecrets } from '../../e2e/support/run.ts'

/** The tag of the image under test; empty unless `npm run test:image` runs. */
export const image = process.env['IMAGE'] ?? ''

/** The tag of the image with git, which `.ci/run` builds next to it. */
export const gitImage = image === '' ? '' : `${image}-git`

const execute = promisify(execFile)

/** Runs the docker client and returns what it prints. */
export async function docker(...args: string[]): Promise<string> {
  return (await execute('docker', args)).stdout
}

export interface ContainerStart {
  readonly bitbucket: Bitbucket
  /** The directory with everything that the container may write to. */
  readonly tree: string
  /** Inputs that are passed as variables. */
  readonly inputs?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string>>
  /** Options of `docker run`, such as mounts. */
  readonly options?: readonly string[]
  /** The image to run; by default the one without git. */
  readonly from?: string
  /** A command to run instead of the image's entry point. */
  readonly command?: readonly [program: string, ...args: string[]]
  /** Called with the container's name after it has started. */
  readonly onStart?: (name: string) => void
}

export interface Ended {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
  /** The output of `docker logs` after the run. */
  readonly logs: string
  /** Files that the container has changed outside mounts. */
  readonly changes: readonly string[]
}

/** Runs the image to its end. Throws if the output or a file shows a secret. */
export async function runImage(start: ContainerStart): Promise<Ended> {
  const { bitbucket, tree, inputs = {}, options = [], from = image, command } = start
  const env = {
    BITBUCKET_URL: bitbucket.url,
    BITBUCKET_API_URL: bitbucket.apiUrl,
    ...start.env,
    ...asVariables(inputs),
  }
  nameSecrets(env, bitbucket)
  const name = `bitbucket-token-test-${randomUUID()}`
  onTestFinished(async () => {
    await docker('rm', '--force', '--volumes', name)
  })
  const args = [
    'run',
    `--name=${name}`,
    // The tests' Bitbucket listens on loopback.
    '--network=host',
    // Only the name, because docker reads the value from its own environment and no process list shows it.
    ...Object.keys(env).flatMap((variable) => ['--env', variable]),
    ...options,
    ...(command === undefined ? [from] : ['--entrypoint', command[0], from, ...command.slice(1)]),
  ]
  const child = spawn('docker', args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  const output = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      output[stream] += text
    })
  }
  start.onStart?.(name)
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve)
  })
  const logs = await execute('docker', ['logs', name])
  const run = {
    ...output,
    signal: null,
    commandLines: [args.join(' '), logs.stdout, logs.stderr],
    // The docker client has the values in its environment, as `docker run --env NAME` requires.
    childEnvironments: [],
    tree,
    bitbucket,
  }
  assertNoSecret(run)
  // Docker itself creates the mount points.
  const isMount = (path: string) => tree.startsWith(path) || path.startsWith(tree)
  const changes = (await docker('diff', name))
    .split('\n')
    .filter((line) => line !== '' && !isMount(line.slice(2)))
  return { ...output, status, logs: logs.stdout + logs.stderr, changes }
}
