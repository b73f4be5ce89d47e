import type { Credential } from '../bitbucket/credential.ts'
import type { CheckResult } from '../bitbucket/rest.ts'
import { meaningOf } from '../bitbucket/scope-meanings.ts'
import { allowsGit, withImplied } from '../bitbucket/scopes.ts'
import { definitionOfKind } from '../credentials/index.ts'
import { cutLines, type TokenError } from '../errors.ts'
import type { GitDiagnosis } from '../git/diagnosis.ts'
import { logSafeJson, logSafeText } from '../log-safe.ts'
import type { Run } from '../run.ts'
import { painter } from '../terminal.ts'
import type { ExpiryFromUser } from './expiry.ts'
import { expiryInWords, isoTime } from './results.ts'

/** What `check` found out about a credential that Bitbucket accepts. */
export interface Findings {
  readonly credential: Credential
  readonly checked: CheckResult
  readonly scopes: readonly string[] | undefined
  /** Milliseconds since the epoch. */
  readonly expiresAt: number | undefined
  /** Whether the expiry comes from an earlier run, and not from Bitbucket. */
  readonly isExpiryFromVariable: boolean
  /** The expiry that the user has set in `expires-on`. */
  readonly expiry: ExpiryFromUser | undefined
  readonly repository: { readonly name: string; readonly readable: boolean } | undefined
  /** Useful facts that are not problems. */
  readonly notes: readonly string[]
  /** What the job requires and the credential lacks. */
  readonly problems: readonly TokenError[]
  /** What git would do here. It does not affect the exit status. */
  readonly git: GitDiagnosis
}

/** Returns the report for a person. */
export function asText(findings: Findings, { world, redactor }: Run): string {
  const paint = painter(world, 'stdout')
  const heading = (text: string) => paint('bold', text)
  const { notes, problems } = findings
  const verdict =
    problems.length === 0
      ? paint('green', 'The credential works.')
      : paint('yellow', 'Bitbucket accepts the credential, but it lacks something that the job requires.')
  const sections = [
    verdict,
    table(factsIn(findings, world.now())),
    ...scopeSections(findings, heading),
    ...gitSection(findings, heading),
    ...(notes.length === 0
      ? []
      : [`${heading('Good to know')}\n${logSafeText(notes.map((note) => `  - ${note}`).join('\n'))}`]),
  ]
  return cutLines(redactor.clean(`${sections.join('\n\n')}\n`))
}

function factsIn(findings: Findings, now: number): [string, string][] {
  const { credential, checked, scopes, repository } = findings
  const facts: [string, string][] = [
    ['Kind', `${definitionOfKind(credential.kind).label}${typeInWords(checked.credentialType)}`],
    ['Account', accountInWords(checked)],
    ['Expires', endInWords(findings, now)],
  ]
  if (scopes !== undefined) {
    const may = (operation: 'clone' | 'push') =>
      `${allowsGit(operation, scopes) ? 'may' : 'may not'} ${operation}`
    facts.push(['git', `${may('clone')}, ${may('push')}; user name ${credential.gitUsername}`])
  }
  if (repository !== undefined) {
    facts.push(['Repository', `${repository.name}: ${repository.readable ? 'readable' : 'not readable'}`])
  }
  return facts
}

const types: Readonly<Record<string, string>> = {
  repo_access_token: ' of a repository',
  project_access_token: ' of a project',
  workspace_access_token: ' of a workspace',
  api_token: '',
}

function typeInWords(type: string | undefined): string {
  if (type === undefined) return ''
  return Object.hasOwn(types, type) ? (types[type] ?? '') : ` (${type})`
}

function accountInWords({ account, accountType, credentialType, missing }: CheckResult): string {
  if (account === undefined) {
    // Whatever its scopes, because Bitbucket makes a bot for each of these tokens.
    if (/^(repo|project)_access_token$/.test(credentialType ?? '')) return 'none: it belongs to no person'
    return missing.length === 0
      ? 'Bitbucket does not say'
      : `not shown: reading it needs the scope ${missing.join(', ')}`
  }
  if (accountType === 'user') return `${account} (a person)`
  return accountType === 'app_user' ? `${account} (an app, not a person)` : account
}

