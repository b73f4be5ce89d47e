import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseCommandFile } from '../e2e/support/action.ts'
import { asVariables, inputsFor } from '../e2e/support/bitbucket.ts'
import { assertNoSecret } from '../e2e/support/canary.ts'
import { bundle, pathWithoutProject } from '../e2e/support/program.ts'
import { makeTree, nameSecrets } from '../e2e/support/run.ts'
import { gitEnvironment } from '../e2e/support/shell.ts'
import { setVariables } from '../support/azure-agent.ts'
import type { ProgramName } from '../support/programs.ts'
import { startBitbucketOrg } from './bitbucket-org.ts'
import { installPrograms } from './programs.ts'
import { type Reader, readers, type Step, withSecrets } from './steps.ts'
import type { Run } from './table.ts'

/** What a CI passes from one step to the next, read from the files and the output of the step. */
interface StepResults {
  /** Variables in the environment. */
  readonly env: Readonly<Record<string, string>>
  /** Values that a step gets only if it asks for them. */
  readonly secret: Readonly<Record<string, string>>
}

const nothing: StepResults = { env: {}, secret: {} }

const resultsOf: Partial<Record<Reader, (stdout: string, job: string) => StepResults>> = {
  github(_, job) {
    const read = (name: string) => parseCommandFile(readFileSync(join(job, name), 'utf8'))
    const outputs = Object.entries(read('GITHUB_OUTPUT')).map(([name, value]) => [name.toUpperCase(), value])
    return { env: read('GITHUB_ENV'), secret: Object.fromEntries(outputs) }
  },
  azure(stdout) {
    const variables = (secret: boolean) =>
      Object.fromEntries(
        setVariables(stdout)
          .filter(({ properties }) => properties['issecret'] === String(secret))
          .map(({ properties, data }) => [properties['variable'] ?? '', data]),
      )
    return { env: variables(false), secret: variables(true) }
  },
}

/** The CI's own variables in a step that is not a container. */
const environmentOf: Partial<Record<Reader, (job: string) => Readonly<Record<string, string>>>> = {
  github: (job) => ({
    GITHUB_ACTIONS: 'true',
    RUNNER_TEMP: join(job, 'work'),
    GITHUB_ENV: join(job, 'GITHUB_ENV'),
    GITHUB_OUTPUT: join(job, 'GITHUB_OUTPUT'),
    GITHUB_STATE: join(job, 'GITHUB_STATE'),
  }),
  pipelines: (job) => ({
    BITBUCKET_BUILD_NUMBER: '7',
    BITBUCKET_PIPELINE_UUID: '{00000000-0000-4000-8000-000000000007}',
    BITBUCKET_CLONE_DIR: join(job, 'work'),
    BITBUCKET_REPO_FULL_NAME: 'acme/website',
    BITBUCKET_WORKSPACE: 'acme',
  }),
  circleci: (job) => ({ BASH_ENV: join(job, 'bash_env') }),
}

export interface Ended {
  readonly status: number | null
  /** The output of all steps up to the last one that ran. */
  readonly output: string
  readonly directory: string
}

/** Returns the programs that an example needs. A test of the example has them as tags. */
export function programsOf(text: string, run: Run): ProgramName[] {
  const written = [text, run.before, run.after, ...Object.values(run.programs ?? {})].join('\n')
  const named = (['curl', 'jq'] as const).filter((name) => new RegExp(`\\b${name}\\b`).test(written))
  // The replacement for `docker run` is a bash script (programs.ts).
  const needsBash =
    written.includes('docker run') || readers[run.as](text).some(({ shell: [file] }) => file === 'bash')
  return ['openssl', ...named, ...(needsBash ? (['bash'] as const) : [])]
}

/**
 * Runs the steps of an example in a new directory against the sandbox, up to the first step that fails.
 *
 * @param image the image for `docker run` in a real engine; without it, a script replaces `docker`
 */
export async function runExample(text: string, run: Run, image?: string): Promise<Ended> {
  const job = makeTree()
  const directory = join(job, 'work')
  for (const path of [directory, join(job, 'home')]) mkdirSync(path)
  for (const name of ['GITHUB_ENV', 'GITHUB_OUTPUT', 'GITHUB_STATE']) writeFileSync(join(job, name), '')
  const bitbucketOrg = await startBitbucketOrg(join(job, 'keys'), run.sandbox ?? {})
  const { bitbucket, authority } = bitbucketOrg
  installPrograms(join(job, 'bin'), run.programs ?? {}, image, authority)

  const given = asVariables(inputsFor[run.credential ?? 'consumer'](bitbucket))
  nameSecrets(given, bitbucket)
  const { PATH: _, GIT_CONFIG_GLOBAL: __, ...quietGit } = gitEnvironment
  const env: Record<string, string> = {
    PATH: `${join(job, 'bin')}:${pathWithoutProject}`,
    HOME: join(job, 'home'),
    ...(image !== undefined && process.env['DOCKER_HOST'] && { DOCKER_HOST: process.env['DOCKER_HOST'] }),
    ...quietGit,
    ...bitbucketOrg.env,
    // On GitHub, secrets are not environment variables.
    ...(run.as === 'github' ? {} : given),
    ...environmentOf[run.as]?.(job),
    ...run.env,
    ...run.prepare?.(bitbucket),
  }
  nameSecrets(env, bitbucket)
  const instead = Object.entries(run.instead ?? {})
  const written = instead.reduce((result, [from, to]) => result.replaceAll(from, to), text)
  const steps = readers[run.as](withSecrets(written, given))
  if (steps.length === 0) throw new Error('found no step')

  let secret: Readonly<Record<string, string>> = given
  let output = ''
  for (const [index, step] of steps.entries()) {
    const own = Object.entries(step.env).map(([name, value]) => [name, withSecrets(value, secret)])
    const script = [index === 0 && run.before, step.script, index === steps.length - 1 && run.after]
    const { status, stdout, stderr } = await execute(
      commandOf(step, script.filter(Boolean).join('\n'), image),
      { ...env, ...Object.fromEntries(own) },
      directory,
    )
    output += `${stdout}${stderr}`
    const withoutMasks = (text: string) => text.replace(/^##vso\[task\.set.*|^::add-mask::.*/gm, '')
    assertNoSecret({
      signal: null,
      stdout: withoutMasks(stdout),
      // `exec` writes them there.
      stderr: withoutMasks(stderr),
      commandLines: [],
      childEnvironments: [],
      tree: directory,
      bitbucket,
    })
    if (status !== 0) return { status, output, directory }
    const results = resultsOf[run.as]?.(stdout, job) ?? nothing
    Object.assign(env, results.env)
    secret = { ...secret, ...results.secret }
  }
  return { status: 0, output, directory }
}

function commandOf(step: Step, whole: string, image: string | undefined): readonly string[] {
  const { script, shell } = step
  if (image !== undefined && step.image !== undefined) return ['in-job-image', step.image, ...shell, whole]
  if (script !== undefined) return [...shell, whole]
  // Started without a shell, because a shell drops variables with a hyphen in the name, such as those of inputs.
  return image === undefined ? [process.execPath, bundle] : shell
}

/** In milliseconds. No example takes nearly as long. */
const timeout = 60_000

function execute(
  [file = '', ...args]: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd: string,
): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], timeout })
  const output = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      output[stream] += text
    })
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject).once('close', (status) => resolve({ status, ...output }))
  })
}
