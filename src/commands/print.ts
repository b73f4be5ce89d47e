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
 * The credential on stdout and nothing else there, so that `TOKEN=$(bitbucket-token print)` works. No file is
 * written, and no mask: it would be part of the data.
 */
export async function print(run: Run, format: PrintFormat): Promise<void> {
  const { host, world } = run
  const chosen = await chooseToSpend(run)
  refuseToLose(chosen, format, run)
  if (world.isTerminal('stdout')) {
    host.log.warning(
      'stdout is a terminal: the secret will stand on it. Better: TOKEN=$(bitbucket-token print)',
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

/** A refresh token is spent by its use, and only JSON has a place for the one that Bitbucket gives for it. */
function refuseToLose({ credential, rotation }: Chosen, format: PrintFormat, { given }: Run): void {
  if (credential.kind !== 'refresh-token' || rotation !== undefined || format === 'json') return
  throw new TokenError(
    'input',
    `Bitbucket gives a new refresh token for the one in ${given.nameOf('refresh-token')}, and --format ${format} has no place for it: it would be lost, and the next run refused.`,
    'Use --format json, whose refresh_token is the new one, and store that; or say where it goes (save-refresh-token); or use the verb acquire; or client credentials, which need no refresh token.',
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
      // The header has a space in it: `. file` would run its second word as a command, and show it.
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

/** git and REST take an API token with different user names, so each host has its own entry. */
function netrcEntries({ token }: Obtained, { inputs, credential }: Chosen) {
  const restUser = credential.kind === 'api-token' ? credential.email : token.gitUsername
  return [
    { machine: inputs.url.hostname, login: token.gitUsername, password: token.token },
    { machine: inputs['api-url'].hostname, login: restUser, password: token.token },
  ]
}
