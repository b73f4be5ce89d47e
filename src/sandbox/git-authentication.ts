import { type Accounts, sandboxUser, type Token } from './accounts.ts'
import type { Presented } from './authorization.ts'

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
