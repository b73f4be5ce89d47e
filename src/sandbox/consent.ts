import { randomBytes } from 'node:crypto'
import { type Accounts, type Consumer, sandboxUser } from './accounts.ts'
import { type Answer, type Exchange, page } from './exchange.ts'

export const consentPath = '/site/oauth2/authorize'

/**
 * Answers `/site/oauth2/authorize`: shows which consumer asks for which scopes, and sends the browser back with the user's
 * decision. The user of the sandbox is always logged in.
 */
export function answerConsent({ req, url, body }: Exchange, accounts: Accounts): Answer {
  const asked = url.searchParams
  // These two errors do not redirect, because the author of the address must not choose the target
  // (developer.atlassian.com, "OAuth 2.0").
  const consumer = accounts.consumerWithId(asked.get('client_id') ?? '')
  if (consumer === undefined) return misconfigured('Invalid client_id')
  const callback = callbackFor(consumer, asked.get('redirect_uri'))
  if (callback === undefined) return misconfigured('Invalid redirect_uri')

  const responseType = asked.get('response_type')
  const isImplicit = responseType === 'token'
  const state = asked.get('state')
  const back = (parameters: Record<string, string>) =>
    goTo(callback, { ...parameters, ...(state !== null && { state }) }, isImplicit)
  const refuse = (error: string, description: string) => back({ error, error_description: description })

  if (responseType !== 'code' && !isImplicit)
    return refuse('unsupported_response_type', 'Unsupported response type')
  const scopes = asked.get('scope')?.split(' ').filter(Boolean) ?? consumer.scopes
  if (scopes.some((scope) => !consumer.scopes.includes(scope)))
    return refuse('invalid_scope', 'Invalid scope')
  const method = asked.get('code_challenge_method')
  if (asked.has('code_challenge') && method !== 'S256')
    return refuse('invalid_request', 'Invalid code_challenge_method')

  if (req.method === 'GET') return consentPage(consumer, scopes, callback)
  if (req.method !== 'POST')
    return page(405, 'Method not allowed', 'This URL takes GET and POST requests only.')
  const decision = new URLSearchParams(body).get('decision')
  if (decision !== 'grant') return refuse('access_denied', 'The resource owner denied the request')
  return back(isImplicit ? issueToken(scopes, accounts) : issueCode(consumer, scopes, asked, accounts))
}

function issueToken(scopes: readonly string[], accounts: Accounts): Record<string, string> {
  const { accessToken, expiresIn } = accounts.grantWithoutRefreshToken(scopes)
  return {
    access_token: accessToken.value,
    scopes: scopes.join(' '),
    expires_in: String(expiresIn),
    token_type: 'bearer',
  }
}

function issueCode(
  { clientId }: Consumer,
  scopes: readonly string[],
  asked: URLSearchParams,
  accounts: Accounts,
): Record<string, string> {
  const code = randomBytes(12).toString('base64url')
  accounts.addCode(code, {
    clientId,
    scopes,
    redirectUri: asked.get('redirect_uri') ?? undefined,
    challenge: asked.get('code_challenge') ?? undefined,
  })
  return { code }
}

/** Returns the callback to use: the registered one, or a requested one that starts with it. */
function callbackFor({ callback }: Consumer, asked: string | null): URL | undefined {
  if (callback === undefined) return undefined
  if (asked === null) return new URL(callback)
  const isAllowed = asked === callback || asked.startsWith(callback.endsWith('/') ? callback : `${callback}/`)
  return isAllowed && URL.canParse(asked) ? new URL(asked) : undefined
}

/** Redirects to the callback. A code goes into the query, the implicit grant's token after the `#` (RFC 6749, 4.1.2 and 4.2.2). */
function goTo(callback: URL, parameters: Record<string, string>, inFragment: boolean): Answer {
  const url = new URL(callback)
  if (inFragment) url.hash = new URLSearchParams(parameters).toString()
  else for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return { status: 302, headers: { location: url.href, 'cache-control': 'no-store' }, body: '' }
}

const misconfigured = (what: string): Answer =>
  page(400, what, 'This integration is misconfigured. Contact the vendor for assistance.')

function consentPage({ clientId }: Consumer, scopes: readonly string[], callback: URL): Answer {
  const list = scopes.map((scope) => `<li><code>${escaped(scope)}</code></li>`).join('')
  return page(
    200,
    'Confirm access to your account',
    `The consumer <code>${escaped(clientId)}</code> would like to act as <strong>${sandboxUser.username}</strong>, with these scopes:</p>
<ul>${list}</ul>
<p>You will be sent back to <code>${escaped(callback.href)}</code>.</p>
<form method="post">
<button name="decision" value="grant">Grant access</button>
<button name="decision" value="cancel">Cancel</button>
</form><p>This is the sandbox: nothing here is real.`,
  )
}

const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
