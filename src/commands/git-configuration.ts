import type { Credential } from '../bitbucket/credential.ts'
import { type GitConfiguration, gitConfiguration } from '../git/configuration.ts'
import type { Run } from '../run.ts'

/**
 * Returns the configuration that makes git use the credential; empty if `configure-git` is false.
 * @param helper the command that git asks for the newest token, if the configuration must not contain the token
 */
export function gitConfigurationOf(credential: Credential, run: Run, helper?: string): GitConfiguration {
  const inputs = run.inputs()
  if (!inputs['configure-git']) return { entries: [], variables: new Map() }
  return gitConfiguration(inputs.url, credential, {
    expiresAt: credential.expiresAt,
    run: run.world.uniqueName(),
    helper,
    paths: inputs['git-path'],
    rewriteSshUrls: inputs['rewrite-ssh-urls'],
  })
}
