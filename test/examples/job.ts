import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseCommandFile } from '../e2e/support/action.ts'
import { asVariables, inputsFor } from '../e2e/support/bitbucket.ts'
import { assertNoSecret } from '../e2e/support/canary.ts'
import { bundle, pathWithoutProject } from '../e2e/support/program.ts'
import { makeTree, nameSecrets } from '../e2e/support/run.ts'
import { gitEnvironment } from '../e2e/support/shell.ts'
import { setVariables } from '../support/azure-agent.ts'
import { type BitbucketOrg, startBitbucketOrg } from './bitbucket-org.ts'
import { type Example, root } from './documents.ts'
import { type Reader, readers, type Step, withSecrets } from './steps.ts'
import type { Run } from './table.ts'

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
const imageName = `bitbuckettoken/bitbucket-token:${version}`

/** The programs of the documents, in a directory that comes first on the PATH. */
function installPrograms(directory: string, programs: Readonly<Record<string, string>>): void {
  mkdirSync(directory)
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(join(directory, name), `${script}\n`)
    chmodSync(join(directory, name), 0o755)
  }
}

const program = `exec '${process.execPath}' '${bundle}'`

const programs: Readonly<Record<string, string>> = {
  'bitbucket-token': `#!/bin/sh\n${program} "$@"`,

  // It would look for the package in the registry, under this name.
  npx: `#!/bin/sh
    [ "$1" != --yes ] || shift
    case $1 in bitbucket-token | bitbucket-token@1) shift ;; *) exit 64 ;; esac
    ${program} "$@"`,

  // The agent's own program, which takes what is to be hidden and what is to be set on standard input.
  'buildkite-agent': '#!/bin/sh\ncat >/dev/null',
}

/** What a container sees: the variables that are named to it, and the directory that it is to work in. */
const withoutEngine = `#!/bin/bash
  [ "$1" = run ] || exit 64
  shift
  given=("PATH=$PATH" "HTTPS_PROXY=$HTTPS_PROXY" "NODE_EXTRA_CA_CERTS=$NODE_EXTRA_CA_CERTS")
  while [[ $1 == --* ]]; do
    case $1 in
      --rm) shift; continue ;;
      --env)
        case $2 in
          *=*) given+=("$2") ;;
          *) if [[ -n \${!2+set} ]]; then given+=("$2=\${!2}"); fi ;;
        esac ;;
      --workdir) cd "$2" ;;
      --user | --volume) ;;
      *) echo "docker: unknown option $1" >&2; exit 125 ;;
    esac
    shift 2
  done
  [ "$1" = ${imageName} ] || { echo "docker: no image $1" >&2; exit 125; }
  shift
  exec env --ignore-environment "\${given[@]}" '${process.execPath}' '${bundle}' "$@"`

/** The real client, with the image under test; the container reaches the sandbox on loopback and trusts its certificate. */
const withEngine = (image: string, authority: string): string => `#!/bin/bash
  PATH=\${PATH#*:}
  words=()
  for word; do
    if [ "$word" = ${imageName} ]; then words+=('${image}'); else words+=("$word"); fi
  done
  [ "\${words[0]}" = run ] || exit 64
  exec docker run --network=host --env HTTPS_PROXY --env NODE_EXTRA_CA_CERTS \\
    --volume '${authority}:${authority}:ro' "\${words[@]:1}"`

/** Our program as the step that a CI starts as a container: with all variables of the job. */
const asContainer = `#!/bin/bash
  for name in $(compgen -e BITBUCKET_); do variables+=(--env "$name"); done
  exec docker run --rm "\${variables[@]}" --user "$(id -u):$(id -g)" --volume "$PWD:$PWD" --workdir "$PWD" \\
    ${imageName} "$@"`

/** What a CI hands from one step to the next, read from what the step has written. */
interface Carried {
  /** In the environment. */
  readonly env: Readonly<Record<string, string>>
  /** Only where a step asks for it. */
  readonly secret: Readonly<Record<string, string>>
}

const nothing: Carried = { env: {}, secret: {} }

const carriedBy: Partial<Record<Reader, (stdout: string, job: string) => Carried>> = {
  github: (_, job) => ({ env: parseCommandFile(readFileSync(join(job, 'GITHUB_ENV'), 'utf8')), secret: {} }),
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

/** What the CI says of itself to a step that is no container. */
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
  /** Of all steps, the last one that ran included. */
  readonly output: string
  readonly directory: string
  readonly bitbucketOrg: BitbucketOrg
}

/**
 * Does what an example says, step by step up to the first that fails, in a directory of its own, against the sandbox.
 * @param image of an engine, for `docker run`; without it, that is played
 */
export async function runExample({ text }: Example, run: Run, image?: string): Promise<Ended> {
  const job = makeTree()
  const directory = join(job, 'work')
  for (const path of [directory, join(job, 'home')]) mkdirSync(path)
  for (const name of ['GITHUB_ENV', 'GITHUB_OUTPUT', 'GITHUB_STATE']) writeFileSync(join(job, name), '')
  const bitbucketOrg = await startBitbucketOrg(join(job, 'keys'), run.sandbox ?? {})
  const { bitbucket, authority } = bitbucketOrg
  installPrograms(join(job, 'bin'), {
    ...programs,
    ...run.programs,
    ...(image === undefined
      ? { docker: withoutEngine }
      : { docker: withEngine(image, authority), 'bitbucket-token': asContainer }),
  })

  const given = asVariables(inputsFor[run.credential ?? 'consumer'](bitbucket))
  nameSecrets(given, bitbucket)
  const { PATH: _, GIT_CONFIG_GLOBAL: __, ...quietGit } = gitEnvironment
  const env: Record<string, string> = {
    PATH: `${join(job, 'bin')}:${pathWithoutProject}`,
    HOME: join(job, 'home'),
    ...(image !== undefined && process.env['DOCKER_HOST'] && { DOCKER_HOST: process.env['DOCKER_HOST'] }),
    ...quietGit,
    ...bitbucketOrg.env,
    // GitHub's secrets are no variables.
    ...(run.as === 'github' ? {} : given),
    ...environmentOf[run.as]?.(job),
    ...run.env,
  }
  const instead = Object.entries(run.instead ?? {})
  const written = instead.reduce((result, [from, to]) => result.replaceAll(from, to), text)
  const steps = readers[run.as](withSecrets(written, given))
  if (steps.length === 0) throw new Error('no step was found')

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
    const shown = stdout.replace(/^##vso\[task\.set.*|^::add-mask::.*/gm, '')
    assertNoSecret({ signal: null, stdout: shown, stderr, commandLines: [], tree: directory, bitbucket })
    if (status !== 0) return { status, output, directory, bitbucketOrg }
    const carried = carriedBy[run.as]?.(stdout, job) ?? nothing
    Object.assign(env, carried.env)
    secret = { ...secret, ...carried.secret }
  }
  return { status: 0, output, directory, bitbucketOrg }
}

function commandOf({ script, shell }: Step, whole: string, image: string | undefined): readonly string[] {
  if (script !== undefined) return [...shell, whole]
  // Without a shell between, for that drops the variables of inputs, whose names no shell takes.
  return image === undefined ? [process.execPath, bundle] : shell
}

/** Long past what any example takes. */
const patience = 60_000

function execute(
  [file = '', ...args]: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd: string,
): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: patience })
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
