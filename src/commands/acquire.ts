import { reasonOf } from '../errors.ts'
import type { GitConfiguration } from '../git/configuration.ts'
import { credentialsFile, credentialsFileName } from '../git/credentials-file.ts'
import type { Host, Log } from '../hosts/host.ts'
import type { Run } from '../run.ts'
import { choose } from './choose-credential.ts'
import type { VerifiedCredential } from './credential.ts'
import { expiryFromUser } from './expiry.ts'
import { asOneLine, outputsOf, summaryOf, variablesOf } from './results.ts'
import { handOverUnsavedToken } from './unsaved-refresh-token.ts'

/** Gets a working Bitbucket credential and hands it over to the rest of the CI job. If anything fails, it removes its files. */
export async function acquire(run: Run): Promise<void> {
  run.host.prepare()
  const chosen = choose(run)
  // Most runs that fail have a wrong input. They end before this is loaded.
  const { gitConfigurationOf, obtainCredential, prepareCredential, verifyCredential } = await import(
    './credential.ts'
  )
  const prepared = await prepareCredential(chosen, run)
  try {
    const credential = await obtainCredential(prepared, run)
    if (prepared.rotation === undefined) handOverUnsavedToken(credential, run)
    const verified = await verifyCredential(credential, prepared.http, run)
    const git = gitConfigurationOf(verified, run)
    const howToUse = handOver(verified, git, run)
    showResult(verified, howToUse, run)
  } catch (error) {
    discard(run.host)
    throw error
  }
}

/**
 * Writes the git-credentials file, the variables and the outputs.
 * @returns how a later step can use the results, if the CI needs an explanation
 */
function handOver(credential: VerifiedCredential, git: GitConfiguration, run: Run): string | undefined {
  const { host, world } = run
  const inputs = run.inputs()
  const file = inputs['git-credentials']
    ? host.writeSecretFile(credentialsFileName, credentialsFile(inputs.url, credential))
    : undefined
  // git is configured through variables, so `export-env: false` turns that off too.
  const isExported = inputs['export-env']
  return host.handOver({
    variables: isExported
      ? new Map([...variablesOf(credential, file, world.env), ...git.variables])
      : new Map(),
    outputs: outputsOf(credential, file),
    gitConfig: isExported ? git.entries : [],
  })
}

/** Shows the result in the log and in the job summary. */
function showResult(credential: VerifiedCredential, howToUse: string | undefined, run: Run): void {
  const { host, world } = run
  const expiry = expiryFromUser(credential.kind, run)
  const summary = summaryOf(credential, world.now(), expiry)
  const rows = expiry?.isNear ? [...summary.rows, ['What to do', expiry.nextStep] as const] : summary.rows
  tryToShow('The log', host.log, () => host.log.info(asOneLine(summary)))
  if (howToUse !== undefined) tryToShow('The log', host.log, () => host.log.info(howToUse))
  if (run.inputs().summary) tryToShow('The job summary', host.log, () => host.summarize({ ...summary, rows }))
}

/**
 * Shows something about a credential that is already handed over. If it cannot be shown, that is a warning, because the job
 * has its credential.
 * @param what what is shown, in words
 */
function tryToShow(what: string, log: Log, show: () => void): void {
  try {
    show()
  } catch (error) {
    try {
      log.warning(
        `${what} could not be written (${reasonOf(error)}). The credential was handed over all the same.`,
      )
    } catch {
      // The log cannot be written either.
    }
  }
}

/** Removes the files of the run. A failure is only a warning, so that the error of the run stays visible. */
function discard(host: Host): void {
  try {
    host.discard()
  } catch (error) {
    host.log.warning(reasonOf(error))
  }
}
