import { type Accounts, sandboxUser, type Token } from './accounts.ts'
import type { Presented } from './authorization.ts'

/** Returns the token that git or git-lfs presents over https, if it works and has the right user name. */
export function authenticateGit(presented: Presented, accounts: Accounts): Token | undefined {
  const secret =
    presented.scheme === 'basic'
      ? presented.password
      : presented.scheme === 'bearer'
        ? presented.token
        : undefined
  if (secret === undefined) return undefined
  const token = accounts.token(secret)
  if (typeof token === 'string') return undefined
  if (presented.scheme === 'bearer') return token.kind === 'api-token' ? undefined : token
  return presented.scheme === 'basic' && isGitUser(presented.user, token) ? token : undefined
}

/** Bitbucket Cloud requires these names. The email, which REST requires for an API token, does not work (RooCode PR 182). */
function isGitUser(user: string, token: Token): boolean {
  if (token.kind !== 'api-token') return user === 'x-token-auth'
  const scopeless = token.scopes.length === 0
  return !scopeless && (user === 'x-bitbucket-api-token-auth' || user === sandboxUser.username)
}
