import { randomUUID } from 'node:crypto'
import { readPipelines, writeVariables } from './access.ts'
import { type Accounts, repository } from './accounts.ts'
import type { PipelinesVariable, VariableScope } from './contract.ts'
import { type Answer, type Exchange, json, parseJson } from './exchange.ts'
import { authorize, failure, noApi } from './rest.ts'

/** Bitbucket's API description: "The default value is 10 with 100 being the maximum allowed value." */
const defaultPageLength = 10
const maxPageLength = 100

const repositoryPath = `/2\\.0/repositories/${repository.fullName}`
const environmentsPath = new RegExp(`^${repositoryPath}/environments$`)
const scopePaths = [
  `(?<repository>${repositoryPath}/pipelines_config)`,
  // Bitbucket really uses a hyphen here and underscores in the other paths.
  `(?<workspace>/2\\.0/workspaces/${repository.workspace}/pipelines-config)`,
  `${repositoryPath}/deployments_config/environments/(?<environment>[^/]+)`,
]
const variablesPath = new RegExp(`^(?:${scopePaths.join('|')})/variables(?:/(?<uuid>[^/]+))?$`)

/**
 * The Pipelines variables of the repository, the workspace and the deployment environments. Reading requires the scope
 * `pipeline`, writing requires `pipeline:variable`, and neither implies the other (Bitbucket's API description).
 */
export class PipelinesVariables {
  readonly #environments: { readonly uuid: string; readonly name: string }[] = []
  readonly #variables = new Map<VariableScope, PipelinesVariable[]>()

  definedIn(scope: VariableScope): PipelinesVariable[] {
    const name = /^deployment\/(.+)$/.exec(scope)?.[1]
    if (name !== undefined && !this.#environments.some((environment) => environment.name === name)) {
      this.#environments.push({ uuid: `{${randomUUID()}}`, name })
    }
    const variables = this.#variables.get(scope) ?? []
    this.#variables.set(scope, variables)
    return variables
  }

  /** Answers a request, or returns undefined if it is about something else. */
  answer(exchange: Exchange, accounts: Accounts): Answer | undefined {
    const path = decoded(exchange.url.pathname).replace(/\/+$/, '')
    const isEnvironments = environmentsPath.test(path)
    if (!isEnvironments && !/\/variables(\/|$)/.test(path)) return undefined
    const isRead = exchange.req.method === 'GET'
    const token = authorize(exchange.req, accounts, isRead ? readPipelines : writeVariables)
    if ('status' in token) return token
    if (isEnvironments) return isRead ? listPage(this.#environments, exchange) : noApi()
    const { uuid, ...place } = variablesPath.exec(path)?.groups ?? {}
    const scope = this.#scopeOf(place)
    if (scope === undefined) return failure(404, 'Not found')
    const variables = this.definedIn(scope)
    return isRead ? read(variables, uuid, exchange) : write(variables, uuid, exchange)
  }

  #scopeOf({ repository, workspace, environment }: Record<string, string | undefined>) {
    if (repository !== undefined) return 'repository'
    if (workspace !== undefined) return 'workspace'
    const name = this.#environments.find(({ uuid }) => uuid === environment)?.name
    return name === undefined ? undefined : (`deployment/${name}` as const)
  }
}

/** Decodes a path. Returns it unchanged if it cannot be decoded, and then it matches none of the paths above. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

function read(variables: readonly PipelinesVariable[], uuid: string | undefined, exchange: Exchange): Answer {
  if (uuid === undefined) return listPage(variables.map(shown), exchange)
  const found = variables.find((variable) => variable.uuid === uuid)
  return found === undefined ? failure(404, 'Variable not found') : json(200, shown(found))
}

function write(variables: PipelinesVariable[], uuid: string | undefined, { req, body }: Exchange): Answer {
  if (req.method !== (uuid === undefined ? 'POST' : 'PUT')) return noApi()
  const index = variables.findIndex((variable) => variable.uuid === uuid)
  if (uuid !== undefined && index === -1) return failure(404, 'Variable not found')
  const fields = parse(body)
  if (fields === undefined) return failure(400, 'Bad request')
  if (variables.some((other, at) => other.key === fields.key && at !== index)) {
    return failure(409, 'A variable with the provided key already exists.')
  }
  const variable = { uuid: uuid ?? `{${randomUUID()}}`, ...fields }
  variables.splice(index === -1 ? variables.length : index, 1, variable)
  return json(uuid === undefined ? 201 : 200, shown(variable))
}

function parse(body: string): Omit<PipelinesVariable, 'uuid'> | undefined {
  const { key, value, secured = false } = parseJson(body)
  if (typeof key !== 'string' || typeof value !== 'string' || typeof secured !== 'boolean') return undefined
  return { key, value, secured }
}

/** "If the variable is secured, this will be empty." (Bitbucket's API description of `value`) */
function shown({ value, ...variable }: PipelinesVariable): object {
  return { type: 'pipeline_variable', ...variable, ...(!variable.secured && { value }) }
}

function listPage(items: readonly object[], { req, url }: Exchange): Answer {
  const number = Number(url.searchParams.get('page') ?? 1)
  const length = Math.min(maxPageLength, Number(url.searchParams.get('pagelen') ?? defaultPageLength))
  const next = new URL(`http://${req.headers.host}${url.pathname}${url.search}`)
  next.searchParams.set('page', String(number + 1))
  return json(200, {
    page: number,
    pagelen: length,
    size: items.length,
    values: items.slice((number - 1) * length, number * length),
    ...(number * length < items.length && { next: next.href }),
  })
}
