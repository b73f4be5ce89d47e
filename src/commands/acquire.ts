import { reasonOf, type TokenError } from '../errors.ts'
import { credentialsFile, credentialsFileName } from '../git/credentials-file.ts'
import type { Host, Log, Summary } from '../hosts/host.ts'
import {
  type Chosen,
  chooseToSpend,
  gitConfigurationOf,
  obtainCredential,
  type Run,
  sayUnsaved,
} from './credential.ts'
import { outputsOf, sayInOneLine, summaryOf, variablesOf } from './results.ts'

/** The main job: a working Bitbucket credential, handed over to the rest of the CI job. */
export async function acquire(run: Run): Promise<void> {
  run.host.prepare()
  const chosen = await chooseToSpend(run)
  const { summary, howToUse, unsaved } = await handOver(chosen, run)
  const { log } = run.host
  decorate('The log', log, () => log.info(sayInOneLine(summary)))
  if (howToUse !== undefined) decorate('The log', log, () => log.info(howToUse))
  if (chosen.inputs.summary) decorate('The job summary', log, () => run.host.summarize(summary))
  if (unsaved !== undefined) throw unsaved
}

/** What is left to tell once a credential is handed over. */
interface HandedOver {
  readonly summary: Summary
  readonly howToUse: string | undefined
  readonly unsaved: TokenError | undefined
}

/** Gets the credential and hands it over: all of it, or nothing. */
async function handOver(chosen: Chosen, run: Run): Promise<HandedOver> {
  const { host, world } = run
  const { inputs } = chosen
  let unsaved: TokenError | undefined
  try {
    const obtained = await obtainCredential(chosen, run, async (refreshToken, { kind }) => {
      ;(await import(/* webpackChunkName: "stores" */ './unsaved-token.ts')).handOver(refreshToken, kind, run)
    })
    unsaved = obtained.unsaved
    const acquired = {
      ...obtained,
      credentialsFile: inputs['git-credentials']
        ? host.writeSecretFile(credentialsFileName, credentialsFile(inputs.url, obtained.token))
        : undefined,
    }
    // git is configured through variables, so `export-env` has a say in it too.
    const exported = inputs['export-env']
    const git = await gitConfigurationOf(acquired, inputs, world)
    const howToUse = host.handOver({
      variables: exported ? new Map([...variablesOf(acquired, world.env), ...git.variables]) : new Map(),
      outputs: outputsOf(acquired),
      gitConfig: exported ? git.entries : [],
    })
    return { summary: summaryOf(acquired, world.now()), howToUse, unsaved }
  } catch (error) {
    discard(host)
    sayUnsaved(unsaved, run)
    throw error
  }
}

/**
 * Shows something about a credential that is already handed over. A job that has its credential must not fail because
 * something cannot be shown.
 * @param what what is shown, in words
 */
function decorate(what: string, log: Log, show: () => void): void {
  try {
    show()
  } catch (error) {
    try {
      log.warning(
        `${what} could not be written (${reasonOf(error)}). The credential is handed over all the same.`,
      )
    } catch {
      // Nobody reads the log either.
    }
  }
}

/** What cannot be taken back is said; it must not stand in the way of why the run failed. */
function discard(host: Host): void {
  try {
    host.discard()
  } catch (error) {
    host.log.warning(reasonOf(error))
  }
}
