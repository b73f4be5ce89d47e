import { covers } from './access.ts'
import type { Accounts, Consumer, Grant } from './accounts.ts'
import { parseAuthorization } from './authorization.ts'
import { signerOf } from './connect-jwt.ts'
import { type Answer, type Exchange, json, page } from './exchange.ts'

export const tokenEndpointPath = '/site/oauth2/access_token'

/** Answers `POST /site/oauth2/access_token`. */
export function answerTokenRequest({ req, url, body }: Exchange, accounts: Accounts): Answer {
  if (req.method !== 'POST') return page(405, 'Method not allowed', 'This URL takes POST requests only.')

  const presented = parseAuthorization(req.headers.authorization)
  // Both mistakes get a page without the word "error" (community.developer.atlassian.com/t/22038). Its status is unknown.
  // The sandbox sends 200, because that is hardest for a client.
  if (presented.scheme === 'bearer' || url.searchParams.size > 0) {
    return page(200, 'Log in to continue', 'OpenID transaction in progress.')
  }
  const form = readForm(req.headers['content-type'], body)
  if (presented.scheme === 'jwt') return grantToSigner(presented.token, form, accounts)
  if (presented.scheme !== 'basic') {
    return refuse('unauthorized_client', 'Requests must be authenticated using OAuth client credentials')
  }
  const consumer = accounts.consumer(presented.user, presented.password)
  if (consumer === undefined) return refuse('unauthorized_client', 'Invalid OAuth client credentials')
  return grantToConsumer(consumer, form, accounts)
}

function grantToConsumer(consumer: Consumer, form: URLSearchParams, accounts: Accounts): Answer {
  const grantType = form.get('grant_type') ?? 'None'
  switch (grantType) {
    case 'client_credentials': {
      if (consumer.public) {
        return refuse(
          'invalid_grant',
          'Cannot use client_credentials with a consumer marked as "public". Calls for auto generated consumers should use urn:bitbucket:oauth2:jwt instead.',
        )
      }
      if (consumer.callback === undefined) return refuseWithoutCallback()
      return grant(accounts.grantToClient(consumer), grantType, accounts)
    }
    case 'refresh_token': {
      if (consumer.callback === undefined) return refuseWithoutCallback()
      const renewed = accounts.renew(consumer, form.get('refresh_token') ?? '')
      if (renewed === undefined) {
        // The error code changed with the 2026 backend, judging by what a client checks (sourcebot's tokenRefresh.ts).
        return refuse(accounts.legacy ? 'invalid_request' : 'invalid_grant', 'Invalid refresh_token')
      }
      return grant(renewed, grantType, accounts)
    }
    case 'authorization_code': {
      const granted = accounts.redeem(consumer, form)
      // Bitbucket's words are unknown. The error code is from RFC 6749.
      if (granted === undefined) return refuse('invalid_grant', 'The specified code is not valid.')
      return grant(granted, grantType, accounts)
    }
    case 'password':
      return refuse('invalid_request', 'Invalid resource owner username/password')
    default:
      return refuse('invalid_grant', `Unsupported grant type: ${grantType}`)
  }
}

/**
 * Answers the JWT grant. How Bitbucket refuses a JWT is not documented. The sandbox sends what Bitbucket sends to a wrong
 * consumer, which is hardest for a client because it names no cause.
 */
function grantToSigner(jwt: string, form: URLSearchParams, accounts: Accounts): Answer {
  const app = signerOf(jwt, accounts)
  if (app === undefined) return refuse('unauthorized_client', 'Invalid OAuth client credentials')
  const grantType = form.get('grant_type') ?? 'None'
  if (grantType !== 'urn:bitbucket:oauth2:jwt') {
    return refuse('invalid_grant', `Unsupported grant type: ${grantType}`)
  }
  const asked = form.get('scope')?.split(' ').filter(Boolean) ?? app.scopes
  if (!asked.every((scope) => covers(app.scopes, scope))) return refuse('invalid_scope', '')
  return grant(accounts.grantWithoutRefreshToken(asked), grantType, accounts)
}

/** Bitbucket reads only forms, so it finds no grant type in a JSON body (bitbucket.org/site/master issue 16249). */
function readForm(contentType = '', body: string): URLSearchParams {
  const isForm = /^application\/x-www-form-urlencoded\s*(;|$)/i.test(contentType)
  return new URLSearchParams(isForm ? body : '')
}

function grant(
  { accessToken, expiresIn, refreshToken }: Grant,
  grantType: string,
  { legacy }: Accounts,
): Answer {
  const scopes = accessToken.scopes.join(' ')
  return json(
    200,
    {
      access_token: accessToken.value,
      ...(legacy ? { scopes } : { scope: scopes }),
      expires_in: expiresIn,
      ...(refreshToken !== undefined && { refresh_token: refreshToken }),
      token_type: 'bearer',
      ...(legacy && { state: grantType }),
    },
    { 'cache-control': 'no-store' },
  )
}

function refuseWithoutCallback(): Answer {
  return refuse('invalid_request', 'No callback uri defined for the OAuth client.')
}

// Bitbucket puts the description first, and sends 400 even for a wrong secret.
function refuse(error: string, description: string): Answer {
  return json(400, { error_description: description, error }, { 'cache-control': 'no-store' })
}
