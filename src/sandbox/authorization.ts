import { type Accounts, sandboxUser, type Token } from './accounts.ts'

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

/** Returns the token that git or git-lfs presents over https, if it works and has the right user name. */
export function authenticateGit(presented: Presented, accounts: Accounts): Token | undefined {
  if (presented.scheme !== 'basic' && presented.scheme !== 'bearer') return undefined
  const token = accounts.token(presented.scheme === 'basic' ? presented.password : presented.token)
  if (typeof token === 'string') return undefined
  const isAccepted =
    presented.scheme === 'basic' ? isGitUser(presented.user, token) : token.kind !== 'api-token'
  return isAccepted ? token : undefined
}

/** Bitbucket Cloud requires these names. The email, which REST requires for an API token, does not work (RooCode PR 182). */
function isGitUser(user: string, token: Token): boolean {
  if (token.kind !== 'api-token') return user === 'x-token-auth'
  const scopeless = token.scopes.length === 0
  return !scopeless && (user === 'x-bitbucket-api-token-auth' || user === sandboxUser.username)
}
