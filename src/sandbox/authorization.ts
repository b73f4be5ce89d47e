/** The credential in an Authorization header. */
export type Presented =
  | { scheme: 'none' }
  | { scheme: 'basic'; user: string; password: string }
  | { scheme: 'bearer'; token: string }
  | { scheme: 'jwt'; token: string }
  | { scheme: 'other' }

export function parseAuthorization(header: string | undefined): Presented {
  if (header === undefined || header.trim() === '') return { scheme: 'none' }
  const [, scheme = '', value = ''] = /^(\S+)\s*(.*)$/.exec(header.trim()) ?? []
  if (scheme.toLowerCase() === 'bearer') return { scheme: 'bearer', token: value }
  // Case-sensitive, according to "OAuth 2.0 for Connect apps".
  if (scheme === 'JWT') return { scheme: 'jwt', token: value }
  if (scheme.toLowerCase() !== 'basic') return { scheme: 'other' }
  const pair = Buffer.from(value, 'base64').toString('utf8')
  const colon = pair.indexOf(':')
  if (colon === -1) return { scheme: 'other' }
  return { scheme: 'basic', user: pair.slice(0, colon), password: pair.slice(colon + 1) }
}

/** Whether a secret has the prefix of app passwords. All were removed on 28 July 2026 (Atlassian community announcement). */
export function isAppPassword(secret: string): boolean {
  return secret.startsWith('ATBB')
}
