import type { Credential } from '../bitbucket/credential.ts'
import type { PrintFormat } from '../command-line.ts'
import { TokenError } from '../errors.ts'
import { writeData } from '../hosts/data.ts'
import { bareLine, dotenv, jsonLine, netrc, powershell } from '../hosts/formats.ts'
import { otherHosts } from '../hosts/index.ts'
import type { Run } from '../run.ts'
import type { Secret } from '../secret.ts'
import { type Chosen, chooseToSpend, gitConfigurationOf, obtainCredential, verify } from './credential.ts'
import { storedExpiry } from './expiry.ts'
import { isoTime, sayInOneLine, summaryOf, variablesOf } from './results.ts'

/**
 * Writes only the credential to stdout, so that `TOKEN=$(bitbucket-token print)` works. It writes no file. It also writes no
 * mask command to stdout, because the mask command would become part of the data.
 */
export async function print(run: Run, format: PrintFormat): Promise<void> {
  const { host, world } = run
  const chosen = await chooseToSpend(run)
  refuseToLose(chosen, format, run)
  if (world.isTerminal('stdout')) {
    host.log.warning(
      'stdout is a terminal, so the secret will be visible. To hide it, use TOKEN=$(bitbucket-token print).',
    )
  }
  const credential = await verify(await obtainCredential(chosen, run), chosen.http, run)
  const data = await formatted(format, credential, run)
  host.log.info(sayInOneLine(summaryOf(credential, world.now(), storedExpiry(credential.kind, run))))
  writeData(world, data)
}

/** Refuses a format that would lose the new refresh token, because each use spends the old one. */
function refuseToLose({ given: credential, rotation }: Chosen, format: PrintFormat, { given }: Run): void {
  if (credential.kind !== 'refresh-token' || rotation !== undefined || format === 'json') return
  throw new TokenError(
    'input',
    `Bitbucket replaces the refresh token in ${given.nameOf('refresh-token')} with a new one, and --format ${format} cannot print it. It would be lost, and Bitbucket would refuse the next run.`,
    [
      'Do one of these:',
      '- Use --format json and save its refresh_token.',
      '- Name a store in save-refresh-token.',
      '- Use the command acquire.',
      '- Use client credentials, which need no refresh token.',
    ].join('\n'),
  )
}

async function formatted(format: PrintFormat, credential: Credential, run: Run): Promise<Secret> {
  const { secret, authorization, expiresAt } = credential
  const variables = variablesOf(credential, undefined, run.world.env)
  const git = await gitConfigurationOf(credential, run)
  switch (format) {
    case 'token':
      return bareLine(secret)
    case 'authorization':
      return bareLine(authorization)
    case 'sh': {
      const { shellScript } = await otherHosts()
      return shellScript(new Map([...variables, ...git.variables]), git.entries)
    }
    case 'powershell':
      return powershell(new Map([...variables, ...git.variables]), git.entries)
    case 'dotenv':
      // The header contains a space, so a shell that sources the file would run its second word as a command and show it.
      return dotenv(new Map([...variables].filter(([name]) => name !== 'BITBUCKET_AUTHORIZATION')))
    case 'json':
      return jsonLine({
        access_token: secret,
        token_type: credential.tokenType,
        authorization,
        expires_in: credential.expiresIn,
        expires_at: expiresAt === undefined ? undefined : isoTime(expiresAt),
        scopes: credential.scopes,
        credential_kind: credential.kind,
        git_username: credential.gitUsername,
        refresh_token: credential.refreshToken,
      })
    case 'netrc':
      return netrc(netrcEntries(credential, run))
  }
}

/** Returns one entry for each host, because git and REST take an API token with different user names. */
function netrcEntries({ gitUsername, restUsername, secret }: Credential, run: Run) {
  const { url, 'api-url': apiUrl } = run.inputs()
  return [
    { machine: url.hostname, login: gitUsername, password: secret },
    { machine: apiUrl.hostname, login: restUsername, password: secret },
  ]
}
