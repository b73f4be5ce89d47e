import { readObject, stringAt } from '../bitbucket/answers.ts'
import { TokenError } from '../errors.ts'
import type { HttpAnswer } from '../http/exchange.ts'
import { Secret } from '../secret.ts'
import type { World } from '../world.ts'
import type { StoreContext } from './context.ts'
import type { StorePlace } from './place.ts'
import { apiUrl, jsonSender, refusal, type SendJson } from './rest-api.ts'
import type { TokenStore } from './store.ts'

/**
 * Stores the token in a CI/CD variable of the project (docs.gitlab.com, "Project-level CI/CD variables API"). GitLab returns
 * its value unless the variable is hidden. If the job has waited for another job, that value is newer than the one it
 * started with.
 */
export function gitlabVariable(
  { name }: StorePlace & { kind: 'gitlab-variable' },
  token: Secret,
  { http, world: { env } }: StoreContext,
): TokenStore {
  const { project, base } = projectIn(env)
  /** If a job of a protected branch or tag creates the variable, jobs of other branches must not see it. */
  const isProtected = env['CI_COMMIT_REF_PROTECTED'] === 'true'
  const variables = apiUrl(base, 'CI_API_V4_URL', `projects/${encodeURIComponent(project)}/variables`)
  const variable = new URL(`${variables.href}/${name}`)

  const send = jsonSender(http, { 'private-token': token, accept: 'application/json' })
  const refused = (response: HttpAnswer): TokenError =>
    refusal(response, variable, adviceFor(response.status, name))

  /** Returns the variable; undefined if it does not exist. */
  const get = async (): Promise<HttpAnswer | undefined> => {
    const response = await send('GET', variable)
    if (response.status === 200) return response
    // GitLab also answers 404 if the token has no access to the project: "404 Project Not Found".
    if (response.status === 404 && !/project/i.test(response.body)) return undefined
    throw refused(response)
  }

  return {
    name: `the variable ${name} of the GitLab project ${env['CI_PROJECT_PATH'] || project}${variables.host === 'gitlab.com' ? '' : ` (${variables.host})`}`,
    async check() {
      await get()
      await requireScope(send, apiUrl(base, 'CI_API_V4_URL', 'personal_access_tokens/self'), name)
    },
    async load() {
      const found = await get()
      const value = found && stringAt(readObject(found), 'value')?.trim()
      return value ? { refreshToken: new Secret(value) } : undefined
    },
    async save({ refreshToken }) {
      // `raw`, so that GitLab does not replace `$NAME` in the value. `masked`, so that GitLab hides the value in logs, and
      // rejects a value that it cannot hide.
      const bodyWith = (more: object) =>
        refreshToken.derive((value) => JSON.stringify({ key: name, value, masked: true, raw: true, ...more }))
      const body = bodyWith({})
      let response = await send('PUT', variable, body)
      if (response.status === 404)
        response = await send('POST', variables, bodyWith(isProtected ? { protected: true } : {}))
      // Another run has just created it: "(KEY) has already been taken".
      if (response.status === 400 && /taken/i.test(response.body))
        response = await send('PUT', variable, body)
      if (response.status !== 200 && response.status !== 201) throw refused(response)
    },
  }
}

function projectIn(env: World['env']): { readonly project: string; readonly base: string } {
  const project = env['CI_PROJECT_ID']
  const base = env['CI_API_V4_URL']
  // `.` or `..` would lead to another path.
  if (project && !/^\.+$/.test(project) && base) return { project, base }
  throw new TokenError(
    'input',
    'save-refresh-token names a variable on GitLab, but CI_API_V4_URL or CI_PROJECT_ID is not set.',
    'GitLab sets both in every job. For `docker run`, add --env CI_API_V4_URL --env CI_PROJECT_ID.',
  )
}

/**
 * Detects a token that can only read, before the refresh (docs.gitlab.com, "Personal access tokens API": a token may ask
 * about itself). An answer without scopes is ignored.
 */
async function requireScope(send: SendJson, self: URL, name: string): Promise<void> {
  const response = await send('GET', self)
  const scopes = readObject(response)?.['scopes']
  if (response.status !== 200 || !Array.isArray(scopes)) return
  if (!scopes.includes('read_api') || scopes.includes('api')) return
  throw new TokenError(
    'store-unwritable',
    'The gitlab-token has only the scope read_api, but writing needs api.',
    adviceFor(403, name),
  )
}

function adviceFor(status: number, name: string): string {
  switch (status) {
    case 401:
      return 'The gitlab-token has expired or was revoked. Create a new one.'
    case 403:
    case 404:
      return 'Use a project access token (or a personal one) with the role Maintainer and the scope api as gitlab-token. The CI_JOB_TOKEN cannot write variables.'
    case 409:
      return `There are several variables ${name}. Keep only the one whose environment scope is * (All).`
    default:
      return 'Try to set the variable by hand in Settings → CI/CD → Variables.'
  }
}
