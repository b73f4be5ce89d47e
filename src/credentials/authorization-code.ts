import { type Client, type Endpoints, type IssuedToken, requestToken } from '../bitbucket/token-endpoint.ts'
import type { Secret } from '../secret.ts'

/** What a person's consent has brought. */
export interface AuthorizationCode {
  readonly code: Secret
  /** The callback that was asked for; Bitbucket wants to see it again. */
  readonly callback: URL
  /** What the PKCE challenge was made of (RFC 7636). Worth nothing without the code and the consumer's secret. */
  readonly verifier: string
}

/** The authorization code grant (RFC 6749, 4.1.3): the only one that brings a first refresh token. */
export function fromAuthorizationCode(
  client: Client,
  { code, callback, verifier }: AuthorizationCode,
  { http, url }: Endpoints,
): Promise<IssuedToken> {
  const form = code.derive((value) =>
    new URLSearchParams({
      grant_type: 'authorization_code',
      code: value,
      redirect_uri: callback.href,
      code_verifier: verifier,
    }).toString(),
  )
  return requestToken(http, url, client, 'authorization-code', form)
}
