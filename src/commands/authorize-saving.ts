import type { Granted } from '../authorize/pages.ts'
import { enableGrant } from '../bitbucket/oauth-clients.ts'
import { checkCredential } from '../bitbucket/rest.ts'
import { scopesWithoutSecrets } from '../bitbucket/scopes.ts'
import type { IssuedToken } from '../bitbucket/token-endpoint.ts'
import type { AuthorizeFlags } from '../command-line.ts'
import { forIssuedTokens } from '../credentials/bearer.ts'
import { messageOf, reasonOf, TokenError } from '../errors.ts'
import type { Http } from '../http/exchange.ts'
import { hide } from '../masking.ts'
import type { Run } from '../run.ts'
import { bearerHeader, encodedForms } from '../secret.ts'
import type { Destination, Issued } from './authorize-destinations.ts'
import { expiryInWords } from './results.ts'

interface SaveContext {
  readonly flags: AuthorizeFlags
  readonly destinations: readonly Destination[]
  readonly http: Http
  readonly run: Run
}

/** Saves the token to every destination, and only then asks Bitbucket for its account. */
export async function save(issued: IssuedToken, context: SaveContext): Promise<Granted> {
  const { flags, http, run } = context
  const issuedAt = run.world.now()
  for (const secret of [issued.token, issued.refreshToken])
    if (secret !== undefined) hide(encodedForms(secret), run)
  const name = flags.implicit ? 'access token' : 'refresh token'
  const places = await saveEverywhere(name, { ...issued, issuedAt }, context)
  const account = await accountOf(issued, run.inputs()['api-url'], http)
  const quote = (text: string) => run.redactor.quote(text)
  const scopes = issued.scopes && scopesWithoutSecrets(issued.scopes, quote)
  run.host.log.info(
    `Access was granted. Account: ${account}. Scopes: ${scopes?.join(', ') || 'unknown'}. The ${name} was written to ${places}.`,
  )
  const accessEnds = expiryInWords(issuedAt + issued.expiresIn * 1_000, issuedAt, issued.expiryIsAssumed)
  return flags.implicit
    ? {
        account,
        scopes,
        tokens: [['Access token', `written to ${places}; expires ${accessEnds}`]],
        next: 'This grant returns no refresh token. When the access token has expired, run the program again.',
      }
    : {
        account,
        scopes,
        tokens: [
          ['Refresh token', `written to ${places}; expires three months after its last use`],
          ['Access token', `also returned; expires ${accessEnds}`],
        ],
        next: 'Each use of the refresh token returns a new one. Let each job save the new one (save-refresh-token).',
      }
}

/**
 * Saves the token to every destination. If one fails, the others are still written, because the user asked for each of them.
 * @returns the destinations in words
 * @throws the first failure
 */
async function saveEverywhere(
  name: string,
  issued: Issued,
  { flags, destinations, run }: SaveContext,
): Promise<string> {
  const { host, redactor } = run
  const token = flags.implicit ? issued.token : issued.refreshToken
  if (token === undefined) {
    throw new TokenError(
      'answer-unusable',
      'Bitbucket granted access, but returned no refresh token.',
      enableGrant('Authorization code'),
    )
  }
  const saved: string[] = []
  const failures: unknown[] = []
  for (const destination of destinations) {
    await destination.save(token, issued).then(
      () => saved.push(destination.name),
      (error: unknown) => failures.push(error),
    )
  }
  const places = saved.join(' and ')
  if (failures.length === 0) return places
  if (saved.length > 0) host.log.info(`The ${name} was written to ${places}.`)
  const [first, ...others] = failures
  for (const other of others)
    host.log.error(other instanceof TokenError ? other.message : redactor.quote(messageOf(other)))
  throw first
}

/** Asks Bitbucket for the account and returns it in words. Never throws, because the token is already saved. */
async function accountOf({ token }: IssuedToken, apiUrl: URL, http: Http): Promise<string> {
  try {
    const checkable = { ...forIssuedTokens, authorization: bearerHeader(token) }
    const { account, missing } = await checkCredential(http, apiUrl, checkable, undefined)
    if (account !== undefined) return account
    return missing.length === 0
      ? 'unknown, because Bitbucket did not name it'
      : `unknown, because reading it needs the scope ${missing.join(', ')}`
  } catch (error) {
    return `unknown: ${reasonOf(error)}`
  }
}
