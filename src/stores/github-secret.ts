import { readObject, stringAt } from '../bitbucket/answers.ts'
import { TokenError } from '../errors.ts'
import type { HttpAnswer, HttpRequest } from '../http/exchange.ts'
import { bearerHeader, type Secret } from '../secret.ts'
import type { World } from '../world.ts'
import type { StoreContext } from './context.ts'
import type { Scope, ScopedName } from './place.ts'
import { apiUrl, jsonSender, refusal, requireFullName } from './rest-api.ts'
import { seal } from './sealed-box.ts'
import type { TokenStore } from './store.ts'

interface PublicKey {
  readonly id: string
  /** Base64. */
  readonly key: string
}

/** GitHub returns at most 100 items on a page. */
const pageLength = 100

/** More pages than this mean that GitHub repeats them without end. */
const maxPages = 100

/** GitHub's API for the secrets of one place. */
interface SecretsApi {
  readonly host: string
  /** @param path relative to the list of secrets */
  send(method: HttpRequest['method'], path: string, body?: Secret): Promise<HttpAnswer>
  /** Returns the error for an unexpected answer. */
  refused(response: HttpAnswer): TokenError
}

/**
 * Stores the token in a secret of GitHub Actions: of the repository, of one of its environments, or of its organisation
 * (docs.github.com, "REST API endpoints for GitHub Actions Secrets"). The token is encrypted with the public key of that
 * place before it is sent. GitHub never returns a secret, so nothing can be loaded. Reading the public key needs the same
 * permission as writing, so `check` reads it.
 */
export function githubSecret(
  { scope, name }: ScopedName,
  token: Secret,
  { http, world: { env } }: StoreContext,
): TokenStore {
  const repository = repositoryIn(env)
  const [owner = '', repositoryName = ''] = repository.split('/').map(encodeURIComponent)
  const base = env['GITHUB_API_URL'] || 'https://api.github.com'
  const secrets = apiUrl(base, 'GITHUB_API_URL', secretsPath(scope, owner, repositoryName))
  const send = jsonSender(http, {
    authorization: bearerHeader(token),
    accept: 'application/vnd.github+json',
    'x-github-api-version': '2022-11-28',
  })
  const { host } = secrets
  const api: SecretsApi = {
    host,
    send: (method, path, body) => send(method, new URL(`${secrets.href}/${path}`), body),
    refused: (response) => refusal(response, secrets, adviceFor(response.status, scope.level)),
  }
  const isOrganization = scope.level === 'organization'
  const readAudience = async () => (isOrganization ? audienceOf(name, api) : {})
  const put = async (refreshToken: Secret, key: PublicKey) =>
    api.send('PUT', name, encrypted(refreshToken, key, await readAudience()))
  let checkedKey: PublicKey | undefined

  return {
    name: `the ${scope.level} secret ${name} of ${isOrganization ? owner : repository}${host === 'api.github.com' ? '' : ` (${host})`}`,
    async check() {
      checkedKey = await readKey(api)
      // A failure must show before the refresh. The write reads it again, because somebody may change it in between.
      await readAudience()
    },
    load: async () => undefined,
    async save({ refreshToken }) {
      let response = await put(refreshToken, checkedKey ?? (await readKey(api)))
      // GitHub has replaced the public key since `check` ("Bad key id").
      if (response.status === 422) response = await put(refreshToken, await readKey(api))
      if (response.status !== 201 && response.status !== 204) throw api.refused(response)
    },
  }
}

function repositoryIn(env: World['env']): string {
  const fullName = env['GITHUB_REPOSITORY']
  if (fullName) return requireFullName(fullName, 'GITHUB_REPOSITORY', 'owner/name')
  throw new TokenError(
    'input',
    'save-refresh-token names a secret on GitHub, but GITHUB_REPOSITORY is not set.',
    'GitHub sets it in every job. Outside GitHub, set GITHUB_REPOSITORY=owner/name.',
  )
}

async function readKey({ send, refused }: SecretsApi): Promise<PublicKey> {
  const response = await send('GET', 'public-key')
  const body = readObject(response)
  const id = stringAt(body, 'key_id')
  const key = stringAt(body, 'key')
  if (response.status !== 200 || id === undefined || key === undefined) throw refused(response)
  return { id, key }
}

/** Which repositories may use the secret of an organisation, as fields of GitHub's API. */
type Audience = Readonly<Record<string, unknown>>

/** Returns the audience of a secret. Each write must repeat it, because otherwise the write would change it. */
async function audienceOf(name: string, api: SecretsApi): Promise<Audience> {
  const response = await api.send('GET', name)
  if (response.status === 404) return { visibility: 'private' }
  const visibility = stringAt(readObject(response), 'visibility')
  if (response.status !== 200 || visibility === undefined) throw api.refused(response)
  return visibility === 'selected'
    ? { visibility, selected_repository_ids: await selectedRepositories(name, api) }
    : { visibility }
}

/** Returns all selected repositories. The list must be complete, because repositories that are left out lose the secret. */
async function selectedRepositories(name: string, { host, send, refused }: SecretsApi): Promise<number[]> {
  const ids = new Set<number>()
  for (let page = 1; page <= maxPages; page++) {
    const response = await send('GET', `${name}/repositories?per_page=${pageLength}&page=${page}`)
    const { repositories, total_count: total } = readObject(response) ?? {}
    if (response.status !== 200 || !Array.isArray(repositories)) throw refused(response)
    for (const { id } of repositories) ids.add(id)
    const isLast = typeof total === 'number' ? ids.size >= total : repositories.length < pageLength
    if (repositories.length === 0 || isLast) return [...ids]
  }
  throw new TokenError(
    'store-unwritable',
    `${host} returned an endless list of repositories for ${name}.`,
    'Use a secret of the repository, or one for all private repositories.',
  )
}

/** Returns the body of the request that writes the secret. */
const encrypted = (refreshToken: Secret, { id, key }: PublicKey, audience: Audience): Secret =>
  refreshToken.derive((value) =>
    JSON.stringify({
      encrypted_value: Buffer.from(seal(Buffer.from(value), Buffer.from(key, 'base64'))).toString('base64'),
      key_id: id,
      ...audience,
    }),
  )

function secretsPath(scope: Scope, owner: string, repository: string): string {
  if (scope.level === 'organization') return `orgs/${owner}/actions/secrets`
  if (!('environment' in scope)) return `repos/${owner}/${repository}/actions/secrets`
  return `repos/${owner}/${repository}/environments/${encodeURIComponent(scope.environment)}/secrets`
}

function adviceFor(status: number, level: Scope['level']): string {
  const permissions = {
    repository: 'the repository permission "Secrets: write" (classic: the scope repo)',
    environment: 'the repository permission "Environments: write" (classic: the scope repo)',
    organization: 'the organisation permission "Secrets: write" (classic: the scope admin:org)',
  } as Readonly<Record<string, string>>
  if (status === 401) return 'The github-token has expired or was revoked. Create a new one.'
  if (status === 403 || status === 404) {
    return [
      `The github-token needs ${permissions[level]}. The GITHUB_TOKEN of a job cannot have it. Use the token of a GitHub App or a fine-grained token.`,
      level === 'environment'
        ? 'Check that the environment exists: Settings → Environments.'
        : 'Check that the token has access to the repository.',
    ].join('\n')
  }
  return 'Try to set the secret by hand with `gh secret set`, which uses the same API.'
}
