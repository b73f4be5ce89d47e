import { type ReceivedRequest, type Reply, type Server, serve } from './server.ts'

export interface Variable {
  key: string
  value: string
  masked: boolean
  raw: boolean
  protected: boolean
  hidden: boolean
  environment_scope: string
}

/** GitLab's API for project variables, as docs.gitlab.com describes it. */
export interface GitLab extends Server {
  readonly variables: Variable[]
  readonly env: Readonly<Record<string, string>>
  readonly token: string
}

export async function startGitLab({
  scope = 'api',
}: {
  scope?: 'api' | 'read_api' | 'none'
} = {}): Promise<GitLab> {
  const token = 'glpat-a_token.that-may-write'
  const variables: Variable[] = []
  const prefix = '/api/v4/projects/42/variables'

  const server = await serve(({ method, path, headers, body }: ReceivedRequest): Reply => {
    if (headers['private-token'] !== token) return { status: 401, body: { message: '401 Unauthorized' } }
    if (path === '/api/v4/personal_access_tokens/self') return self(scope)
    if (!path.startsWith(prefix)) return { status: 404, body: { message: '404 Project Not Found' } }
    if (scope === 'none') return { status: 403, body: { message: '403 Forbidden' } }
    if (method !== 'GET' && scope === 'read_api') {
      const description = 'The request requires higher privileges than provided by the access token.'
      return {
        status: 403,
        body: { error: 'insufficient_scope', error_description: description, scope: 'api' },
      }
    }
    const key = path.slice(prefix.length + 1)
    const found = variables.filter((variable) => variable.key === (key || body['key']))
    if (method === 'POST') {
      if (found.length > 0)
        return { status: 400, body: { message: { key: ['(KEY) has already been taken'] } } }
      return keep({ ...usual, key: String(body['key']), value: '' }, body, 201)
    }
    if (found.length > 1) {
      const message =
        "There are multiple variables with provided parameters. Please use 'filter[environment_scope]'"
      return { status: 409, body: { message } }
    }
    const [variable] = found
    if (variable === undefined) return { status: 404, body: { message: '404 Variable Not Found' } }
    if (method === 'GET') {
      return { status: 200, body: { ...variable, value: variable.hidden ? null : variable.value } }
    }
    return keep(variable, body, 200)
  })

  function keep(before: Variable, change: ReceivedRequest['body'], status: number): Reply {
    const after = { ...before, ...change } as Variable
    // docs.gitlab.com, "Mask a CI/CD variable": one line without spaces, 8 characters or more.
    if (after.masked && !/^\S{8,}$/.test(after.value)) {
      return { status: 400, body: { message: { value: ['is invalid'] } } }
    }
    if (after.value.length > 10_000) return { status: 400, body: { message: { value: ['is too long'] } } }
    const index = variables.indexOf(before)
    variables.splice(index === -1 ? variables.length : index, 1, after)
    return { status, body: after }
  }

  return {
    ...server,
    variables,
    token,
    env: { CI_API_V4_URL: `${server.url}/api/v4`, CI_PROJECT_ID: '42', CI_PROJECT_PATH: 'acme/app' },
  }
}

/** Returns what a token may learn about itself (docs.gitlab.com, "Personal access tokens API"). */
function self(scope: string): Reply {
  return scope === 'none'
    ? { status: 403, body: { message: '403 Forbidden' } }
    : { status: 200, body: { id: 1, name: 'bitbucket', revoked: false, active: true, scopes: [scope] } }
}

const usual = { masked: false, raw: false, protected: false, hidden: false, environment_scope: '*' }
