import type { Credential, CredentialKind } from '../bitbucket/credential.ts'
import type { CheckedCredential } from '../bitbucket/rest.ts'
import { allowsGit, withImplied } from '../bitbucket/scopes.ts'
import type { CheckFormat } from '../command-line.ts'
import type { GivenCredential } from '../credentials/index.ts'
import { loadRestApi, requireScopes } from '../credentials/verify.ts'
import { TokenError } from '../errors.ts'
import { diagnoseGit } from '../git/diagnosis.ts'
import type { Inputs } from '../inputs.ts'
import { openHttp, type Run } from '../run.ts'
import { asJson, asText, type Findings } from './check-report.ts'
import { choose, obtainCredential } from './credential.ts'

/**
 * What this credential is, what it may do, until when, and what is wrong with it. Changes nothing: a token that a
 * check of client credentials gets is used for that and forgotten, and a refresh token is not spent.
 *
 * The answer goes to stdout. What is wrong is also an error, so it decides the exit status.
 */
export async function check(run: Run, format: CheckFormat): Promise<void> {
  const { world } = run
  let findings: Findings
  try {
    const given = choose(run)
    refuseToSpend(given, run)
    findings = await investigate(given, run)
  } catch (error) {
    if (format === 'json' && error instanceof TokenError) world.stdout(asJson(undefined, [error], run))
    throw error
  }
  const { problems } = findings
  world.stdout(format === 'json' ? asJson(findings, problems, run) : asText(findings, run))
  const last = problems.at(-1)
  if (last === undefined) return
  for (const { message, nextStep } of problems.slice(0, -1)) run.host.log.error(`${message}\n${nextStep}`)
  throw last
}

function refuseToSpend({ kind }: GivenCredential, { given }: Run): void {
  if (kind !== 'refresh-token') return
  const [refreshToken, grant] = [given.nameOf('refresh-token'), given.nameOf('grant')]
  throw new TokenError(
    'input',
    'A refresh token cannot be checked without being spent: Bitbucket gives a new one with every use and drops the old one.',
    `To check the OAuth consumer alone, leave out ${refreshToken} or set ${grant} to client-credentials. Whether the refresh token works, only a run tells.`,
  )
}

/**
 * Everything that can be found out, also if the credential does not do what is demanded of it. If a repository is named, its
 * answer decides, as in `acquire`, and the account is only looked up for the report: access tokens have none.
 */
async function investigate(given: GivenCredential, run: Run): Promise<Findings> {
  const inputs = run.inputs()
  const { repository } = inputs
  const http = await openHttp(run)
  const credential = await obtainCredential({ given, http }, run)
  const { checkCredential } = await loadRestApi()
  const ask = (about: string | undefined) => checkCredential(http, inputs['api-url'], credential, about)
  const problems: TokenError[] = []
  const unlessProblem = async <T>(look: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await look()
    } catch (error) {
      if (!(error instanceof TokenError) || error.exitStatus !== 4) throw error
      problems.push(error)
      return undefined
    }
  }
  const reading = repository === undefined ? undefined : await unlessProblem(() => ask(repository))
  const { account, notes } =
    repository === undefined ? await accountIn(ask, run) : await accountIfShown(ask, reading)
  const scopes = credential.scopes ?? (reading ?? account).scopes
  await unlessProblem(async () =>
    requireScopes(
      inputs.scopes,
      scopes,
      credential.kind,
      repository === undefined ? 'account' : 'repository',
    ),
  )
  return {
    credential,
    checked: { ...account, credentialType: account.credentialType ?? reading?.credentialType },
    scopes,
    ...endOf(credential, run),
    repository: repository === undefined ? undefined : { name: repository, readable: reading !== undefined },
    notes: [...notes, ...notesOn(credential.kind, scopes)],
    // The repository's comes last: the last one is how the run ends, as in acquire.
    problems: problems.toReversed(),
    git: diagnoseGit(gitAddressOf(inputs), run.world),
  }
}

type Ask = (repository: string | undefined) => Promise<CheckedCredential>

interface LookedUp {
  readonly account: CheckedCredential
  readonly notes: readonly string[]
}

/** The account, whose answer decides because no repository is named. */
async function accountIn(ask: Ask, { host }: Run): Promise<LookedUp> {
  const account = await ask(undefined)
  if (account.doubt === undefined) return { account, notes: [] }
  host.log.warning(account.doubt)
  return { account, notes: [account.doubt] }
}

/** The account, if Bitbucket shows it: a repository has decided already. */
async function accountIfShown(ask: Ask, reading: CheckedCredential | undefined): Promise<LookedUp> {
  try {
    return { account: await ask(undefined), notes: [] }
  } catch (error) {
    if (!(error instanceof TokenError) || error.code === 'interrupted') throw error
    const none = { account: undefined, accountType: undefined, missing: [], doubt: undefined }
    const account = { scopes: undefined, credentialType: undefined, ...reading, ...none }
    return { account, notes: [`Bitbucket does not show the account: ${error.message}`] }
  }
}

/** The address for which git is asked. */
function gitAddressOf(inputs: Inputs): URL {
  const [path = ''] = inputs.repository === undefined ? inputs['git-path'] : [`${inputs.repository}.git`]
  return new URL(`/${path}`, inputs.url)
}

/** A token that an earlier run has exported ends when that run said; Bitbucket itself does not tell. */
function endOf(
  { kind, expiresAt }: Credential,
  { given, world }: Run,
): Pick<Findings, 'expiresAt' | 'endIsHearsay'> {
  if (expiresAt !== undefined || given.from !== 'variables' || kind !== 'access-token') {
    return { expiresAt, endIsHearsay: false }
  }
  const exported = Date.parse(world.env['BITBUCKET_TOKEN_EXPIRES_AT'] ?? '')
  return Number.isNaN(exported)
    ? { expiresAt, endIsHearsay: false }
    : { expiresAt: exported, endIsHearsay: true }
}

/** What surprises people about their scopes. */
function notesOn(kind: CredentialKind, scopes: Findings['scopes']): string[] {
  const notes: string[] = []
  if (scopes === undefined) return notes
  const covered = withImplied(scopes)
  if (scopes.length === 0) notes.push('It has no scopes, so it may do next to nothing.')
  if (kind === 'api-token') {
    if (allowsGit('push', scopes) && !allowsGit('clone', scopes)) {
      notes.push(
        'It may push, but not clone or fetch: scopes of API tokens imply nothing, so write needs read beside it.',
      )
    }
  } else if (covered.has('repository:admin') && !covered.has('repository')) {
    notes.push('repository:admin brings neither read nor write access to the code.')
  }
  if (allowsGit('push', scopes)) {
    notes.push(
      'Scopes are the most it may do: permissions of its account and restrictions of a branch may forbid a push all the same.',
    )
  }
  return notes
}
