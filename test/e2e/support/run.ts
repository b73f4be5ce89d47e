import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { definitionOf, inputNames, variableOf } from '../../../src/inputs.ts'
import type { RecordedRequest } from '../../../src/sandbox/index.ts'
import type { Bitbucket } from './bitbucket.ts'
import { assertNoSecret } from './canary.ts'
import { type Finished, runBundle, type Start } from './program.ts'

/** One run of the program in a scenario. */
export interface Run extends Finished {
  readonly bitbucket: Bitbucket
  /** The temporary directory of the whole scenario. */
  readonly tree: string
  /** The name that a transcript shows for each path. */
  readonly places: Readonly<Record<string, string>>
  /** The environment it was given. */
  readonly given: Readonly<Record<string, string>>
  /** The requests of this run that reached the sandbox. */
  readonly requests: readonly RecordedRequest[]
}

export interface Scenario extends Start {
  readonly bitbucket: Bitbucket
  readonly tree: string
  readonly places: Readonly<Record<string, string>>
  /** Set for a run that is asked to write a secret to stdout. */
  readonly showsSecret?: true
  /** Set for `exec`: its command gets the credential in its environment, and masks go to stderr. */
  readonly givesToCommand?: true
}

/** Runs the program and then the canary, so no test can forget to look for secrets. */
export async function run(scenario: Scenario): Promise<Run> {
  const { bitbucket, tree, places, env } = scenario
  nameSecrets(env, bitbucket)
  const before = bitbucket.requests.length
  const finished = await runBundle(scenario)
  const requests = bitbucket.requests.slice(before)
  const run = { ...finished, bitbucket, tree, places, given: env, requests }
  const { stdout, stderr } = run
  assertNoSecret({
    ...run,
    stdout: scenario.showsSecret ? '' : stdout,
    stderr: scenario.givesToCommand
      ? stderr.replace(/^(?:::add-mask::|##vso\[task\.setsecret\]).*$/gm, '')
      : stderr,
    givesToCommand: scenario.givesToCommand,
  })
  return run
}

/** Makes a temporary directory, which is removed when the test ends. */
export function makeTree(): string {
  const tree = mkdtempSync(join(realpathSync(tmpdir()), 'bitbucket-token-e2e-'))
  onTestFinished(() => rmSync(tree, { recursive: true, force: true }))
  return tree
}

/** Registers every value of a secret input as a secret, valid or not. */
export function nameSecrets(env: Readonly<Record<string, string>>, { secrets }: Bitbucket): void {
  for (const input of inputNames) {
    if (!definitionOf(input).secret) continue
    const name = input.replaceAll('-', ' ')
    const variable = variableOf(input)
    const setting = variable.replace('BITBUCKET_', 'PLUGIN_')
    for (const value of [env[`INPUT_${input.toUpperCase()}`], env[variable], env[setting]]) {
      // A value such as `$NAME` is a placeholder, not a secret.
      if (value !== undefined && !value.startsWith('$')) secrets.add(value.trim(), name)
    }
  }
}
