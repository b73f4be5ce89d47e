import type { Credential } from '../bitbucket/credential.ts'
import type { CheckResult } from '../bitbucket/rest.ts'
import { scopesWithoutSecrets } from '../bitbucket/scopes.ts'
import { type ChosenCredential, obtain, spendsRefreshToken } from '../credentials/index.ts'
import { verify } from '../credentials/verify.ts'
import { TokenError } from '../errors.ts'
import { type GitConfiguration, gitConfiguration } from '../git/configuration.ts'
import type { Http } from '../http/exchange.ts'
import { hideCredential } from '../masking.ts'
import type { Run } from '../run.ts'
import { checkAndWarnOfExpiry } from './expiry.ts'
import type { Rotation } from './refresh-token-rotation.ts'
import { grantContext, httpFor } from './requests.ts'

/** The credential that the inputs describe, and what obtaining it needs. */
export interface PreparedCredential {
  readonly chosen: ChosenCredential
  /** For all requests of the run, within one deadline. Saving a new refresh token has its own. */
  readonly http: Http
  /** Where the refresh token comes from and goes to, with `save-refresh-token`. */
  readonly rotation?: Rotation | undefined
}

/** A credential, and what Bitbucket said about it if it was asked. */
export interface VerifiedCredential extends Credential {
  readonly checked: CheckResult | undefined
}

/**
 * Opens what obtaining the credential needs: the HTTP client, whose deadline starts now, and the store that
 * `save-refresh-token` names.
 * @throws {TokenError} `input`, `store-unwritable`, `interrupted`
 */
export async function prepareCredential(chosen: ChosenCredential, run: Run): Promise<PreparedCredential> {
  const http = await httpFor(run)
  const destination = run.inputs()['save-refresh-token']
  if (destination === undefined) return { chosen, http }
  const { openRotation } = await import('./refresh-token-rotation.ts')
  return { chosen, http, rotation: await openRotation(destination, chosen, http, run) }
}

/**
 * Refuses to spend a refresh token if nobody would get its successor.
 * @param why why the new refresh token cannot be handed over, as a clause
 * @param instead what else to do: one imperative each
 * @throws {TokenError} `input`
 */
export function refuseToLose(
  { chosen, rotation }: PreparedCredential,
  why: string,
  instead: readonly string[],
  { rawInputs }: Run,
): void {
  if (!spendsRefreshToken(chosen.kind) || rotation !== undefined) return
  const ways = [
    'Name a store in save-refresh-token.',
    ...instead,
    'Use client credentials, which need no refresh token.',
  ]
  throw new TokenError(
    'input',
    `Bitbucket replaces the refresh token in ${rawInputs.nameOf('refresh-token')} with a new one, and ${why}. It would be lost, and Bitbucket would refuse the next run.`,
    ['Do one of these:', ...ways.map((way) => `- ${way}`)].join('\n'),
  )
}

/**
 * Returns the credential, not yet verified. It is masked before anything can show it.
 * @throws {TokenError} every code except `input`
 */
export async function obtainCredential(
  { chosen, http, rotation }: PreparedCredential,
  run: Run,
): Promise<Credential> {
  const credential = await (rotation?.renew() ?? obtain(chosen, grantContext(http, run)))
  hideCredential(credential, run)
  const quote = (text: string) => run.redactor.quote(text)
  return { ...credential, scopes: credential.scopes && scopesWithoutSecrets(credential.scopes, quote) }
}

/**
 * Checks that a credential does what the inputs require, and adds what Bitbucket says about it.
 * @throws {TokenError} `credential-refused`, `scope-missing`, `repository-unreadable`, `access-denied`, `answer-unusable`,
 * `unreachable`
 */
export async function verifyCredential(
  credential: Credential,
  http: Http,
  run: Run,
): Promise<VerifiedCredential> {
  const inputs = run.inputs()
  const checked = await checkAndWarnOfExpiry(credential.kind, run, () =>
    verify(credential, inputs, http, inputs['api-url']),
  )
  if (checked?.doubt !== undefined) run.host.log.warning(checked.doubt)
  if (inputs.repository !== undefined) run.host.log.info(`The credential can read ${inputs.repository}.`)
  return { ...credential, scopes: credential.scopes ?? checked?.scopes, checked }
}

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
