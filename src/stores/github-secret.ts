import { readObject, stringAt } from '../bitbucket/answers.ts'
import { TokenError } from '../errors.ts'
import type { Http, HttpAnswer } from '../http/exchange.ts'
import type { Secret } from '../secret.ts'
import type { World } from '../world.ts'
import type { ScopedName } from './place.ts'
import { apiUrl, refusal, requireFullName } from './rest-answers.ts'
import type { Store } from './store.ts'

/** Loads the encryption that GitHub requires, which is larger than the rest of the stores. */
const loadSealedBox = () => import(/* webpackChunkName: "sealed-box" */ './sealed-box.ts')

export interface GitHubContext {
  readonly http: Http
  readonly env: World['env']
  readonly token: Secret
}

interface PublicKey {
  readonly id: string
  /** Base64. */
  readonly key: string
}

/** GitHub gives at most a hundred on a page. */
const pageLength = 100

/** More pages than this are a loop. */
const mostPages = 100

/**
 * A secret of GitHub Actions: of the repository, of an environment in it, or of its organisation (docs.github.com, "REST
 * API endpoints for GitHub Actions Secrets"). It is sealed for the public key of its place before it is sent. GitHub
 * never gives a secret back, so nothing can be loaded; reading the public key needs the same permission as writing.
 */
export function githubSecret({ scope, name }: ScopedName, { http, env, token }: GitHubContext): Store {
  const given = env['GITHUB_REPOSITORY']
  if (!given) {
    throw new TokenError(
      'input',
      'save-refresh-token names a secret on GitHub, but GITHUB_REPOSITORY, which every job on GitHub has, is not set.',
      'Elsewhere, set GITHUB_REPOSITORY=owner/name.',
    )
  }
  const repository = requireFullName(given, 'GITHUB_REPOSITORY', 'owner/name')
  const base = env['GITHUB_API_URL'] || 'https://api.github.com'
  const [owner = '', repositoryName = ''] = repository.split('/').map(encodeURIComponent)
  const isOrganization = scope.level === 'organization'
  const secrets =
    'environment' in scope
      ? `repos/${owner}/${repositoryName}/environments/${encodeURIComponent(scope.environment)}/secrets`
      : isOrganization
        ? `orgs/${owner}/actions/secrets`
        : `repos/${owner}/${repositoryName}/actions/secrets`
  const urlOf = (path: string) => apiUrl(base, 'GITHUB_API_URL', path)
  const host = urlOf('').host

  const send = (method: 'GET' | 'PUT', url: URL, body?: Secret): Promise<HttpAnswer> =>
    http({
      method,
      url,
      headers: {
        authorization: token.derive((value) => `Bearer ${value}`),
        accept: 'application/vnd.github+json',
        'x-github-api-version': '2022-11-28',
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body }),
    })

  const refused = (response: HttpAnswer, url: URL): TokenError =>
    refusal(response, url, adviceFor(response.status, scope.level))

  const getKey = async (): Promise<PublicKey> => {
    const url = urlOf(`${secrets}/public-key`)
    const response = await send('GET', url)
    const body = readObject(response)
    const id = stringAt(body, 'key_id')
    const key = stringAt(body, 'key')
    if (response.status !== 200 || id === undefined || key === undefined) throw refused(response, url)
    return { id, key }
  }
  let known: PublicKey | undefined

  /** Who may use a secret of an organisation has to be said with every write, or would be changed by it. */
  const audience = async (): Promise<Readonly<Record<string, unknown>>> => {
    if (!isOrganization) return {}
    const url = urlOf(`${secrets}/${name}`)
    const response = await send('GET', url)
    if (response.status === 404) return { visibility: 'private' }
    const visibility = stringAt(readObject(response), 'visibility')
    if (response.status !== 200 || visibility === undefined) throw refused(response, url)
    return visibility === 'selected'
      ? { visibility, selected_repository_ids: await selectedRepositories() }
      : { visibility }
  }

  /** A list that is cut short would take the secret away from the rest, so it is read to its end or not at all. */
  const selectedRepositories = async (): Promise<number[]> => {
    const ids = new Set<number>()
    for (let page = 1; page <= mostPages; page++) {
      const url = urlOf(`${secrets}/${name}/repositories?per_page=${pageLength}&page=${page}`)
      const response = await send('GET', url)
      const { repositories, total_count: total } = readObject(response) ?? {}
      if (response.status !== 200 || !Array.isArray(repositories)) throw refused(response, url)
      for (const { id } of repositories) ids.add(id)
      const isLast = typeof total === 'number' ? ids.size >= total : repositories.length < pageLength
      if (repositories.length === 0 || isLast) return [...ids]
    }
    throw new TokenError(
      'store-unwritable',
      `${host} lists the repositories of ${name} without an end.`,
      'Use a secret of the repository, or one for all private repositories.',
    )
  }

  const put = async (refreshToken: Secret, { id, key }: PublicKey): Promise<HttpAnswer> => {
    const { seal } = await loadSealedBox()
    const visibility = await audience()
    const body = refreshToken.derive((value) =>
      JSON.stringify({
        encrypted_value: Buffer.from(seal(Buffer.from(value), Buffer.from(key, 'base64'))).toString('base64'),
        key_id: id,
        ...visibility,
      }),
    )
    return send('PUT', urlOf(`${secrets}/${name}`), body)
  }

  return {
    name: `the ${scope.level} secret ${name} of ${isOrganization ? owner : repository}${host === 'api.github.com' ? '' : ` (${host})`}`,
    async check() {
      known = await getKey()
      // Read again before the write, because somebody may change it in between.
      await audience()
      // Loaded before it is needed, for a half-copied bundle would otherwise be noticed too late.
      await loadSealedBox()
    },
    async load() {
      return undefined
    },
    async save({ refreshToken }) {
      let response = await put(refreshToken, known ?? (await getKey()))
      // The key is another one by now: "Bad key id" or the like.
      if (response.status === 422) response = await put(refreshToken, await getKey())
      if (response.status !== 201 && response.status !== 204) throw refused(response, urlOf(secrets))
    },
  }
}

function adviceFor(status: number, level: ScopedName['scope']['level']): string {
  const permissions = {
    repository: 'the repository permission "Secrets: write" (classic: the scope repo)',
    environment: 'the repository permission "Environments: write" (classic: the scope repo)',
    organization: 'the organisation permission "Secrets: write" (classic: the scope admin:org)',
  } as Readonly<Record<string, string>>
  if (status === 401) return 'The github-token has expired or was revoked: make a new one.'
  if (status === 403 || status === 404) {
    return [
      `The github-token needs ${permissions[level]}; the GITHUB_TOKEN of a job cannot have it. Use a GitHub App's or a fine-grained token.`,
      level === 'environment'
        ? 'The environment must exist: Settings → Environments.'
        : 'It must reach the repository.',
    ].join('\n')
  }
  return 'Try the same by hand with `gh secret set`, which uses the same API.'
}
