import type { AccessToken } from '../bitbucket/credential.ts'
import { reasonOf } from '../errors.ts'
import { credentialsFile, credentialsFileName } from '../git/credentials-file.ts'
import type { Host } from '../hosts/host.ts'
import { choose, gitConfigurationOf, obtainCredential, type Run } from './credential.ts'
import { outputsOf, sayInOneLine, summaryOf, variablesOf } from './results.ts'

/** The main job: a working Bitbucket credential, handed over to the rest of the CI job. */
export async function acquire(run: Run): Promise<void> {
  const { host, world } = run
  const chosen = choose(run)
  const { inputs } = chosen

  try {
    const obtained = await obtainCredential(chosen, run, (token) => keepRefreshToken(token, host))
    const acquired = {
      ...obtained,
      credentialsFile: inputs['git-credentials']
        ? host.writeSecretFile(credentialsFileName, credentialsFile(inputs.url, obtained.token))
        : undefined,
    }
    // git is configured through variables, so `export-env` has a say in it too.
    const exported = inputs['export-env']
    const git = gitConfigurationOf(acquired, inputs)
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
    throw error
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

/** At once, for the old one dies within minutes whatever becomes of the rest of this run. */
function keepRefreshToken(token: AccessToken, host: Host): void {
  if (token.refreshToken === undefined) return
  const place = host.keep('refresh-token', token.refreshToken)
  host.log.warning(
    [
      'Bitbucket gave a new refresh token, and the one you gave stops working in about ten minutes.',
      `The new one is ${place}: store it in place of the old one, or the next run will be refused.`,
    ].join('\n'),
  )
}