function endInWords(
  { credential, checked, expiresAt, isExpiryFromVariable, expiry }: Findings,
  now: number,
): string {
  if (expiry !== undefined) return expiry.inWords
  if (expiresAt !== undefined) {
    const words = expiryInWords(expiresAt, now, credential.expiryIsAssumed)
    return isExpiryFromVariable ? `${words}, according to BITBUCKET_TOKEN_EXPIRES_AT` : words
  }
  return definitionOfKind(credential.kind).usualExpiry?.(checked.credentialType) ?? 'Bitbucket does not say'
}

/** Returns the section on git, or nothing if no earlier run has configured git here. */
function gitSection({ git }: Findings, heading: (text: string) => string): string[] {
  if (!git.isConfigured) return []
  const problems = git.problems.map(({ message, nextStep }) => `\n  - ${message} ${nextStep}`)
  const facts = table([
    ['Version', git.version ?? 'not found'],
    ['Credential', `git ${git.isIntact ? 'finds it' : 'does not find it'} for ${git.url}`],
  ])
  return [`${heading('git in this environment')}\n${logSafeText(`${facts}${problems.join('')}`)}`]
}

function scopeSections({ scopes }: Findings, heading: (text: string) => string): string[] {
  if (scopes === undefined) return [`${heading('Scopes')}\n  Bitbucket does not say.`]
  const explain = (names: readonly string[]) =>
    table(names.map((scope) => [scope, meaningOf(scope) ?? 'unknown to this version'] as const))
  const implied = impliedBy(scopes)
  return [
    ...(scopes.length === 0 ? [] : [`${heading('Scopes')}\n${explain(scopes)}`]),
    ...(implied.length === 0 ? [] : [`${heading('Scopes that these include')}\n${explain(implied)}`]),
  ]
}

const impliedBy = (scopes: readonly string[]): string[] =>
  [...withImplied(scopes)].filter((scope) => !scopes.includes(scope))

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length))
  return logSafeText(rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`).join('\n'))
}

/**
 * Returns the report for a script: one JSON object on one line. A value that is not known is null.
 * @param findings undefined if the credential could not be examined
 */
export function asJson(
  findings: Findings | undefined,
  problems: readonly TokenError[],
  { redactor }: Run,
): string {
  const answer = {
    ok: problems.length === 0,
    ...(findings !== undefined && factsForScripts(findings)),
    problems: problems.map(({ code, message, nextStep }) => ({ code, message, next_step: nextStep })),
  }
  // String by string, because JSON escapes a secret that contains a quote.
  const clean = (_: string, value: unknown) =>
    typeof value === 'string' ? cutLines(redactor.clean(value)) : value
  return `${logSafeJson(answer, clean)}\n`
}

function factsForScripts(findings: Findings): object {
  const { credential, checked, scopes, expiresAt, expiry, repository, notes, git } = findings
  return {
    credential_kind: credential.kind,
    credential_type: checked.credentialType ?? null,
    token_type: credential.tokenType,
    account:
      checked.account === undefined ? null : { name: checked.account, type: checked.accountType ?? null },
    git_username: credential.gitUsername,
    expires_at: expiresAt === undefined ? null : isoTime(expiresAt),
    expires_on: expiry?.day ?? null,
    scopes: scopes ?? null,
    implied_scopes: scopes === undefined ? null : impliedBy(scopes),
    may_clone: scopes === undefined ? null : allowsGit('clone', scopes),
    may_push: scopes === undefined ? null : allowsGit('push', scopes),
    repository: repository ?? null,
    notes,
    git: {
      version: git.version ?? null,
      url: git.url,
      configured: git.isConfigured,
      intact: git.isIntact ?? null,
      problems: git.problems.map(({ message, nextStep }) => ({ message, next_step: nextStep })),
    },
  }
}
