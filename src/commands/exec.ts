import type { Transform } from 'node:stream'
import type { Credential } from '../bitbucket/credential.ts'
import { interrupted } from '../errors.ts'
import { type Broker, startBroker } from '../exec/broker.ts'
import { NotStarted, runChild } from '../exec/child.ts'
import { type Additions, environmentFor, helperCommand } from '../exec/environment.ts'
import { hide } from '../masking.ts'
import { OutputRedactor } from '../redaction/output-redactor.ts'
import { report } from '../report.ts'
import type { Run } from '../run.ts'
import { encodedForms } from '../secret.ts'
import { choose } from './choose-credential.ts'
import {
  gitConfigurationOf,
  obtainCredential,
  prepareCredential,
  refuseToLose,
  type VerifiedCredential,
  verifyCredential,
} from './credential.ts'
import { expiryFromUser } from './expiry.ts'
import { answerGit } from './git-credential.ts'
import { asOneLine, summaryOf, variablesOf } from './results.ts'
import { currentToken, reportDeferredError, sourceInMemory } from './token-source.ts'

export interface ExecOptions {
  readonly command: readonly string[]
  /** Whether to hide the secrets in the output of the command; undefined if the CI decides. */
  readonly redact: boolean | undefined
  /** Is called just before the command is started. */
  readonly onStart: () => void
}

/**
 * Runs a command with a credential, and without the secrets that the credential came from. It writes no file.
 * @returns the exit status of the command
 */
export async function exec(run: Run, { command, redact, onStart }: ExecOptions): Promise<number> {
  const { host, world, redactor } = run
  const prepared = await prepareCredential(choose(run), run)
  refuseToLose(prepared, 'exec cannot hand it over', ['Use the command acquire.'], run)
  const credential = await verifyCredential(await obtainCredential(prepared, run), prepared.http, run)
  // A person must act within minutes, and the command may run for hours. `runCommand` reports it again at the end.
  reportDeferredError(run)
  host.log.info(asOneLine(summaryOf(credential, world.now(), expiryFromUser(credential.kind, run))))
  const broker = await openBroker(credential, run)
  const { env, leftOut } = environmentFor(await additionsFor(credential, broker, run), run)
  if (leftOut.length > 0) {
    host.log.info(`The command does not get ${leftOut.join(', ')}, because of a secret in its value.`)
  }
  const filter = (redact ?? isRedactedByDefault(run)) ? outputFilter(run) : undefined
  if (world.stop.aborted) throw interrupted()
  onStart()
  try {
    const { status, unwritten } = await runChild(command, env, { world, filter })
    if (unwritten === undefined) return status
    report(unwritten, host.log, (text) => redactor.quote(text))
    return status || 1
  } catch (error) {
    if (!(error instanceof NotStarted)) throw error
    reportNotStarted(command, error, run)
    return error.status
  }
}

/**
 * Whether to redact if no flag says so: on a CI that cannot mask, and in a shell. Not on a person's terminal, because that is
 * no log, and many programs behave differently without a terminal.
 */
function isRedactedByDefault({ host, hostName, world }: Run): boolean {
  const isForPerson = hostName === 'shell' && !world.env['CI'] && world.isTerminal('stdout')
  return !host.canMask() && !isForPerson
}

/** Returns a function that makes filters for output. They hide the secrets of the run, also those that come later. */
function outputFilter({ redactor, world }: Run): () => Transform {
  const output = new OutputRedactor()
  redactor.onEachSecret((secret) => output.add(secret))
  return () => output.stream(world)
}

/**
 * Starts the broker, from which the processes of the command get the newest token, and hides its key. It ends with this
 * process, so nothing closes it.
 */
async function openBroker(credential: Credential, run: Run): Promise<Broker> {
  const source = sourceInMemory(credential, run)
  const broker = await startBroker({
    async token(refused) {
      if (refused !== undefined) await source.cache?.forget(refused)
      return currentToken(source, run)
    },
    git: (operation, request) => answerGit(run, () => source, operation, request),
  })
  hide(encodedForms(broker.key), run)
  return broker
}

/** Returns what the command gets in addition. If the token expires, git asks the broker. Otherwise git gets the token itself. */
async function additionsFor(credential: VerifiedCredential, broker: Broker, run: Run): Promise<Additions> {
  const helper = credential.expiresAt === undefined ? undefined : helperCommand(run.world)
  return {
    variables: new Map([...variablesOf(credential, undefined, {}), ...broker.variables]),
    git: gitConfigurationOf(credential, run, helper),
  }
}

function reportNotStarted(
  [file = '']: readonly string[],
  { status, message }: NotStarted,
  { host, redactor }: Run,
): void {
  // A whole command line in one argument can contain part of a secret.
  const name = redactor.quote(file)
  host.log.error(
    status === 127
      ? `The command ${name} was not found.\nCheck its spelling and PATH. If it is a script, also check the program in its first line.`
      : `The command ${name} could not be run (${message}).\nCheck that it is a program, and that this user may execute it.`,
  )
}
