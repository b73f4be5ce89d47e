import { reasonOf, type TokenError } from '../errors.ts'
import { credentialsFile, credentialsFileName } from '../git/credentials-file.ts'
import type { Host } from '../hosts/host.ts'
import { chooseToSpend, gitConfigurationOf, obtainCredential, type Run, sayUnsaved } from './credential.ts'
import { outputsOf, sayInOneLine, summaryOf, variablesOf } from './results.ts'

/** The main job: a working Bitbucket credential, handed over to the rest of the CI job. */
export async function acquire(run: Run): Promise<void> {
  const { host, world } = run
  const chosen = await chooseToSpend(run)
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
    const git = gitConfigurationOf(acquired, inputs, world)
    const howToUse = host.handOver({
      variables: exported ? new Map([...variablesOf(acquired, world.env), ...git.variables]) : new Map(),
      outputs: outputsOf(acquired),
      gitConfig: exported ? git.entries : [],
    })
    const summary = summaryOf(acquired, world.now())
    host.log.info(sayInOneLine(summary))
    if (howToUse !== undefined) host.log.info(howToUse)
    if (inputs.summary) host.summarize(summary)
  } catch (error) {
    discard(host)
    sayUnsaved(unsaved, run)
    throw error
  }
  if (unsaved !== undefined) throw unsaved
}

/** What cannot be taken back is said; it must not stand in the way of why the run failed. */
function discard(host: Host): void {
  try {
    host.discard()
  } catch (error) {
    host.log.warning(reasonOf(error))
  }
}
