import type { AccessToken } from '../bitbucket/credential.ts'
import { chooseCredential, type GivenCredential } from '../credentials/choose.ts'
import { obtain } from '../credentials/index.ts'
import { verify } from '../credentials/verify.ts'
import type { TokenError } from '../errors.ts'
import { type GitConfiguration, gitConfiguration } from '../git/configuration.ts'
import { credentialsFile, credentialsFileName } from '../git/credentials-file.ts'
import type { Host } from '../hosts/host.ts'
import { createHttp } from '../http/client.ts'
import type { Http } from '../http/exchange.ts'
import { definitionOf, type GivenInputs, type Inputs, parseInputs } from '../inputs.ts'
import { type Redactor, type Secret, travelingForms } from '../secret.ts'
import type { World } from '../world.ts'
import { type Acquired, outputsOf, summaryOf, variablesOf } from './results.ts'
import type { Renewal, Rotation } from './rotation.ts'

/** What a verb that uses a credential works with. */
export interface Run {
  readonly world: World
  readonly given: GivenInputs
  readonly host: Host
  /** Knows all that is secret in this run; what a person reads goes through it. */
  readonly redactor: Redactor
}

/** The main job: a working Bitbucket credential, handed over to the rest of the CI job. */
export async function acquire(run: Run): Promise<void> {
  const { host, given, world } = run
  const parsed = parseInputs(given)
  const rotation = await rotationFor(parsed, run)
  const inputs = rotation?.inputs ?? parsed
  const { credential, notice } = chooseCredential(inputs, inputs.grant, { ...given, whyEmpty: host.whyEmpty })
  hideGiven(inputs, run)
  if (notice !== undefined) host.log.info(notice)
  sayWhereSecretsGo(inputs, run)

  let unsaved: TokenError | undefined
  try {
    const http = rotation?.http ?? (await openHttp(inputs, run))
    const renewal = await (rotation?.renew(credential) ?? obtainOnce(credential, inputs, http, run))
    const { token } = renewal
    unsaved = renewal.unsaved
    const verified = await verify(token, inputs, http, inputs['api-url'])

    const acquired = {
      token,
      ...verified,
      expiresAt: token.expiresIn === undefined ? undefined : world.now() + token.expiresIn * 1_000,
      credentialsFile: inputs['git-credentials']
        ? host.writeSecretFile(credentialsFileName, credentialsFile(inputs.url, token))
        : undefined,
    }
    const git = configurationOf(acquired, inputs)
    const howToUse = host.handOver({
      variables: inputs['export-env']
        ? new Map([...variablesOf(acquired, world.env), ...git.variables])
        : new Map(),
      outputs: outputsOf(acquired),
      gitConfig: git.entries,
    })
    const summary = summaryOf(acquired, world.now())
    host.log.info(`${summary.heading}: ${summary.rows.map((row) => row.join(' ')).join('; ')}.`)
    if (howToUse !== undefined) host.log.info(howToUse)
    if (inputs.summary) host.summarize(summary)
  } catch (error) {
    host.discard()
    if (unsaved !== undefined) host.log.error(`${unsaved.message}\n${unsaved.nextStep}`)
    throw error
  }
  // All the rest is handed over by now, for the access token is good whatever became of the other.
  if (unsaved !== undefined) throw unsaved
}

/** The refresh token's way from run to run, where `save-refresh-token` asks for one. */
export async function rotationFor(inputs: Inputs, run: Run): Promise<Rotation | undefined> {
  const destination = inputs['save-refresh-token']
  if (destination === undefined) return undefined
  return (await import('./rotation.ts')).openRotation(destination, inputs, run)
}

/** A credential whose refresh token, if it is given a new one, has no other place than what the host offers. */
async function obtainOnce(
  credential: GivenCredential,
  { url }: Inputs,
  http: Http,
  run: Run,
): Promise<Renewal> {
  const token = await obtain(credential, { http, url })
  hideIssued(token, run)
  if (token.refreshToken !== undefined) {
    // At once, for the old one dies within minutes whatever becomes of the rest of this run.
    ;(await import('./rotation.ts')).handOverUnsaved(token.refreshToken, run)
  }
  return { token, unsaved: undefined }
}

/** git is configured through variables, so `export-env` has a say in it too. */
function configurationOf({ token, expiresAt }: Acquired, inputs: Inputs): GitConfiguration {
  if (!inputs['export-env'] || !inputs['configure-git']) return { entries: [], variables: new Map() }
  return gitConfiguration(inputs.url, token, { expiresAt, rewriteSshUrls: inputs['rewrite-ssh-urls'] })
}

/** Masks secrets at the host and keeps them out of every text. Comes before anything that could show them. */
export function hide(secrets: readonly Secret[], { host, redactor }: Pick<Run, 'host' | 'redactor'>): void {
  for (const secret of secrets) if (redactor.add(secret)) host.mask(secret)
}

/** The given secrets as they travel inside HTTP Basic; as they are, main has hidden them already. */
function hideGiven(inputs: Inputs, run: Run): void {
  const users = {
    'client-secret': inputs['client-id'],
    'api-token': inputs.email,
  }
  for (const [name, user] of Object.entries(users)) {
    const secret = inputs[name as keyof typeof users]
    if (secret !== undefined && user !== undefined) hide(travelingForms(secret, [user]), run)
  }
}

export function hideIssued(token: AccessToken, run: Run): void {
  hide(travelingForms(token.token, [token.gitUsername]), run)
  if (token.refreshToken !== undefined) hide(travelingForms(token.refreshToken), run)
}

/** A stray variable must not send a secret astray unseen. */
function sayWhereSecretsGo(inputs: Inputs, { host, given }: Run): void {
  for (const name of ['url', 'api-url'] as const) {
    const usual = definitionOf(name).default ?? ''
    const { origin } = inputs[name]
    if (origin !== usual) host.log.info(`${given.nameOf(name)} is ${origin}, not ${usual}: secrets go there.`)
  }
}

/** The transport is loaded here, after the inputs have proved good: half of the start-up time is its. */
export async function openHttp(
  inputs: Inputs,
  { world, host }: Pick<Run, 'world' | 'host'>,
  timeout = inputs.timeout * 1_000,
): Promise<Http> {
  const { send } = await import('../http/transport.ts')
  return createHttp({
    timeout,
    retries: inputs.retries,
    world,
    transport: send,
    onRetry: (line) => host.log.info(line),
  })
}
