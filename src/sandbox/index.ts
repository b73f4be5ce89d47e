import { Accounts, repository, sandboxUser } from './accounts.ts'
import { answerConsent, consentPath } from './consent.ts'
import type { Sandbox, SandboxCredentials, SandboxOptions } from './contract.ts'
import { page } from './exchange.ts'
import { GitBackend } from './git-backend.ts'
import { answerGit, isGitPath } from './git-http.ts'
import { GitRepositories } from './git-repositories.ts'
import { answerLfs, isLfsPath } from './lfs.ts'
import { LfsMedia } from './lfs-media.ts'
import { listen } from './listener.ts'
import { PipelinesVariables } from './pipelines-variables.ts'
import { answerRest } from './rest.ts'
import { answerTokenRequest, tokenEndpointPath } from './token-endpoint.ts'
import { type Handler, Traffic } from './traffic.ts'

export type * from './contract.ts'

/**
 * Starts a Bitbucket Cloud on loopback that behaves like the one of 2026. It needs no network and no configuration. It needs
 * git only to serve git.
 *
 * @example
 * const sandbox = await startSandbox()
 * await run({ ...process.env, ...sandbox.environment() })
 * assert.equal(sandbox.requests.length, 1)
 * await sandbox.close()
 *
 * @throws Node's listen error if `port` or the next port is in use.
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const now = options.now ?? Date.now
  const accounts = new Accounts({
    now,
    accessTokenLifetime: options.accessTokenLifetime ?? 7200,
    refreshTokenGrace: options.refreshTokenGrace ?? 600,
    legacy: options.answers === 'legacy',
    scopes: options.scopes ?? ['account', 'repository', 'repository:write', 'pullrequest'],
  })
  const repositories = new GitRepositories()
  const backend = new GitBackend()
  const variables = new PipelinesVariables()
  const traffic = new Traffic(options.rateLimit, now)
  const media = new LfsMedia(repositories, (handler) =>
    listen(
      0,
      traffic.listenerFor(handler, () => true),
    ),
  )

  const bitbucket: Handler = async (exchange) => {
    const path = exchange.url.pathname
    if (path === tokenEndpointPath) return answerTokenRequest(exchange, accounts)
    if (path === consentPath) return answerConsent(exchange, accounts)
    if (isGitPath(path)) return answerGit(exchange, accounts, repositories, backend)
    if (isLfsPath(path)) return answerLfs(exchange, accounts, media, web.url)
    return page(404, 'Resource not found', 'This URL does not point to anything.')
  }
  const rest: Handler = async (exchange) =>
    variables.answer(exchange, accounts) ?? answerRest(exchange, accounts, web.url)

  const web = await listen(options.port ?? 0, traffic.listenerFor(bitbucket, isGitPath))
  const apiPort = options.port ? options.port + 1 : 0
  const api = await listen(apiPort, traffic.listenerFor(rest)).catch(async (error) => {
    await web.close()
    throw error
  })

  const credentials: SandboxCredentials = {
    ...accounts.issue.consumer(),
    ...sandboxUser,
    refreshToken: accounts.issue['refresh-token'](),
    apiToken: accounts.issue['api-token'](),
    accessToken: accounts.issue['access-token'](),
    connectApp: accounts.issue['connect-app'](),
  }

  const shutDown = async () => {
    await Promise.all([web.close(), api.close(), media.close()])
    await backend.finished()
    await repositories.remove()
  }
  let closing: Promise<void> | undefined

  return {
    url: web.url,
    apiUrl: api.url,
    credentials,
    repository: repository.fullName,
    requests: traffic.requests,
    script: (...answers) => void traffic.script.push(...answers),
    issue: (kind, options) => accounts.issue[kind](options),
    revoke: (credential) => accounts.revoke(credential),
    isLive: (token) => accounts.isLive(token),
    variables: (scope = 'repository') => variables.definedIn(scope),
    environment: () => ({
      BITBUCKET_URL: web.url,
      BITBUCKET_API_URL: api.url,
      BITBUCKET_CLIENT_ID: credentials.clientId,
      BITBUCKET_CLIENT_SECRET: credentials.clientSecret,
    }),
    close: () => {
      closing ??= shutDown()
      return closing
    },
  }
}
