import { tokenEndpoint } from '../bitbucket/token-endpoint.ts'
import { needs } from '../credentials/choose.ts'
import { isTakenAsGiven, mustAsk } from '../credentials/verify.ts'
import { exportedVariableTable } from '../outputs.ts'
import { type Chosen, choose, type Run } from './credential.ts'
import { kinds } from './results.ts'

/** Shows what `acquire` would do with these inputs. Sends nothing and writes no file. */
export async function dryRun(run: Run): Promise<void> {
  const chosen = choose(run)
  const rows = [
    ['Credential', credentialIn(chosen, run)],
    ...(await requestsFor(chosen)).map((request) => ['Request', request]),
    ['Demands', demandsIn(chosen)],
    ...(await savesIn(chosen, run)),
    ['CI', run.hostName],
    ['Exports', exportsOf(chosen, run)],
    ['git', gitIn(chosen)],
    ['File', fileIn(chosen, run)],
    ['Limits', limitsIn(chosen)],
  ] as const
  const plan = rows.map(([name = '', text]) => `  ${name.padEnd(12)}${text}`)
  run.host.log.info(['The inputs are valid. This is what acquire would do:', ...plan].join('\n'))
  run.host.log.info('This was a dry run: nothing was sent, and no file was written.')
}

const credentialIn = ({ credential }: Chosen, { given }: Run): string =>
  `${kinds[credential.kind]}, from ${needs[credential.kind].map((name) => given.nameOf(name)).join(', ')}`

async function requestsFor({ inputs, credential: { kind } }: Chosen): Promise<string[]> {
  const { checkUrl } = await import(/* webpackChunkName: "rest" */ '../bitbucket/rest.ts')
  const check = `GET ${checkUrl(inputs['api-url'], inputs.repository)}`
  if (isTakenAsGiven(kind)) {
    return [mustAsk(kind, false, inputs) ? check : 'none: the credential is not checked (verify: false)']
  }
  const grant = `POST ${tokenEndpoint(inputs.url)}`
  if (mustAsk(kind, true, inputs)) return [grant, check]
  // It depends on Bitbucket's answer, which may not include the scopes.
  return mustAsk(kind, false, inputs) ? [grant, `${check}, if the answer contains no scopes`] : [grant]
}

function demandsIn({ inputs: { scopes, repository } }: Chosen): string {
  const demands = [...scopes, ...(repository === undefined ? [] : [`reading ${repository}`])]
  return demands.join(', ') || 'none: no scopes and no repository are given'
}

async function savesIn({ inputs }: Chosen, { given }: Run): Promise<(readonly [string, string])[]> {
  const destination = inputs['save-refresh-token']
  if (destination === undefined) return []
  const { parseStorePlace } = await import(/* webpackChunkName: "stores" */ '../stores/place.ts')
  const { kind } = parseStorePlace(destination, given.nameOf('save-refresh-token'))
  return [['Saves', `the new refresh token, with: ${kind === 'command' ? 'a command' : destination}`]]
}

function exportsOf({ inputs }: Chosen, { host }: Run): string {
  if (!inputs['export-env']) return 'nothing (export-env: false)'
  const variables = Object.keys(exportedVariableTable).join(', ')
  return host.directory === undefined
    ? `${variables}, to later steps`
    : `${variables}, in the directory ${host.directory}`
}

function gitIn({ inputs }: Chosen): string {
  if (!inputs['configure-git'] || !inputs['export-env']) return 'is not configured'
  const ssh = inputs['rewrite-ssh-urls'] ? ', also for its SSH addresses' : ''
  const paths = inputs['git-path'].map((path) => `${inputs.url.origin}/${path}`)
  return `uses the credential for ${paths.join(', ') || inputs.url.origin}${ssh}`
}

function fileIn({ inputs }: Chosen, { host }: Run): string {
  if (!inputs['git-credentials']) return 'no git-credentials file (git-credentials: false)'
  return `git-credentials, in ${host.directory ?? 'a private directory that is removed when the job ends'}`
}

const limitsIn = ({ inputs: { timeout, retries } }: Chosen): string =>
  `${timeout} s overall, ${retries} retries per request`
