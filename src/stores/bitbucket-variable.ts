import { isObject, readObject, stringAt } from '../bitbucket/answers.ts'
import { adviceOn, readError } from '../bitbucket/rest-errors.ts'
import { TokenError } from '../errors.ts'
import type { HttpAnswer } from '../http/exchange.ts'
import { bearerHeader } from '../secret.ts'
import type { StoreContext } from './context.ts'
import type { Scope, ScopedName } from './place.ts'
import { jsonSender, refusal, requireFullName, type SendJson } from './rest-api.ts'
import type { TokenStore } from './store.ts'

/** Bitbucket returns at most 100 items on a page. */
const pageLength = 100

/** More pages than this mean that Bitbucket repeats them without end. */
const maxPages = 100

/** How often to try to write. Another run may create or delete the variable after this run has looked for it. */
const rounds = 3

/** Bitbucket's API, with the access token of one save. */
interface Api {
  /** `workspace/slug` of the repository, for people. */
  readonly fullName: string
  /** `workspace/slug`, percent-encoded for the path of a URL. */
  readonly encodedName: string
  readonly send: SendJson
  /** @param path relative to `/2.0` */
  urlOf(path: string): URL
}

/**
 * Stores the token in a secured variable of Bitbucket Pipelines (Bitbucket's API description: `pipelines_config/variables`,
 * `pipelines-config/variables`, `deployments_config/environments/…/variables`). It writes with the access token that came
 * with the refresh token. Bitbucket never returns the value of a secured variable, so nothing can be loaded. Before the
 * refresh there is no access token, so `check` can only find out whether the API can be reached.
 */
export function bitbucketVariable({ scope, name }: ScopedName, context: StoreContext): TokenStore {
  const { http } = context
  const fullName = repositoryOf(context)
  const encodedName = fullName.split('/').map(encodeURIComponent).join('/')
  const base = context.apiUrl.href.replace(/\/$/, '')
  const urlOf = (path: string) => new URL(`${base}/2.0/${path}`)
  return {
    name: `the ${scope.level} variable ${name} of ${scope.level === 'workspace' ? fullName.split('/')[0] : fullName}`,
    async check() {
      // Outside /2.0 there is no hourly limit for anonymous requests. Any answer shows that the API can be reached.
      await http({ method: 'GET', url: new URL(`${base}/`), headers: {} })
    },
    load: async () => undefined,
    async save({ refreshToken, access }) {
      const send = jsonSender(http, { authorization: bearerHeader(access.token), accept: 'application/json' })
      const api = { fullName, encodedName, send, urlOf }
      const path = await variablesPath(scope, api)
      const isNamed = (item: unknown) => isObject(item) && item['key'] === name
      for (let round = 1; ; round++) {
        const uuid = await findUuid(path, isNamed, api)
        const body = refreshToken.derive((value) => JSON.stringify({ uuid, key: name, value, secured: true }))
        const url = urlOf(uuid === undefined ? path : `${path}/${encodeURIComponent(uuid)}`)
        const response = await send(uuid === undefined ? 'POST' : 'PUT', url, body)
        if (response.status === 200 || response.status === 201) return
        // 409: another run has just created the variable. 404: another run has just deleted it.
        const hasChanged = response.status === (uuid === undefined ? 409 : 404)
        if (!hasChanged || round === rounds) throw refused(response, url, fullName)
      }
    },
  }
}

async function variablesPath(scope: Scope, api: Api): Promise<string> {
  if (scope.level === 'workspace')
    return `workspaces/${api.encodedName.split('/')[0]}/pipelines-config/variables`
  const repository = `repositories/${api.encodedName}`
  if (!('environment' in scope)) return `${repository}/pipelines_config/variables`
  const uuid = await environmentUuid(scope.environment, `${repository}/environments`, api)
  return `${repository}/deployments_config/environments/${encodeURIComponent(uuid)}/variables`
}

/** @param path the list of environments */
async function environmentUuid(environment: string, path: string, api: Api): Promise<string> {
  const [uuid] = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/i.exec(environment) ?? []
  if (uuid !== undefined) return `{${uuid}}`
  const isNamed = (item: unknown) => stringAt(item, 'name')?.toLowerCase() === environment.toLowerCase()
  const found = await findUuid(path, isNamed, api)
  if (found !== undefined) return found
  throw new TokenError(
    'store-unwritable',
    `${api.fullName} has no deployment environment with that name.`,
    'Look up the name in Repository settings → Deployments, or give the UUID of the environment.',
  )
}

/**
 * Returns the UUID of an object in a list. Bitbucket's `next` may be missing even if there are more pages, so this reads
 * pages until `size` is reached or a page is empty.
 */
async function findUuid(
  path: string,
  matches: (item: unknown) => boolean,
  { fullName, send, urlOf }: Api,
): Promise<string | undefined> {
  const url = urlOf(`${path}?pagelen=${pageLength}`)
  const asked = new Set<string>()
  let seen = 0
  for (let page = 1; page <= maxPages; page++) {
    asked.add(url.search)
    const response = await send('GET', url)
    const { values, next, size, pagelen = pageLength } = readObject(response) ?? {}
    if (response.status !== 200 || !Array.isArray(values)) throw refused(response, url, fullName)
    const uuid = stringAt(values.find(matches), 'uuid')
    if (uuid !== undefined) return uuid
    seen += values.length
    const query = queryOf(next, url)
    // A `next` that leads back to a page that was read is ignored.
    const isNew = query !== undefined && !asked.has(query)
    const isLast = typeof size === 'number' ? seen >= size : values.length < Number(pagelen)
    if (values.length === 0 || (!isNew && isLast)) return undefined
    if (isNew) url.search = query
    else url.searchParams.set('page', String(page + 1))
  }
  return undefined
}

/** Returns the query of the next page. The rest of its address is ignored, because the token must not go to another host. */
function queryOf(next: unknown, url: URL): string | undefined {
  return typeof next === 'string' && URL.canParse(next, url.href) ? new URL(next, url).search : undefined
}

function refused(response: HttpAnswer, url: URL, fullName: string): TokenError {
  const required = readError(response)?.required ?? []
  const usual =
    response.status === 401 || response.status === 403
      ? `Give the OAuth client the permissions Pipelines: Read and Edit variables (scopes ${required.join(', ') || 'pipeline and pipeline:variable'}). Then ask an administrator of ${fullName} to authorise it again.`
      : `Check that ${fullName} exists and that Pipelines is enabled in it.`
  return refusal(response, url, adviceOn(response, usual))
}

/**
 * Returns the job's own repository if there is one, because a job's variables come from it. Otherwise the input
 * `repository`.
 */
function repositoryOf({ world, repository, nameOf }: StoreContext): string {
  const fullName = world.env['BITBUCKET_REPO_FULL_NAME'] || repository
  if (fullName !== undefined) return requireFullName(fullName, 'BITBUCKET_REPO_FULL_NAME', 'workspace/slug')
  throw new TokenError(
    'input',
    'save-refresh-token names a variable in Bitbucket, but its repository is unknown.',
    `Outside Bitbucket Pipelines, set ${nameOf('repository')} to workspace/slug.`,
  )
}
