import { checkUrl } from '../bitbucket/rest.ts'
import { tokenEndpoint } from '../bitbucket/token-endpoint.ts'
import { type ChosenCredential, definitionOfKind, inputsOfKind } from '../credentials/index.ts'
import { mustAsk } from '../credentials/verify.ts'
import type { Inputs } from '../inputs.ts'
import { exportedVariableTable } from '../outputs.ts'
import type { Run } from '../run.ts'
import { parseStorePlace } from '../stores/place.ts'
import { choose } from './choose-credential.ts'
import { expiryFromUser } from './expiry.ts'

/** Shows what `acquire` would do with these inputs. Sends nothing and writes no file. */
export function dryRun(run: Run): void {
  const chosen = choose(run)
  const inputs = run.inputs()
  const rows = [
    ['Credential', credentialIn(chosen, run)],
    ...requestsFor(chosen, inputs).map((request) => ['Request', request]),
    ['Requires', requirementsIn(inputs)],
    ...expiresIn(chosen, run),
    ...savesIn(inputs, run),
    ['CI', run.hostName],
    ['Exports', exportsOf(inputs, run)],
    ['git', gitIn(inputs)],
    ['File', fileIn(inputs, run)],
    ['Limits', limitsIn(inputs)],
  ] as const
  const plan = rows.map(([name = '', text]) => `  ${name.padEnd(12)}${text}`)
  run.host.log.info(['The inputs are valid. This is what acquire would do:', ...plan].join('\n'))
  run.host.log.info('This was a dry run: nothing was sent, and no file was written.')
}

function credentialIn({ kind }: ChosenCredential, { rawInputs }: Run): string {
  const { label } = definitionOfKind(kind)
  return `${label}, from ${inputsOfKind(kind)
    .map((name) => rawInputs.nameOf(name))
    .join(', ')}`
}

function requestsFor({ kind }: ChosenCredential, inputs: Inputs): string[] {
  const check = `GET ${checkUrl(inputs['api-url'], inputs.repository)}`
  if (!definitionOfKind(kind).isIssued) {
    return [mustAsk(kind, false, inputs) ? check : 'none: the credential is not checked (verify: false)']
  }
  const grant = `POST ${tokenEndpoint(inputs.url)}`
  if (mustAsk(kind, true, inputs)) return [grant, check]
  // It depends on Bitbucket's answer, which may not include the scopes.
  return mustAsk(kind, false, inputs) ? [grant, `${check}, if the answer contains no scopes`] : [grant]
}

function requirementsIn({ scopes, repository }: Inputs): string {
  const required = [...scopes, ...(repository === undefined ? [] : [`reading ${repository}`])]
  return required.join(', ') || 'nothing: scopes and repository are not set'
}

function expiresIn({ kind }: ChosenCredential, run: Run): (readonly [string, string])[] {
  const expiry = expiryFromUser(kind, run)
  return expiry === undefined
    ? []
    : [['Expires', `${expiry.inWords}${expiry.isNear ? ', with a warning' : ''}`]]
}

function savesIn(inputs: Inputs, { rawInputs }: Run): (readonly [string, string])[] {
  const destination = inputs['save-refresh-token']
  if (destination === undefined) return []
  const { kind } = parseStorePlace(destination, rawInputs.nameOf('save-refresh-token'))
  return [['Saves', `the new refresh token, with: ${kind === 'command' ? 'a command' : destination}`]]
}

function exportsOf(inputs: Inputs, { host }: Run): string {
  if (!inputs['export-env']) return 'nothing (export-env: false)'
  const variables = Object.keys(exportedVariableTable).join(', ')
  return host.directory === undefined
    ? `${variables}, to later steps`
    : `${variables}, in the directory ${host.directory}`
}

function gitIn(inputs: Inputs): string {
  if (!inputs['configure-git'] || !inputs['export-env']) return 'is not configured'
  const ssh = inputs['rewrite-ssh-urls'] ? ', also for its SSH addresses' : ''
  const paths = inputs['git-path'].map((path) => `${inputs.url.origin}/${path}`)
  return `uses the credential for ${paths.join(', ') || inputs.url.origin}${ssh}`
}

function fileIn(inputs: Inputs, { host }: Run): string {
  if (!inputs['git-credentials']) return 'no git-credentials file (git-credentials: false)'
  return `git-credentials, in ${host.directory ?? 'a private directory that is removed when the job ends'}`
}

const limitsIn = ({ timeout, retries }: Inputs): string =>
  `${timeout} s overall, ${retries} retries per request`
