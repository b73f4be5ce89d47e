import type { Issuance } from './credential.ts'

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
 * The name of each grant in the tab Authorization. Refresh tokens come from the authorization code grant. The grant of
 * Connect apps is not listed there, because apps have no OAuth client (developer.atlassian.com, "OAuth 2.0").
 */
const grants: Partial<Record<Issuance, string>> = {
  'client-credentials': 'Client credentials',
  'refresh-token': 'Authorization code',
  'authorization-code': 'Authorization code',
  implicit: 'Implicit',
}

/** Tells how to enable a grant for the OAuth client. The older interface has one checkbox for all grants. */
export function enableGrant(kind: Issuance): string {
  const grant = grants[kind]
  if (grant === undefined) {
    return 'Only Connect apps can use this grant, and Atlassian ends their support in December 2026. Use an OAuth client (client-id, client-secret) instead.'
  }
  const enable = `Enable the grant "${grant}" for this client: ${oneOAuthClient}, tab Authorization: tick it, and enter a callback URL.`
  return kind === 'client-credentials' ? `${enable}\n${inOlderInterface}` : enable
}

const inOlderInterface =
  'In the older interface: OAuth consumers → Edit: tick "This is a private consumer", and enter a callback URL.'
