import type { Credential } from './bitbucket/credential.ts'
import { basicPairsIn } from './credentials/index.ts'
import type { Host } from './hosts/host.ts'
import type { Inputs } from './inputs.ts'
import type { TextRedactor } from './redaction/text-redactor.ts'
import { encodedForms, type Secret } from './secret.ts'

/** What hides secrets: the CI in its log, and the redactor in the texts of this program. */
interface Masks {
  readonly host: Host
  readonly redactor: TextRedactor
}

/** Masks secrets in the CI's log, and removes them from every text that this program writes from now on. */
export function hide(secrets: readonly Secret[], { host, redactor }: Masks): void {
  for (const secret of secrets) if (redactor.add(secret)) host.mask(secret)
}

/** Hides each secret input as HTTP Basic sends it, in Base64. `runCommand` has already hidden the secrets themselves. */
export function hideInBasic(inputs: Inputs, run: Masks): void {
  for (const { user, secret } of basicPairsIn(inputs)) hide(encodedForms(secret, [user]), run)
}

/** Hides all secrets of a credential. Bitbucket has issued it, or the user has made it. */
export function hideCredential({ secret, gitUsername, refreshToken }: Credential, run: Masks): void {
  hide(encodedForms(secret, [gitUsername]), run)
  if (refreshToken !== undefined) hide(encodedForms(refreshToken), run)
}
