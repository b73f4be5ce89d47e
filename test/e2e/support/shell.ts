import { execFile } from 'node:child_process'
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll } from 'vitest'
import { parse } from 'yaml'
import { gitEnvironment as isolatedGit } from '../../support/git.ts'
import { asVariables, type Bitbucket } from './bitbucket.ts'
import { pathWithoutProject, type Start } from './program.ts'
import { makeTree, type Run, run } from './run.ts'

type Variables = Readonly<Record<string, string>>

export interface ShellStep {
  readonly bitbucket: Bitbucket
  /** Inputs, given as variables. */
  readonly inputs?: Variables
  readonly env?: Variables
  readonly args?: readonly string[]
  /** The directory of an earlier run. Default: a new temporary directory. */
  readonly tree?: string
  /** The working directory, below the tree. Default: `work`. */
  readonly directory?: string
  readonly umask?: number
  readonly preload?: string
  readonly stdin?: string
  readonly onStart?: NonNullable<Start['onStart']>
  readonly onStderr?: NonNullable<Start['onStderr']>
  readonly showsSecret?: true
  readonly givesToCommand?: true
}

/** A run without a CI: in a terminal or with `docker run`. */
export interface ShellRun extends Run {
  /** Its working directory. */
  readonly cwd: string
}

/** Runs the bundle in a plain shell. */
export async function runShell({
  bitbucket,
  inputs = {},
  env = {},
  tree = makeTree(),
  directory = 'work',
  ...start
}: ShellStep): Promise<ShellRun> {
  const cwd = join(tree, directory)
  mkdirSync(cwd, { recursive: true })
  const finished = await run({
    ...start,
    bitbucket,
    tree,
    cwd,
    env: {
      BITBUCKET_URL: bitbucket.url,
      BITBUCKET_API_URL: bitbucket.apiUrl,
      ...asVariables(inputs),
      ...env,
    },
    places: { [cwd]: `<${directory}>`, [tree]: '<tree>' },
  })
  return { ...finished, cwd }
}

const { variables: declared } = parse(
  readFileSync(new URL('../../../pipe.yml', import.meta.url), 'utf8'),
) as {
  variables: readonly { readonly name: string; readonly default: string }[]
}

/** Runs the bundle as Pipelines runs a pipe: in the step's clone, with umask 000 and the variables of Pipelines. */
export async function runPipe({ tree = makeTree(), env = {}, ...step }: ShellStep): Promise<ShellRun> {
  const clone = join(tree, 'clone')
  if (!existsSync(clone)) await makeClone(tree)
  return runShell({
    ...step,
    tree,
    directory: 'clone',
    umask: 0o000,
    env: { ...pipeVariables(step.bitbucket, clone), ...asVariables(step.inputs ?? {}), ...env },
  })
}

/** Returns what Pipelines sets for a pipe that has no variables of its own. */
export function pipeVariables(bitbucket: Bitbucket, clone: string): Record<string, string> {
  const storage = join(clone, '.bitbucket/pipelines/generated/pipeline/pipes')
  return {
    CI: 'true',
    BITBUCKET_BRANCH: 'main',
    BITBUCKET_BUILD_NUMBER: '7',
    BITBUCKET_CLONE_DIR: clone,
    BITBUCKET_PIPELINE_UUID: '{00000000-0000-4000-8000-000000000007}',
    BITBUCKET_PIPE_SHARED_STORAGE_DIR: storage,
    BITBUCKET_PIPE_STORAGE_DIR: join(storage, 'sandbox/bitbucket-token'),
    BITBUCKET_REPO_FULL_NAME: 'sandbox/hello',
    BITBUCKET_WORKSPACE: 'sandbox',
    // A default such as `$NAME` arrives literally if the step has no variable of that name.
    ...Object.fromEntries(declared.map((variable) => [variable.name, variable.default])),
    BITBUCKET_URL: bitbucket.url,
    BITBUCKET_API_URL: bitbucket.apiUrl,
  }
}

const execute = promisify(execFile)

const { HOME: _, ...isolated } = isolatedGit()

/** Keeps git from reading the machine's configuration and from asking on its terminal. It has no HOME. */
export const gitEnvironment: Variables = { ...isolated, PATH: pathWithoutProject }

/** Runs git with no configuration except from variables. It is async because the sandbox answers from this process. */
export async function git(cwd: string, env: Variables, ...args: string[]): Promise<string> {
  return (await execute('git', args, { cwd, env: { ...gitEnvironment, HOME: cwd, ...env } })).stdout
}

let template: Promise<string> | undefined

/** Makes a clone in `<tree>/clone`. git makes the first one; the others are copies. */
export async function makeClone(tree: string): Promise<string> {
  template ??= makeTemplate()
  const clone = join(tree, 'clone')
  cpSync(await template, clone, { recursive: true })
  return clone
}

// Vitest ends its processes without notice, so the template must be removed here.
afterAll(async () => {
  if (template !== undefined) rmSync(dirname(await template), { recursive: true, force: true })
})

async function makeTemplate(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'bitbucket-token-clone-'))
  await git(directory, {}, 'init', '--quiet', '--template=', '--initial-branch=main', 'origin')
  await git(join(directory, 'origin'), {}, 'commit', '--quiet', '--allow-empty', '--message', 'A start')
  await git(directory, {}, 'clone', '--quiet', 'origin', 'clone')
  return join(directory, 'clone')
}

/** Returns the modes of a directory (as `.`) and of its files, or nothing if it does not exist. */
export function modesIn(directory: string): Record<string, string> {
  if (!existsSync(directory)) return {}
  const mode = (path: string) => (statSync(path).mode & 0o7777).toString(8).padStart(4, '0')
  const names = readdirSync(directory).filter((name) => lstatSync(join(directory, name)).isFile())
  return {
    '.': mode(directory),
    ...Object.fromEntries(names.sort().map((name) => [name, mode(join(directory, name))])),
  }
}

/** The modes of the output directory and of its files, without a refresh token. */
export const privateModes = {
  '.': '0700',
  '.gitignore': '0600',
  'env.sh': '0600',
  'git-credentials': '0600',
}

/** Returns the variables that tell the helper when the token expires, changed so that it has expired. */
export function timeIsUp(env: Variables): Variables {
  const timed = Object.entries(env).filter(([name]) => name.startsWith('BITBUCKET_GIT_LOGIN_'))
  if (timed.length !== 1) throw new Error('expected one helper with an expiry')
  return Object.fromEntries(timed.map(([name, value]) => [name, value.replace(/ \d+ /, ' 1 ')]))
}

type Shell = (script: string, args: readonly string[], env: Variables) => Promise<string>

const shell =
  (file: string, ...applet: string[]): Shell =>
  async (script, args, env) => {
    const all = [...applet, '-c', script, file, ...args]
    return (await execute(file, all, { env: { ...gitEnvironment, ...env } })).stdout
  }

/**
 * Runs a script with `$1`, `$2`, … in one of the shells whose users source env.sh, and returns its standard output. A test
 * that uses one has its name as a tag.
 */
export const shells = { dash: shell('dash'), bash: shell('bash'), busybox: shell('busybox', 'sh') }

/** Returns the environment of dash after a script with `$1`. */
export async function environmentAfter(script: string, argument: string): Promise<Record<string, string>> {
  const said = await shells.dash(`${script}; env -0`, [argument], {})
  const pairs = said.split('\0').filter(Boolean)
  return Object.fromEntries(pairs.map((pair) => pair.split(/=(.*)/s, 2)))
}
