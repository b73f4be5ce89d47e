import type { AccessToken } from '../bitbucket/credential.ts'
import type { Results, Summary } from '../hosts/host.ts'
import type { exportedVariableTable, outputTable } from '../outputs.ts'
import type { Secret } from '../secret.ts'
import type { Obtained } from './credential.ts'

/** All that a run has to hand over. */
export interface Acquired extends Obtained {
  /** The git-credentials file, where one was written. */
  readonly credentialsFile: string | undefined
}

/** The outputs of a step, by the names in action.yml. What is not known is left out. */
export function outputsOf({ token, scopes, expiresAt, credentialsFile }: Acquired): Results['outputs'] {
  return known({
    'access-token': token.token,
    'token-type': token.tokenType,
    authorization: token.authorization,
    'expires-in': token.expiresIn?.toString(),
    'expires-at': expiresAt === undefined ? undefined : isoTime(expiresAt),
    scopes: scopes?.join(' '),
    'credential-kind': token.kind,
    'git-username': token.gitUsername,
    'git-credentials-file': credentialsFile,
  } satisfies Partial<Record<keyof typeof outputTable, string | Secret | undefined>>)
}

/**
 * The variables for later steps. One that this run knows nothing for is exported empty where an earlier run left
 * a value in it: an old expiry beside a new token would be a lie.
 */
export function variablesOf(
  { token, expiresAt, credentialsFile }: Acquired,
  env: Readonly<Record<string, string | undefined>>,
): Results['variables'] {
  const variables = {
    BITBUCKET_ACCESS_TOKEN: token.token,
    BITBUCKET_AUTHORIZATION: token.authorization,
    BITBUCKET_TOKEN_EXPIRES_AT: expiresAt === undefined ? undefined : isoTime(expiresAt),
    BITBUCKET_GIT_USERNAME: token.gitUsername,
    BITBUCKET_GIT_CREDENTIALS_FILE: credentialsFile,
  } satisfies Record<keyof typeof exportedVariableTable, string | Secret | undefined>
  const leftover = Object.keys(variables).filter((name) => env[name])
  return new Map([...leftover.map((name) => [name, ''] as const), ...known(variables)])
}

/** What a person is told: never a secret, and nothing that only a machine wants. */
export function summaryOf({ token, check, scopes, expiresAt }: Obtained, now: number): Summary {
  const rows = known({
    Kind:
      check?.credentialType === undefined
        ? kinds[token.kind]
        : `${kinds[token.kind]} (${check.credentialType})`,
    Account: accountIn(check),
    Scopes: scopes === undefined ? undefined : scopes.join(', ') || 'none',
    Expires: expiresAt === undefined ? undefined : expiryInWords(expiresAt, now, token.expiryIsAssumed),
  })
  return { heading: 'Bitbucket credential', rows: [...rows] }
}

/** A summary as one line of a log. */
export const sayInOneLine = ({ heading, rows }: Summary): string =>
  `${heading}: ${rows.map((row) => row.join(' ')).join('; ')}.`

/** The kinds of credential, for people. */
export const kinds: Readonly<Record<AccessToken['kind'], string>> = {
  'client-credentials': 'OAuth client credentials',
  'refresh-token': 'OAuth refresh token',
  jwt: 'Connect app',
  'api-token': 'API token',
  'access-token': 'access token',
}

function accountIn(check: Obtained['check']): string | undefined {
  if (check === undefined) return undefined
  if (check.account !== undefined) return check.account
  return check.missing.length === 0 ? undefined : `not shown: reading it needs ${check.missing.join(', ')}`
}

/** `in 2 hours (2026-11-21 12:00 UTC)` */
export function expiryInWords(expiresAt: number, now: number, isAssumed: boolean): string {
  const minutes = Math.max(0, Math.round((expiresAt - now) / 60_000))
  const hours = Math.floor(minutes / 60)
  const words = [plural(hours, 'hour'), plural(minutes % 60, 'minute')].filter(Boolean).join(' ')
  const time = isoTime(expiresAt)
    .replace('T', ' ')
    .replace(/:\d\dZ$/, ' UTC')
  return `in ${words || 'less than a minute'} (${time})${isAssumed ? '; assumed, Bitbucket did not say' : ''}`
}

const plural = (count: number, unit: string): string =>
  count === 0 ? '' : `${count} ${unit}${count === 1 ? '' : 's'}`

/** ISO 8601 in UTC, whole seconds: 2026-11-21T10:45:00Z. */
export const isoTime = (time: number): string => new Date(time).toISOString().replace(/\.\d+Z$/, 'Z')

function known<T extends string | Secret>(values: Readonly<Record<string, T | undefined>>): Map<string, T> {
  return new Map(Object.entries(values).filter((entry): entry is [string, T] => entry[1] !== undefined))
}
