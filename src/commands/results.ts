import type { Credential } from '../bitbucket/credential.ts'
import { definitionOfKind } from '../credentials/index.ts'
import type { Results, Summary } from '../hosts/host.ts'
import type { exportedVariableTable, outputTable } from '../outputs.ts'
import type { Secret } from '../secret.ts'
import type { VerifiedCredential } from './credential.ts'
import type { ExpiryFromUser } from './expiry.ts'

/**
 * Returns the outputs of a step, by their names in action.yml. Unknown values are left out.
 * @param credentialsFile the path of the git-credentials file, if one was written
 */
export function outputsOf(
  { secret, tokenType, authorization, expiresIn, expiresAt, scopes, kind, gitUsername }: Credential,
  credentialsFile: string | undefined,
): Results['outputs'] {
  return known({
    'access-token': secret,
    'token-type': tokenType,
    authorization,
    'expires-in': expiresIn?.toString(),
    'expires-at': expiresAt === undefined ? undefined : isoTime(expiresAt),
    scopes: scopes?.join(' '),
    'credential-kind': kind,
    'git-username': gitUsername,
    'git-credentials-file': credentialsFile,
  } satisfies Partial<Record<keyof typeof outputTable, string | Secret | undefined>>)
}

/**
 * Returns the variables for later steps. A variable without a value is exported empty if an earlier run left a value in it,
 * because an old expiry next to a new token would be wrong.
 * @param credentialsFile the path of the git-credentials file, if one was written
 */
export function variablesOf(
  { secret, authorization, expiresAt, gitUsername }: Credential,
  credentialsFile: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Results['variables'] {
  const variables = {
    BITBUCKET_ACCESS_TOKEN: secret,
    BITBUCKET_AUTHORIZATION: authorization,
    BITBUCKET_TOKEN_EXPIRES_AT: expiresAt === undefined ? undefined : isoTime(expiresAt),
    BITBUCKET_GIT_USERNAME: gitUsername,
    BITBUCKET_GIT_CREDENTIALS_FILE: credentialsFile,
  } satisfies Record<keyof typeof exportedVariableTable, string | Secret | undefined>
  const leftover = Object.keys(variables).filter((name) => env[name])
  return new Map([...leftover.map((name) => [name, ''] as const), ...known(variables)])
}

/**
 * Returns what a person should know about a credential. It contains no secret.
 * @param now milliseconds since the epoch
 * @param expiry when the token expires, if the user has set `expires-on`
 */
export function summaryOf(
  credential: VerifiedCredential,
  now: number,
  expiry: ExpiryFromUser | undefined,
): Summary {
  const { kind, checked, scopes, expiresAt, expiryIsAssumed } = credential
  const { label } = definitionOfKind(kind)
  const rows = known({
    Kind: checked?.credentialType === undefined ? label : `${label} (${checked.credentialType})`,
    Account: accountIn(checked),
    Scopes: scopes === undefined ? undefined : scopes.join(', ') || 'none',
    Expires: expiresAt === undefined ? expiry?.inWords : expiryInWords(expiresAt, now, expiryIsAssumed),
  })
  return { heading: 'Bitbucket credential', rows: [...rows] }
}

/** Returns a summary as one line of a log. */
export const asOneLine = ({ heading, rows }: Summary): string =>
  `${heading}: ${rows.map((row) => row.join(' ')).join('; ')}.`

function accountIn(checked: VerifiedCredential['checked']): string | undefined {
  if (checked === undefined) return undefined
  if (checked.account !== undefined) return checked.account
  return checked.missing.length === 0
    ? undefined
    : `not shown: reading it needs ${checked.missing.join(', ')}`
}

/** Returns when a token expires: `in 2 hours (2026-11-21 12:00 UTC)`. */
export function expiryInWords(expiresAt: number, now: number, isAssumed: boolean): string {
  const minutes = Math.max(0, Math.round((expiresAt - now) / 60_000))
  const hours = Math.floor(minutes / 60)
  const words = [plural(hours, 'hour'), plural(minutes % 60, 'minute')].filter(Boolean).join(' ')
  const time = isoTime(expiresAt)
    .replace('T', ' ')
    .replace(/:\d\dZ$/, ' UTC')
  return `in ${words || 'less than a minute'} (${time})${isAssumed ? ' (assumed, because Bitbucket did not say)' : ''}`
}

const plural = (count: number, unit: string): string =>
  count === 0 ? '' : `${count} ${unit}${count === 1 ? '' : 's'}`

/** Returns a time as ISO 8601 in UTC, in whole seconds: 2026-11-21T10:45:00Z. */
export const isoTime = (time: number): string => new Date(time).toISOString().replace(/\.\d+Z$/, 'Z')

function known<T extends string | Secret>(values: Readonly<Record<string, T | undefined>>): Map<string, T> {
  return new Map(Object.entries(values).filter((entry): entry is [string, T] => entry[1] !== undefined))
}
