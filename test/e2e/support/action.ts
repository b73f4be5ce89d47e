import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inputVariables } from '../../support/action-inputs.ts'
import { decodeFile, type FileVariable, makeStepFiles } from '../../support/runner-files.ts'
import { type Bitbucket, inputsFor } from './bitbucket.ts'
import { assertNoSecret } from './canary.ts'
import type { Start } from './program.ts'
import { makeTree, type Run, run } from './run.ts'

/** A job on GitHub's runner: its directories, and the variables that its steps have exported so far. */
export interface Job {
  readonly tree: string
  readonly temp: string
  readonly workspace: string
  readonly env: Record<string, string>
  steps: number
}

export interface Step {
  readonly bitbucket: Bitbucket
  /** The inputs under `with:`. Default: those of an OAuth consumer. */
  readonly inputs?: Readonly<Record<string, string>>
  /** More variables, such as those of a `run:` step. */
  readonly env?: Readonly<Record<string, string>>
  /** The job of an earlier step. Default: a new one. */
  readonly job?: Job
  /** The command line, such as that of a `run:` step. */
  readonly args?: readonly string[]
  readonly preload?: string
  readonly onStart?: NonNullable<Start['onStart']>
  /** Set for a run that is asked to write a secret to stdout. */
  readonly showsSecret?: true
}

export interface ActionRun extends Run {
  readonly job: Job
  /** The variables that later steps get. */
  readonly env: Readonly<Record<string, string>>
  readonly outputs: Readonly<Record<string, string>>
  readonly state: Readonly<Record<string, string>>
  readonly summary: string
}

/** Runs `main` as the runner does for a `uses:` step. */
export function runAction({
  bitbucket,
  inputs = inputsFor.consumer(bitbucket),
  ...step
}: Step): Promise<ActionRun> {
  const given = { url: bitbucket.url, 'api-url': bitbucket.apiUrl, ...inputs }
  return runStep({ bitbucket, ...step }, inputVariables(given))
}

/** Runs the bundle without inputs, as a `run:` step does. */
export function runRunStep({ bitbucket, ...step }: Omit<Step, 'inputs'>): Promise<ActionRun> {
  return runStep({ bitbucket, ...step }, {})
}

/** Runs `post` with the state that `main` saved, as the runner does at the end of the job. */
export async function runPost(main: ActionRun): Promise<ActionRun> {
  const inputs = Object.entries(main.given).filter(([name]) => name.startsWith('INPUT_'))
  const state = Object.entries(main.state).map(([name, value]) => [`STATE_${name}`, value])
  return runStep({ bitbucket: main.bitbucket, job: main.job }, Object.fromEntries([...inputs, ...state]))
}

/** Asserts that no secret is left after every `post` of a job has run. */
export function assertNothingLeft(last: ActionRun): void {
  assertNoSecret(last, 'post')
}

async function runStep(
  { bitbucket, job = newJob(), env = {}, args = [], ...start }: Omit<Step, 'inputs'>,
  inputs: Record<string, string>,
): Promise<ActionRun> {
  const files = makeStepFiles(join(job.tree, 'commands', String(++job.steps)))
  const finished = await run({
    ...start,
    bitbucket,
    tree: job.tree,
    cwd: job.workspace,
    args,
    env: {
      CI: 'true',
      GITHUB_ACTIONS: 'true',
      RUNNER_TEMP: job.temp,
      GITHUB_WORKSPACE: job.workspace,
      ...files,
      ...job.env,
      ...inputs,
      ...env,
    },
    places: { [job.temp]: '<temp>', [job.workspace]: '<workspace>', [job.tree]: '<job>' },
  })
  const read = (name: FileVariable) => readFileSync(files[name], 'utf8')
  const exported = parseCommandFile(read('GITHUB_ENV'))
  Object.assign(job.env, exported)
  return {
    ...finished,
    job,
    env: exported,
    outputs: parseCommandFile(read('GITHUB_OUTPUT')),
    state: parseCommandFile(read('GITHUB_STATE')),
    summary: read('GITHUB_STEP_SUMMARY'),
  }
}

export function newJob(): Job {
  const tree = makeTree()
  const job: Job = { tree, temp: join(tree, 'temp'), workspace: join(tree, 'workspace'), env: {}, steps: 0 }
  for (const directory of [job.temp, job.workspace]) mkdirSync(directory)
  return job
}

/** Reads GITHUB_ENV and similar files by the runner's rules. */
export const parseCommandFile = (text: string): Record<string, string> => Object.fromEntries(decodeFile(text))
