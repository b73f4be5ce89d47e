/** A request for a person's consent (RFC 6749, 4.1.1 and 4.2.1). */
export interface AuthorizationRequest {
  readonly clientId: string
  /** `code` for the authorization code grant, `token` for the implicit one. */
  readonly responseType: 'code' | 'token'
  /** Comes back as it is, so that an answer can be told from one that nobody asked for. */
  readonly state: string
  /**
   * Must equal the callback URL of the consumer, or begin with it; otherwise Bitbucket shows "Invalid redirect_uri" and
   * sends nobody back (developer.atlassian.com, "OAuth 2.0").
   */
  readonly callback: URL
  /** PKCE's S256 challenge (RFC 7636). Bitbucket documents none, and takes it (git-credential-manager sends one). */
  readonly challenge: string | undefined
}

/**
 * Where a person is sent to give consent. No scopes are asked for: those of the consumer are what Bitbucket grants.
 * @param base `https://bitbucket.org`, or what plays it
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
