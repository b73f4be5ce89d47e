import { randomBytes } from 'node:crypto'

// Every secret except the consumer's contains `+`, `/` and `=`, so that a test fails if percent-encoding is missing anywhere.

/** At least 6 of any 8 adjacent characters are random, so that no two secrets share a part that looks like a leak to tests. */
function base64(length: number): string {
  const random = randomBytes(length).toString('base64').replaceAll('=', '')
  return `${random.slice(0, 16)}+${random.slice(17, 24)}/${random.slice(25, length)}`
}

function alphanumeric(length: number): string {
  return randomBytes(length * 2)
    .toString('base64')
    .replaceAll(/[^A-Za-z0-9]/g, '')
    .slice(0, length)
}

const checksum = () => randomBytes(4).toString('hex').toUpperCase()

/** Makes the key and secret of an OAuth client: 32 and 76 characters, or 18 and 32 before 2026 (Jenkins' branch source plugin). */
export function randomConsumer(legacy: boolean): { clientId: string; clientSecret: string } {
  return legacy
    ? { clientId: alphanumeric(18), clientSecret: alphanumeric(32) }
    : { clientId: alphanumeric(32), clientSecret: alphanumeric(76) }
}

/** Makes the keys that Atlassian sends to a Connect app when it is installed. Their lengths are not documented. */
export function randomConnectApp(): { appKey: string; clientKey: string; sharedSecret: string } {
  return {
    appKey: 'com.example.sandbox',
    clientKey: `ari:cloud:bitbucket::app/${alphanumeric(24)}`,
    sharedSecret: `${base64(64)}=`,
  }
}

/** Makes an OAuth access or refresh token: over 2,500 characters, or about 85 before 2026 (git-credential-manager issue 2428). */
export function randomOAuthToken(legacy: boolean): string {
  return legacy ? `${base64(84)}=` : `${base64(60)}.${base64(2300)}.${base64(342)}==`
}

/** Makes an Atlassian API token (trufflehog: `ATATT[A-Za-z0-9+/=_-]+=[A-Za-z0-9]{8}`). */
export function randomApiToken(): string {
  return `ATATT3xFfGF0${base64(171)}=${checksum()}`
}

/** Makes a repository, project or workspace access token (trufflehog: `ATCTT3xFfG…=` and eight characters). */
export function randomAccessToken(): string {
  return `ATCTT3xFfGN0${base64(171)}=${checksum()}`
}
