import {
  canAccess,
  hasScope,
  missingScopes,
  readRepository,
  repositoryNotFound,
  writeRepository,
} from './access.ts'
import { type Accounts, sandboxUser } from './accounts.ts'
import { authenticateGit, isAppPassword, parseAuthorization } from './authorization.ts'
import { type Answer, type Exchange, type StreamedAnswer, text } from './exchange.ts'
import type { GitBackend } from './git-backend.ts'
import { GitMissing, type GitRepositories } from './git-repositories.ts'

const services = /^\/([^/]+\/[^/]+?)(?:\.git)?\/(info\/refs|git-upload-pack|git-receive-pack)$/

/** Whether the path belongs to git's smart HTTP protocol. */
export function isGitPath(path: string): boolean {
  return services.test(path)
}

/** Answers git over HTTP: checks the credential and the scopes, and then passes the request to git. */
export async function answerGit(
  { req, url }: Exchange,
  accounts: Accounts,
  repositories: GitRepositories,
  backend: GitBackend,
): Promise<Answer | StreamedAnswer> {
  const [, fullName = '', resource = ''] = services.exec(url.pathname) ?? []
  const service = resource === 'info/refs' ? url.searchParams.get('service') : resource

  const presented = parseAuthorization(req.headers.authorization)
  if (presented.scheme === 'basic' && isAppPassword(presented.password)) {
    return text(410, 'App passwords are deprecated and must be replaced with API tokens.')
  }
  const token = authenticateGit(presented, accounts)
  if (token === undefined) return challenge()
  const required = service === 'git-receive-pack' ? writeRepository : readRepository
  if (!hasScope(token, required)) return text(403, missingScopes)
  if (!canAccess(token, fullName)) return text(403, repositoryNotFound)

  try {
    const root = await repositories.root()
    const path = `/${fullName}.git/${resource}`
    const user = token.kind === 'api-token' ? sandboxUser.username : 'x-token-auth'
    return backend.serve(root, { path, query: url.search.slice(1), user })
  } catch (error) {
    if (!(error instanceof GitMissing)) throw error
    return text(501, error.message)
  }
}

// A missing and a wrong credential get the same text, as on Bitbucket.
function challenge(): Answer {
  return text(401, repositoryNotFound, { 'www-authenticate': 'Basic realm="Bitbucket.org HTTP"' })
}
