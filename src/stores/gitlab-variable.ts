import { readObject, stringAt } from '../bitbucket/answers.ts'
import { TokenError } from '../errors.ts'
import type { Http, HttpAnswer } from '../http/exchange.ts'
import { Secret } from '../secret.ts'
import type { World } from '../world.ts'
import type { StorePlace } from './place.ts'
import { apiUrl, refusal } from './rest-answers.ts'
import type { Store } from './store.ts'

export interface GitLabContext {
  readonly http: Http
  readonly env: World['env']
  readonly token: Secret
}

/**
 * A CI/CD variable of the project (docs.gitlab.com, "Project-level CI/CD variables API"). GitLab gives its value back
 * unless it is hidden, and that is newer than the one that the job was started with where jobs have waited for each other.
 */
export function gitlabVariable(
  { name }: StorePlace & { kind: 'gitlab-variable' },
  { http, env, token }: GitLabContext,
): Store {
  const project = env['CI_PROJECT_ID']
  const base = env['CI_API_V4_URL']
  // A dot or two would lead to another path.
  if (!project || /^\.+$/.test(project) || !base) {
    throw new TokenError(
      'input',
      'save-refresh-token names a variable on GitLab, but CI_API_V4_URL and CI_PROJECT_ID, which every job on GitLab has, are not both set.',
      'In `docker run`, pass them on: --env CI_API_V4_URL --env CI_PROJECT_ID.',
    )
  }
  /** Jobs of other branches and tags are not to see a token that a protected one has created. */
  const isProtected = env['CI_COMMIT_REF_PROTECTED'] === 'true'
  const variables = apiUrl(base, 'CI_API_V4_URL', `projects/${encodeURIComponent(project)}/variables`)
  const variable = new URL(`${variables.href}/${name}`)

  const send = (method: 'GET' | 'POST' | 'PUT', url: URL, body?: Secret): Promise<HttpAnswer> =>
    http({
      method,
      url,
      headers: {
        'private-token': token,
        accept: 'application/json',
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body }),
    })

  const refused = (response: HttpAnswer): TokenError =>
    refusal(response, variable, adviceFor(response.status, name))

  /** Undefined where it does not exist. */
  const get = async (): Promise<HttpAnswer | undefined> => {
    const response = await send('GET', variable)
    if (response.status === 200) return response
    // GitLab says the same of a project that the token does not reach: "404 Project Not Found".
    if (response.status === 404 && !/project/i.test(response.body)) return undefined
    throw refused(response)
  }

  /**
   * A token that only reads is found out before the refresh (docs.gitlab.com, "Personal access tokens API": a token may
   * ask about itself). An answer without scopes says nothing.
   */
  const requireScope = async (): Promise<void> => {
    const response = await send('GET', apiUrl(base, 'CI_API_V4_URL', 'personal_access_tokens/self'))
    const scopes = readObject(response)?.['scopes']
    if (response.status !== 200 || !Array.isArray(scopes)) return
    if (!scopes.includes('read_api') || scopes.includes('api')) return
    throw new TokenError(
      'store-unwritable',
      'The gitlab-token has the scope read_api, but not api.',
      adviceFor(403, name),
    )
  }

  return {
    name: `the variable ${name} of the GitLab project ${env['CI_PROJECT_PATH'] || project}${variables.host === 'gitlab.com' ? '' : ` (${variables.host})`}`,
    async check() {
      await get()
      await requireScope()
    },
    async load() {
      const found = await get()
      const value = found && stringAt(readObject(found), 'value')?.trim()
      return value ? { refreshToken: new Secret(value) } : undefined
    },
    async save({ refreshToken }) {
      // Raw, so that no `$` in it is ever taken for a reference; masked by its value, which GitLab then checks.
      const bodyWith = (more: object) =>
        refreshToken.derive((value) => JSON.stringify({ key: name, value, masked: true, raw: true, ...more }))
      const body = bodyWith({})
      let response = await send('PUT', variable, body)
      if (response.status === 404)
        response = await send('POST', variables, bodyWith(isProtected ? { protected: true } : {}))
      // Another run has created it meanwhile: "(KEY) has already been taken".
      if (response.status === 400 && /taken/i.test(response.body))
        response = await send('PUT', variable, body)
      if (response.status !== 200 && response.status !== 201) throw refused(response)
    },
  }
}

function adviceFor(status: number, name: string): string {
  switch (status) {
    case 401:
      return 'The gitlab-token has expired or was revoked: make a new one.'
    case 403:
    case 404:
      return 'The gitlab-token must be a project access token (or a personal one) with the role Maintainer and the scope api; the CI_JOB_TOKEN cannot write variables.'
    case 409:
      return `There is more than one variable ${name}: leave the one whose environment scope is * (All).`
    default:
      return 'Settings → CI/CD → Variables has the same variable by hand.'
  }
}
