import { enableGrant } from '../bitbucket/oauth-clients.ts'
import { type Client, type IssuedToken, requestToken } from '../bitbucket/token-endpoint.ts'
import type { GrantTexts } from '../bitbucket/token-endpoint-errors.ts'
import type { Secret } from '../secret.ts'
import type { GrantContext } from './kind.ts'

/** What a person's consent returned. */
export interface AuthorizationCode {
  readonly code: Secret
  /** The callback URL of the request; Bitbucket requires it again. */
  readonly callback: URL
  /** The PKCE verifier (RFC 7636). It is useless without the code and the client's secret. */
  readonly verifier: string
}

/** Runs the authorization code grant (RFC 6749, 4.1.3), the only one that returns a first refresh token. */
export function fromAuthorizationCode(
  client: Client,
  { code, callback, verifier }: AuthorizationCode,
  { http, url }: Pick<GrantContext, 'http' | 'url'>,
): Promise<IssuedToken> {
  const form = code.derive((value) =>
    new URLSearchParams({
      grant_type: 'authorization_code',
      code: value,
      redirect_uri: callback.href,
      code_verifier: verifier,
    }).toString(),
  )
  return requestToken(http, url, client, authorizationCodeGrant, form)
}

const authorizationCodeGrant: GrantTexts = {
  sends: 'authorization code or its client',
  howToEnable: enableGrant('Authorization code'),
  ifInvalid:
    'An authorization code works only once, only for a few minutes, and only with the callback URL of its request. Start again.',
}
