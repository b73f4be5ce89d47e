import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect } from 'vitest'
import { asVariables, type Bitbucket, inputsFor } from '../e2e/support/bitbucket.ts'
import { assertNoSecret } from '../e2e/support/canary.ts'
import { bundle, pathWithoutProject } from '../e2e/support/program.ts'
import { makeTree, nameSecrets } from '../e2e/support/run.ts'
import { startBitbucketOrg } from '../examples/bitbucket-org.ts'
import { examples, root } from '../examples/documents.ts'
import { installPrograms } from '../examples/programs.ts'
import { image } from '../image/support/container.ts'
import { git } from '../support/git.ts'
import { pathOfRunner, type RunnerName } from './install.ts'

/** A repository in which a CI's program runs a job, and the Bitbucket that the job reaches at https://bitbucket.org. */
export interface Job {
  readonly bitbucket: Bitbucket
  /** The directory that comes first on the job's PATH. */
  readonly bin: string
  /** The directory that the job can write to. */
  readonly tree: string
  /** The repository, inside `tree`. */
  readonly repository: string
  /** The consumer's key and secret, as variables. */
  readonly secrets: Readonly<Record<string, string>>
  /** The environment of the CI's program, without the secrets. */
  readonly env: Readonly<Record<string, string>>
}

/**
 * Starts Bitbucket and creates the repository. With IMAGE set, `docker run` runs that image in an engine; otherwise it runs `dist`.
 *
 * @param files the files to commit, by path
 */
export async function startJob(files: Readonly<Record<string, string>>): Promise<Job> {
  const outside = makeTree()
  const { bitbucket, authority, env } = await startBitbucketOrg(join(outside, 'keys'), {})
  const bin = join(outside, 'bin')
  installPrograms(bin, {}, image === '' ? undefined : image, authority)
  const tree = makeTree()
  const repository = join(tree, 'repository')
  for (const path of [repository, join(tree, 'home'), join(tree, 'tmp')]) mkdirSync(path)
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(repository, path)), { recursive: true })
    writeFileSync(join(repository, path), text)
  }
  git(repository, 'init', '--quiet', '--initial-branch=main')
  git(repository, 'remote', 'add', 'origin', 'https://git.example/acme/job.git')
  commit(repository)
  const secrets = asVariables(inputsFor.consumer(bitbucket))
  nameSecrets(secrets, bitbucket)
  return {
    bitbucket,
    bin,
    tree,
    repository,
    secrets,
    env: {
      ...env,
      PATH: `${bin}:${pathWithoutProject}`,
      HOME: join(tree, 'home'),
      XDG_CACHE_HOME: join(tree, 'home/.cache'),
      TMPDIR: join(tree, 'tmp'),
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_TERMINAL_PROMPT: '0',
      ...(process.env['DOCKER_HOST'] && { DOCKER_HOST: process.env['DOCKER_HOST'] }),
    },
  }
}

export function commit(repository: string): void {
  git(repository, 'add', '--all', '--force')
  git(repository, 'commit', '--quiet', '--allow-empty', '--message=A job')
}

/** Copies the action as a release contains it: `dist` and action.yml. */
export function copyAction(directory: string): void {
  cpSync(dirname(bundle), join(directory, 'dist'), { recursive: true })
  cpSync(join(root, 'action.yml'), join(directory, 'action.yml'))
}

/** Returns the text of an example in the docs. */
export function exampleIn(name: string): string {
  const found = examples.find((example) => example.name === name)
  if (found === undefined) throw new Error(`there is no example ${name}`)
  return found.text
}

export interface Ended {
  readonly status: number | null
  /** stdout and stderr, in order of arrival. */
  readonly log: string
}

export interface HowToRun {
  /** A program to start instead of the runner itself. */
  readonly program?: string
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Set if the CI cannot mask a value and the job prints one on purpose. Then the log is not searched for secrets. */
  readonly showsSecret?: true
}

/** In milliseconds. A job takes seconds, but many more on a busy machine. */
const timeout = 110_000

/** Runs a CI's program to its end. Throws if the log shows a secret or a file with one is left. */
export async function runJob(
  job: Job,
  name: RunnerName,
  args: readonly string[],
  { program, env = {}, cwd = job.repository, showsSecret }: HowToRun = {},
): Promise<Ended> {
  // A program from npm runs on the Node of the tests, because gitlab-ci-local needs Node 22. Its jobs use the Node on PATH.
  const [file, ...before] =
    name === 'gitlab-ci-local' ? [process.execPath, pathOfRunner(name)] : [program ?? pathOfRunner(name)]
  const child = spawn(file, [...before, ...args], {
    cwd,
    env: { ...job.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout,
  })
  let log = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      log += text
    })
  }
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve)
  })
  if (showsSecret) return { status, log }
  assertNoSecret(
    {
      signal: null,
      stdout: log,
      stderr: '',
      commandLines: [args.join(' ')],
      childEnvironments: [],
      tree: job.tree,
      bitbucket: job.bitbucket,
    },
    'post',
  )
  return { status, log }
}

/** Expects a job to succeed. If it failed, the message contains the log. */
export function expectDone({ status, log }: Ended): void {
  expect(status, log).toBe(0)
}
