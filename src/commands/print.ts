import type { Credential } from '../bitbucket/credential.ts'
import type { PrintFlags, PrintFormat } from '../command-line.ts'
import { bareLine, dotenv, jsonLine, netrc, powershell, writeData } from '../hosts/formats.ts'
import { otherHosts } from '../hosts/index.ts'
import type { Run } from '../run.ts'
import type { Secret } from '../secret.ts'
import { choose } from './choose-credential.ts'
import {
  gitConfigurationOf,
  obtainCredential,
  prepareCredential,
  refuseToLose,
  type VerifiedCredential,
  verifyCredential,
} from './credential.ts'
import { expiryFromUser } from './expiry.ts'
import { asOneLine, isoTime, summaryOf, variablesOf } from './results.ts'
import { brokerOf, currentToken, sourceOnDisk } from './token-source.ts'

/**
 * Writes only the credential to stdout, so that `TOKEN=$(bitbucket-token print)` works. It writes no file. It also writes no
 * mask command to stdout, because the mask command would become part of the data.
 */
export async function print(run: Run, { format, reuse }: PrintFlags): Promise<void> {
  const { host, world } = run
  if (world.isTerminal('stdout')) {
    host.log.warning(
      'stdout is a terminal, so the secret will be visible. To hide it, use TOKEN=$(bitbucket-token print).',
    )
  }
  const credential = await (reuse ? newestCredential(run) : newCredential(format, run))
  const data = await formatted(format, credential, run)
  host.log.info(asOneLine(summaryOf(credential, world.now(), expiryFromUser(credential.kind, run))))
  writeData(world, data)
}

async function newCredential(format: PrintFormat, run: Run): Promise<VerifiedCredential> {
  const prepared = await prepareCredential(choose(run), run)
  if (format !== 'json') {
    const instead = ['Use --format json and save its refresh_token.', 'Use the command acquire.']
    refuseToLose(prepared, `--format ${format} cannot print it`, instead, run)
  }
  return verifyCredential(await obtainCredential(prepared, run), prepared.http, run)
}

/** Returns the newest token that the processes of a job share. Only the process that renews it asks Bitbucket. */
async function newestCredential(run: Run): Promise<VerifiedCredential> {
  const credential = await (brokerOf(run)?.token() ?? currentToken(sourceOnDisk(run), run))
  return { ...credential, checked: undefined }
}

async function formatted(format: PrintFormat, credential: Credential, run: Run): Promise<Secret> {
  const { secret, authorization, expiresAt } = credential
  const variables = variablesOf(credential, undefined, run.world.env)
  const git = gitConfigurationOf(credential, run)
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
