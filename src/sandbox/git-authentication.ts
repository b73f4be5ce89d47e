import { type Accounts, person, type Token } from './accounts.ts'
import type { Presented } from './authorization.ts'

/** The token that git or git-lfs presents over https, when it works and comes with the user name that goes with it. */
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

/** Bitbucket Cloud wants the literal names; the e-mail, right for an API token on REST, is wrong here (RooCode PR 182). */
function isGitUser(user: string, token: Token): boolean {
  if (token.kind !== 'api-token') return user === 'x-token-auth'
  const scopeless = token.scopes.length === 0
  return !scopeless && (user === 'x-bitbucket-api-token-auth' || user === person.username)
}
