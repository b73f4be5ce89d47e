import type { Issuance } from './credential.ts'

/**
 * Where Bitbucket's settings have what RFC 6749 calls a client. Bitbucket renamed "OAuth consumers" to "OAuth clients" in
 * 2026, and some workspaces still show the old name (eclipse-che/che-docs#3171, 2026-07).
 */
export const oauthClients =
  'Workspace settings → Apps and features → OAuth clients (formerly "OAuth consumers")'

/** How a person opens one client there. */
export const oneOAuthClient = `${oauthClients} → the client`

/** Where its ID and secret are shown: "Client ID" and "Secret", formerly "Key" and "Secret". */
export const clientIdAndSecret = `Copy Client ID (formerly "Key") and Secret again from ${oneOAuthClient}.`

/** Where its callback URL is entered. */
export const enterCallbackUrl = `${oneOAuthClient}, tab Authorization (formerly Edit): enter a callback URL.`

/** Where its scopes are ticked. */
export const tickScopes = `${oneOAuthClient}, tab Scopes (formerly Edit → Permissions).`

/**
 * What a grant is called in the tab Authorization. Refresh tokens come from the authorization code grant; the grant for
 * Connect apps is not there, because apps have no client (developer.atlassian.com, "OAuth 2.0").
 */
const grants: Partial<Record<Issuance, string>> = {
  'client-credentials': 'Client credentials',
  'refresh-token': 'Authorization code',
  'authorization-code': 'Authorization code',
  implicit: 'Implicit',
}

/** How a person lets the client use a grant. The older interface has one box for all of them. */
export function enableGrant(kind: Issuance): string {
  const grant = grants[kind]
  if (grant === undefined) {
    return 'Bitbucket lets only Connect apps use this grant, and Atlassian ends their support in December 2026: use an OAuth client (client-id, client-secret) instead.'
  }
  const enable = `Enable the grant "${grant}" for this client: ${oneOAuthClient}, tab Authorization: tick it, and enter a callback URL.`
  return kind === 'client-credentials' ? `${enable}\n${inOlderInterface}` : enable
}

const inOlderInterface =
  'In the older interface: OAuth consumers → Edit: tick "This is a private consumer", and enter a callback URL.'
