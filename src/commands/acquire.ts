import type { AccessToken } from '../bitbucket/credential.ts'
import { chooseCredential } from '../credentials/choose.ts'
import { obtain } from '../credentials/index.ts'
import { verify } from '../credentials/verify.ts'
import { type GitConfiguration, gitConfiguration } from '../git/configuration.ts'
import { credentialsFile, credentialsFileName } from '../git/credentials-file.ts'
import type { Host } from '../hosts/host.ts'
import { createHttp } from '../http/client.ts'
import type { Http } from '../http/exchange.ts'
import { definitionOf, type GivenInputs, type Inputs, parseInputs } from '../inputs.ts'
import { type Redactor, type Secret, travelingForms } from '../secret.ts'
import type { World } from '../world.ts'
import { type Acquired, outputsOf, summaryOf, variablesOf } from './results.ts'

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
  const inputs = parseInputs(given)
  const { credential, notice } = chooseCredential(inputs, inputs.grant, { ...given, whyEmpty: host.whyEmpty })
  hideGiven(inputs, run)
  if (notice !== undefined) host.log.info(notice)
  sayWhereSecretsGo(inputs, run)

  try {
    const http = await openHttp(inputs, run)
    const token = await obtain(credential, { http, url: inputs.url })
    hideIssued(token, run)
    keepRefreshToken(token, host)
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
    throw error
  }
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

function hideIssued(token: AccessToken, run: Run): void {
  hide(travelingForms(token.token, [token.gitUsername]), run)
  if (token.refreshToken !== undefined) hide(travelingForms(token.refreshToken), run)
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

/** A stray variable must not send a secret astray unseen. */
function sayWhereSecretsGo(inputs: Inputs, { host, given }: Run): void {
  for (const name of ['url', 'api-url'] as const) {
    const usual = definitionOf(name).default ?? ''
    const { origin } = inputs[name]
    if (origin !== usual) host.log.info(`${given.nameOf(name)} is ${origin}, not ${usual}: secrets go there.`)
  }
}

/** The transport is loaded here, after the inputs have proved good: half of the start-up time is its. */
export async function openHttp(inputs: Inputs, { world, host }: Pick<Run, 'world' | 'host'>): Promise<Http> {
  const { send } = await import('../http/transport.ts')
  return createHttp({
    timeout: inputs.timeout * 1_000,
    retries: inputs.retries,
    world,
    transport: send,
    onRetry: (line) => host.log.info(line),
  })
}
