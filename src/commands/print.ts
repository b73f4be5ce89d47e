import type { PrintFormat } from '../command-line.ts'
import { TokenError } from '../errors.ts'
import { writeData } from '../hosts/data.ts'
import { bareLine, dotenv, jsonLine, netrc, powershell } from '../hosts/formats.ts'
import type { Secret } from '../secret.ts'
import {
  type Chosen,
  chooseToSpend,
  gitConfigurationOf,
  type Obtained,
  obtainCredential,
  type Run,
} from './credential.ts'
import { isoTime, sayInOneLine, summaryOf, variablesOf } from './results.ts'

/**
 * Writes only the credential to stdout, so that `TOKEN=$(bitbucket-token print)` works. It writes no file. It also writes no
 * mask, because the mask would be part of the data.
 */
export async function print(run: Run, format: PrintFormat): Promise<void> {
  const { host, world } = run
  const chosen = await chooseToSpend(run)
  refuseToLose(chosen, format, run)
  if (world.isTerminal('stdout')) {
    host.log.warning(
      'stdout is a terminal, so the secret will be visible. Use TOKEN=$(bitbucket-token print) instead.',
    )
  }
  const obtained = await obtainCredential(chosen, run, () => {})
  const data = await formatted(format, obtained, chosen, run)
  host.log.info(sayInOneLine(summaryOf(obtained, world.now())))
  try {
    writeData(world, data)
  } catch (error) {
    throw obtained.unsaved ?? error
  }
  if (obtained.unsaved !== undefined) throw obtained.unsaved
}

/**
 * Rejects a refresh token if the format has no field for the new one. Each use replaces the refresh token, so the new one
 * would be lost.
 */
function refuseToLose({ credential, rotation }: Chosen, format: PrintFormat, { given }: Run): void {
  if (credential.kind !== 'refresh-token' || rotation !== undefined || format === 'json') return
  throw new TokenError(
    'input',
    `Bitbucket replaces the refresh token in ${given.nameOf('refresh-token')} with a new one, but --format ${format} has no field for it. The new token would be lost, and the next run would fail.`,
    'Use --format json and store its refresh_token, or set save-refresh-token, or use the command acquire. Client credentials need no refresh token.',
  )
}

async function formatted(
  format: PrintFormat,
  obtained: Obtained,
  chosen: Chosen,
  { world }: Run,
): Promise<Secret> {
  const { token, expiresAt, scopes } = obtained
  const variables = variablesOf({ ...obtained, credentialsFile: undefined }, world.env)
  const git = await gitConfigurationOf(obtained, chosen.inputs, world)
  switch (format) {
    case 'token':
      return bareLine(token.token)
    case 'authorization':
      return bareLine(token.authorization)
    case 'sh': {
      const { shellScript } = await import(/* webpackChunkName: "hosts" */ '../hosts/output-directory.ts')
      return shellScript(new Map([...variables, ...git.variables]), git.entries)
    }
    case 'powershell':
      return powershell(new Map([...variables, ...git.variables]), git.entries)
    case 'dotenv':
      // Not the header, because it contains a space: `. file` would run its second word as a command and show it.
      return dotenv(new Map([...variables].filter(([name]) => name !== 'BITBUCKET_AUTHORIZATION')))
    case 'json':
      return jsonLine({
        access_token: token.token,
        token_type: token.tokenType,
        authorization: token.authorization,
        expires_in: token.expiresIn,
        expires_at: expiresAt === undefined ? undefined : isoTime(expiresAt),
        scopes,
        credential_kind: token.kind,
        git_username: token.gitUsername,
        refresh_token: token.refreshToken,
      })
    case 'netrc':
      return netrc(netrcEntries(obtained, chosen))
  }
}

/** Returns an entry for each host, because git and REST need different user names with an API token. */
function netrcEntries({ token }: Obtained, { inputs, credential }: Chosen) {
  const restUser = credential.kind === 'api-token' ? credential.email : token.gitUsername
  return [
    { machine: inputs.url.hostname, login: token.gitUsername, password: token.token },
    { machine: inputs['api-url'].hostname, login: restUser, password: token.token },
  ]
}
