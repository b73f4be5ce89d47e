import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { inputNames, variableOf } from '../../../src/inputs.ts'
import { errorsIn } from '../../support/summary-text.ts'
import { runAction } from './action.ts'
import type { Bitbucket } from './bitbucket.ts'
import type { Run } from './run.ts'
import { runPipe, runShell, type ShellRun } from './shell.ts'
import { complaint, namer, requestsOf } from './transcript.ts'

interface Failure {
  readonly bitbucket: Bitbucket
  readonly inputs: Readonly<Record<string, string>>
  /** Called before each run, to script Bitbucket's answers. */
  readonly before?: () => void
}

/**
 * Runs the program as an action, as a pipe and in a shell. Asserts that each run fails with the same message and the same
 * requests, exports nothing and leaves no file. The action also shows the message in the job summary.
 * @returns requests, message and exit status, for a snapshot
 */
export async function failsEverywhere({ bitbucket, inputs, before = () => {} }: Failure): Promise<string> {
  before()
  const action = await runAction({ bitbucket, inputs })
  expect(action.env).toEqual({})
  expect(action.outputs).toEqual({})
  expect(readdirSync(action.job.temp)).toEqual([])
  before()
  const pipe = await runPipe({ bitbucket, inputs })
  before()
  const shell = await runShell({ bitbucket, inputs })
  for (const run of [pipe, shell]) expectNothingDone(run)

  const errors = errorsIn(namer(action)(action.summary))
  expect(errors).not.toEqual([])
  for (const error of errors) expect(complaint(action)).toContain(`::error title=bitbucket-token::${error}\n`)

  const told = tellingOf(action)
  expect({ pipe: tellingOf(pipe), shell: tellingOf(shell) }).toEqual({ pipe: told, shell: told })
  return told
}

/** Asserts that a run failed, wrote nothing to stdout and left no file. */
function expectNothingDone(run: ShellRun): void {
  expect(run.status).not.toBe(0)
  expect(run.stdout).toBe('')
  expect(existsSync(join(run.cwd, '.bitbucket-token'))).toBe(false)
}

function tellingOf(run: Run): string {
  const told = complaint(run)
    .replace(/^::(error|warning) title=bitbucket-token::/gm, '$1: ')
    // An input has one name under `with:` and another as a variable.
    .replace(/\bBITBUCKET_[A-Z_]+/g, (variable) => inputOf(variable) ?? variable)
  return [...requestsOf(run), told].join('\n')
}

const inputOf = (variable: string): string | undefined =>
  inputNames.find((name) => variableOf(name) === variable)
