import type { Credential } from '../bitbucket/credential.ts'
import type { CheckResult } from '../bitbucket/rest.ts'
import { allowsGit, withImplied } from '../bitbucket/scopes.ts'
import type { CheckFormat } from '../command-line.ts'
import { type ChosenCredential, definitionOfKind, spendsRefreshToken } from '../credentials/index.ts'
import { askBitbucket, requireScopes } from '../credentials/verify.ts'
import { TokenError } from '../errors.ts'
import { diagnoseGit } from '../git/diagnosis.ts'
import type { Inputs } from '../inputs.ts'
import type { Run } from '../run.ts'
import { asJson, asText, type Findings } from './check-report.ts'
import { choose } from './choose-credential.ts'
import { obtainCredential } from './credential.ts'
import { checkAndWarnOfExpiry, expiryFromUser } from './expiry.ts'
import { httpFor } from './requests.ts'

/**
 * Reports what a credential is, what it may do, when it expires and what is wrong with it. It changes nothing: it uses a
 * token from client credentials only for the check, and does not use up a refresh token.
 *
 * The report goes to stdout. Each problem is also an error, which decides the exit status.
 */
export async function check(run: Run, format: CheckFormat): Promise<void> {
  const { world } = run
  let findings: Findings
  try {
    const chosen = choose(run)
    refuseToSpend(chosen, run)
    findings = await checkAndWarnOfExpiry(chosen.kind, run, () => investigate(chosen, run))
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

function refuseToSpend({ kind }: ChosenCredential, { rawInputs, inputs }: Run): void {
  if (!spendsRefreshToken(kind)) return
  const isGiven = inputs()['refresh-token'] !== undefined
  const refreshToken = rawInputs.nameOf(isGiven ? 'refresh-token' : 'save-refresh-token')
  const grant = rawInputs.nameOf('grant')
  throw new TokenError(
    'input',
    'A refresh token cannot be checked, because Bitbucket replaces it with a new one each time it is used.',
    `To check only the OAuth client, remove ${refreshToken} or set ${grant} to client-credentials. Only a real run shows whether the refresh token works.`,
  )
}

/**
 * Finds out everything it can, even if the credential lacks something that the job requires. If a repository is named,
 * Bitbucket's answer about it decides, as in `acquire`. The account is then looked up only for the report, and may be missing:
 * access tokens have no account.
 */
async function investigate(chosen: ChosenCredential, run: Run): Promise<Findings> {
  const inputs = run.inputs()
  const { repository } = inputs
  const http = await httpFor(run)
  const credential = await obtainCredential({ chosen, http }, run)
  const ask = (about: string | undefined) => askBitbucket(credential, about, http, inputs['api-url'])
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
  const expiry = expiryFromUser(credential.kind, run)
  return {
    credential,
    checked: { ...account, credentialType: account.credentialType ?? reading?.credentialType },
    scopes,
    ...expiryOf(credential, run),
    repository: repository === undefined ? undefined : { name: repository, readable: reading !== undefined },
    expiry,
    notes: [
      ...notes,
      ...notesOn(scopes),
      ...(expiry?.isNear ? [`${expiry.message} ${expiry.nextStep}`] : []),
    ],
    // The problem with the repository comes last, because the last one decides the exit status, as in acquire.
    problems: problems.toReversed(),
    git: diagnoseGit(gitAddressOf(inputs), run.world),
  }
}

type Ask = (repository: string | undefined) => Promise<CheckResult>

interface LookedUp {
  readonly account: CheckResult
  readonly notes: readonly string[]
}

/** Reads the account. Its answer decides, because no repository is named. */
async function accountIn(ask: Ask, { host }: Run): Promise<LookedUp> {
  const account = await ask(undefined)
  if (account.doubt === undefined) return { account, notes: [] }
  host.log.warning(account.doubt)
  return { account, notes: [account.doubt] }
}

/** Reads the account if Bitbucket shows it. An error does not matter, because the repository has already decided. */
async function accountIfShown(ask: Ask, reading: CheckResult | undefined): Promise<LookedUp> {
  try {
    return { account: await ask(undefined), notes: [] }
  } catch (error) {
    if (!(error instanceof TokenError) || error.code === 'interrupted') throw error
    const none = { account: undefined, accountType: undefined, missing: [], doubt: undefined }
    const account = { scopes: undefined, credentialType: undefined, ...reading, ...none }
    return { account, notes: [`Bitbucket does not show the account: ${error.message}`] }
  }
}

/** Returns the address that git is asked about. */
function gitAddressOf(inputs: Inputs): URL {
  const [path = ''] = inputs.repository === undefined ? inputs['git-path'] : [`${inputs.repository}.git`]
  return new URL(`/${path}`, inputs.url)
}

/** Returns when the token expires. For a token that an earlier run exported, BITBUCKET_TOKEN_EXPIRES_AT says it. */
function expiryOf(
  { kind, expiresAt }: Credential,
  { rawInputs, world }: Run,
): Pick<Findings, 'expiresAt' | 'isExpiryFromVariable'> {
  const mayBeExported = rawInputs.from === 'variables' && definitionOfKind(kind).isExported
  const exported = Date.parse(world.env['BITBUCKET_TOKEN_EXPIRES_AT'] ?? '')
  return expiresAt === undefined && mayBeExported && !Number.isNaN(exported)
    ? { expiresAt: exported, isExpiryFromVariable: true }
    : { expiresAt, isExpiryFromVariable: false }
}

/** Returns notes on scopes that often surprise users. */
function notesOn(scopes: Findings['scopes']): string[] {
  if (scopes === undefined) return []
  const notes: string[] = []
  const covered = withImplied(scopes)
  if (scopes.length === 0) notes.push('It has no scopes, so it can do almost nothing.')
  // Only the scopes of an API token can be like this.
  if (allowsGit('push', scopes) && !allowsGit('clone', scopes)) {
    notes.push(
      'It may push, but not clone or fetch, because the scopes of API tokens imply nothing. Add the read scope to the write scope.',
    )
  }
  if (covered.has('repository:admin') && !covered.has('repository')) {
    notes.push('repository:admin does not include read or write access to the code.')
  }
  if (allowsGit('push', scopes)) {
    notes.push(
      'Scopes are an upper limit: the permissions of the account and the restrictions of a branch may still forbid a push.',
    )
  }
  return notes
}
