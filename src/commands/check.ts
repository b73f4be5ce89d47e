import { allowsGit, withImplied } from '../bitbucket/scopes.ts'
import type { CheckFormat } from '../command-line.ts'
import { requireScopes } from '../credentials/verify.ts'
import { TokenError } from '../errors.ts'
import { diagnoseGit } from '../git/diagnosis.ts'
import type { Inputs } from '../inputs.ts'
import { asJson, asText, type Findings } from './check-report.ts'
import { type Chosen, choose, type Held, obtainToken, type Run } from './credential.ts'

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
    const chosen = choose(run)
    refuseToSpend(chosen, run)
    findings = await investigate(chosen, run)
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

function refuseToSpend({ credential }: Chosen, { given }: Run): void {
  if (credential.kind !== 'refresh-token') return
  const [refreshToken, grant] = [given.nameOf('refresh-token'), given.nameOf('grant')]
  throw new TokenError(
    'input',
    'A refresh token cannot be checked without being spent: Bitbucket gives a new one with every use and drops the old one.',
    `To check the OAuth consumer alone, leave out ${refreshToken} or set ${grant} to client-credentials. Whether the refresh token works, only a run tells.`,
  )
}

/** Everything that can be found out, also where the credential turns out not to do what is demanded of it. */
async function investigate(chosen: Chosen, run: Run): Promise<Findings> {
  const { inputs } = chosen
  const { repository } = inputs
  const held = await obtainToken(chosen, run)
  const { token, http } = held
  const { checkCredential } = await import(/* webpackChunkName: "rest" */ '../bitbucket/rest.ts')
  const checked = await checkCredential(http, inputs['api-url'], token, undefined)
  const scopes = token.scopes ?? checked.scopes
  const problems: TokenError[] = []
  const succeeds = async (look: () => unknown): Promise<boolean> => {
    try {
      await look()
      return true
    } catch (error) {
      if (!(error instanceof TokenError) || error.exitStatus !== 4) throw error
      problems.push(error)
      return false
    }
  }
  await succeeds(() => requireScopes(inputs.scopes, scopes, token))
  const askedFor =
    repository === undefined
      ? undefined
      : {
          name: repository,
          readable: await succeeds(() => checkCredential(http, inputs['api-url'], token, repository)),
        }
  return {
    token,
    checked,
    scopes,
    ...endOf(held, run),
    repository: askedFor,
    notes: notesOn(token.kind, scopes),
    problems,
    git: diagnoseGit(gitAddressOf(inputs), run.world),
  }
}

/** The address for which git is asked. */
function gitAddressOf(inputs: Inputs): URL {
  const [path = ''] = inputs.repository === undefined ? inputs['git-path'] : [`${inputs.repository}.git`]
  return new URL(`/${path}`, inputs.url)
}

/** A token that an earlier run has exported ends when that run said; Bitbucket itself does not tell. */
function endOf(
  { token, expiresAt }: Held,
  { given, world }: Run,
): Pick<Findings, 'expiresAt' | 'endIsHearsay'> {
  if (expiresAt !== undefined || given.from !== 'variables' || token.kind !== 'access-token') {
    return { expiresAt, endIsHearsay: false }
  }
  const exported = Date.parse(world.env['BITBUCKET_TOKEN_EXPIRES_AT'] ?? '')
  return Number.isNaN(exported)
    ? { expiresAt, endIsHearsay: false }
    : { expiresAt: exported, endIsHearsay: true }
}

/** What surprises people about their scopes. */
function notesOn(kind: Chosen['credential']['kind'], scopes: Findings['scopes']): string[] {
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
