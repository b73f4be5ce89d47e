/**
 * Where Bitbucket's settings list OAuth clients. Bitbucket renamed "OAuth consumers" to "OAuth clients" in 2026, and
 * some workspaces still show the old name (eclipse-che/che-docs#3171, 2026-07).
 */
export const oauthClients =
  'Workspace settings → Apps and features → OAuth clients (formerly "OAuth consumers")'

/** Where to open one OAuth client. */
export const oneOAuthClient = `${oauthClients} → the client`

/** Where to copy its ID and secret. Bitbucket used to call the ID "Key". */
export const clientIdAndSecret = `Copy Client ID (formerly "Key") and Secret again from ${oneOAuthClient}.`

/** Where to enter its callback URL. */
export const enterCallbackUrl = `${oneOAuthClient}, tab Authorization (formerly Edit): enter a callback URL.`

/** Where to tick its scopes. */
export const tickScopes = `${oneOAuthClient}, tab Scopes (formerly Edit → Permissions).`

/**
 * Tells how to enable a grant for the OAuth client.
 * @param grant its name in the tab Authorization (developer.atlassian.com, "OAuth 2.0")
 */
export const enableGrant = (grant: 'Authorization code' | 'Client credentials'): string =>
  `Enable the grant "${grant}" for this client: ${oneOAuthClient}, tab Authorization: tick it, and enter a callback URL.`

/** The older interface has one checkbox for all grants. */
export const inOlderInterface =
  'In the older interface: OAuth consumers → Edit: tick "This is a private consumer", and enter a callback URL.'
