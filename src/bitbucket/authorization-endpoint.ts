/** An authorization request, which asks a person for consent (RFC 6749, 4.1.1 and 4.2.1). */
export interface AuthorizationRequest {
  readonly clientId: string
  /** `code` for the authorization code grant, `token` for the implicit one. */
  readonly responseType: 'code' | 'token'
  /** Bitbucket returns it unchanged, so that the receiver can reject answers to requests that it did not send. */
  readonly state: string
  /**
   * Must be the callback URL of the OAuth client, or begin with it. Otherwise Bitbucket shows "Invalid redirect_uri"
   * and does not redirect (developer.atlassian.com, "OAuth 2.0").
   */
  readonly callback: URL
  /**
   * The S256 challenge of PKCE (RFC 7636). Bitbucket accepts it without documenting it (git-credential-manager sends
   * one).
   */
  readonly challenge: string | undefined
}

/**
 * Returns the URL where a person gives consent. It requests no scopes, because Bitbucket grants those of the OAuth
 * client.
 * @param base `https://bitbucket.org`, or its replacement in tests
 */
export function authorizationUrl(base: URL, request: AuthorizationRequest): URL {
  const url = new URL(`${base.href.replace(/\/$/, '')}/site/oauth2/authorize`)
  url.search = new URLSearchParams({
    client_id: request.clientId,
    response_type: request.responseType,
    state: request.state,
    redirect_uri: request.callback.href,
    ...(request.challenge !== undefined && {
      code_challenge: request.challenge,
      code_challenge_method: 'S256',
    }),
  }).toString()
  return url
}
