import { TokenError } from '../errors.ts'
import { NotStarted, start, statusOf } from '../exec/child.ts'
import { environmentFor } from '../exec/environment.ts'
import type { Run } from '../run.ts'
import { chooseToSpend, gitConfigurationOf, obtainCredential, refuseToLose, verify } from './credential.ts'
import { sayInOneLine, summaryOf, variablesOf } from './results.ts'

/**
 * Runs a command with a credential, and without the secrets that the credential came from. It writes no file.
 * @returns the exit status of the command
 */
export async function exec(
  run: Run,
  command: readonly string[],
  _redact: boolean | undefined,
): Promise<number> {
  const { host, world } = run
  const chosen = await chooseToSpend(run)
  refuseToLose(chosen, 'exec cannot hand it over', ['Use the command acquire.'], run)
  const credential = await verify(await obtainCredential(chosen, run), chosen.http, run)
  reportNow(run)
  host.log.info(sayInOneLine(summaryOf(credential, world.now())))
  const git = await gitConfigurationOf(credential, run)
  const { env, copies } = environmentFor({ variables: variablesOf(credential, undefined, {}), git }, run)
  if (copies.length > 0) {
    host.log.info(`The command does not get ${copies.join(', ')}, because of a secret in its value.`)
  }
  refuseIfStopped(run)
  try {
    return await statusOf(await start(command, env), world)
  } catch (error) {
    if (!(error instanceof NotStarted)) throw error
    reportNotStarted(command, error, run)
    return error.status
  }
}

/** Reports at once what a person must do within minutes, because the command may run for hours. It is reported again at the end. */
function reportNow({ deferred, host }: Run): void {
  for (const { message, nextStep } of deferred) host.log.error(`${message}\n${nextStep}`)
}

function refuseIfStopped({ world }: Run): void {
  if (!world.stop.aborted) return
  throw new TokenError('interrupted', 'Stopped by a signal before the command was started.', 'Run it again.')
}

function reportNotStarted(
  [file = '']: readonly string[],
  { status, message }: NotStarted,
  { host }: Run,
): void {
  host.log.error(
    status === 127
      ? `The command ${file} was not found.\nCheck its spelling and PATH. If it is a script, also check the program in its first line.`
      : `The command ${file} could not be run (${message}).\nCheck that it is a program, and that this user may execute it.`,
  )
}
