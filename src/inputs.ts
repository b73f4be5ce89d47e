import type { CredentialKind } from './bitbucket/credential.ts'
import { type CredentialInputs, credentialInputs } from './credentials/choose.ts'
import { invalid, readAddress, readCredentialInputs, readValue } from './credentials/read.ts'
import { type HostName, hostNames } from './hosts/index.ts'
import { Secret } from './secret.ts'

/** One row of the table below. */
export interface InputDefinition {
  /** What a user reads in action.yml, the README and `--help`. */
  readonly help: string
  readonly type: 'text' | 'list' | 'boolean' | 'choice' | 'number' | 'url' | 'repository'
  /** A secret has no flag: a process list shows arguments. */
  readonly secret?: true
  readonly default?: string
  /** What a choice can be. */
  readonly values?: readonly string[]
  /** The smallest and largest number, both included. */
  readonly range?: readonly [number, number]
}

/**
 * The one table of inputs. An input `some-name` is `with: some-name` in a workflow, the variable
 * `BITBUCKET_SOME_NAME` everywhere else, and the flag `--some-name` unless it is a secret. action.yml, pipe.yml,
 * the README's table and `--help` are made from it (`npm run generate`).
 */
export const inputTable = {
  'client-id': { type: 'text', help: "The OAuth consumer's key." },
  'client-secret': { type: 'text', secret: true, help: "The OAuth consumer's secret." },
  'refresh-token': {
    type: 'text',
    secret: true,
    help: 'A refresh token of that consumer; turns the OAuth grant into the refresh grant.',
  },
  email: { type: 'text', help: "The e-mail address of the API token's Atlassian account." },
  'api-token': { type: 'text', secret: true, help: 'An Atlassian API token with Bitbucket scopes.' },
  'access-token': {
    type: 'text',
    secret: true,
    help: 'A repository, project or workspace access token.',
  },
  'connect-app-key': { type: 'text', help: 'The key of an existing Connect app, from its descriptor.' },
  'connect-client-key': { type: 'text', help: "The `clientKey` of that app's installation." },
  'connect-shared-secret': {
    type: 'text',
    secret: true,
    help: "The `sharedSecret` of that app's installation. Support of Connect ends in December 2026.",
  },
  grant: {
    type: 'choice',
    default: 'auto',
    values: ['auto', 'client-credentials', 'refresh-token', 'jwt', 'api-token', 'access-token'],
    help: 'Which credential to use: `client-credentials`, `refresh-token`, `jwt` (a Connect app), `api-token`, `access-token`, or `auto` to infer it from what is given.',
  },
  scopes: {
    type: 'list',
    help: 'Scopes the job needs, separated by spaces, commas or lines; the step fails when one is not granted. A token of a Connect app gets no others.',
  },
  repository: { type: 'repository', help: '`workspace/slug` that the credential must be able to read.' },
  verify: {
    type: 'choice',
    default: 'auto',
    values: ['auto', 'true', 'false'],
    help: 'Ask Bitbucket whether the credential works; `auto` asks where no token endpoint has just vouched for it.',
  },
  'save-refresh-token': {
    type: 'text',
    help: 'Where the new refresh token goes that comes with each refresh: `bitbucket-variable[:scope]`, `github-secret[:NAME]`, `gitlab-variable[:NAME]`, `file:PATH` or `command:…` (docs/refresh-tokens.md).',
  },
  'github-token': {
    type: 'text',
    secret: true,
    help: 'A GitHub token that may write secrets, for `save-refresh-token: github-secret`.',
  },
  'gitlab-token': {
    type: 'text',
    secret: true,
    help: 'A GitLab token that may write CI/CD variables, for `save-refresh-token: gitlab-variable`.',
  },
  'export-env': {
    type: 'boolean',
    default: 'true',
    help: 'Export `BITBUCKET_ACCESS_TOKEN` and its companions to later steps.',
  },
  'git-credentials': { type: 'boolean', default: 'true', help: 'Write the git-credentials file.' },
  'configure-git': {
    type: 'boolean',
    default: 'true',
    help: "Make git in later steps use the credential for Bitbucket's host.",
  },
  'rewrite-ssh-urls': {
    type: 'boolean',
    default: 'false',
    help: 'Also send `git@bitbucket.org:` and `ssh://git@bitbucket.org/` through it.',
  },
  'output-dir': {
    type: 'text',
    help: 'Directory for `env.sh` and `git-credentials` on hosts without a private temporary directory; `.bitbucket-token` in the clone or working directory unless given.',
  },
  url: {
    type: 'url',
    default: 'https://bitbucket.org',
    help: 'Where Bitbucket serves OAuth and git.',
  },
  'api-url': {
    type: 'url',
    default: 'https://api.bitbucket.org',
    help: 'Where Bitbucket serves its REST API.',
  },
  timeout: {
    type: 'number',
    default: '60',
    range: [1, 3600],
    help: 'Seconds for everything together.',
  },
  retries: { type: 'number', default: '4', range: [0, 20], help: 'Further tries after the first.' },
  summary: { type: 'boolean', default: 'true', help: 'Write a job summary, where the host has one.' },
  ci: {
    type: 'choice',
    default: 'auto',
    values: ['auto', ...hostNames],
    help: `Name of the host, where it cannot be seen (\`docker run\`): ${hostNames.map((name) => `\`${name}\``).join(', ')}.`,
  },
  debug: {
    type: 'boolean',
    default: 'false',
    help: 'Say more; never a header, a body or a secret.',
  },
} as const satisfies Record<string, InputDefinition>

export type InputName = keyof typeof inputTable
export const inputNames = Object.keys(inputTable) as InputName[]
export const definitionOf = (name: InputName): InputDefinition => inputTable[name]

/** `BITBUCKET_SOME_NAME` for `some-name`. */
export const variableOf = (name: InputName): string => `BITBUCKET_${name.toUpperCase().replaceAll('-', '_')}`

/** The inputs as the program uses them. What was not given, or given empty, is undefined. */
export interface Inputs extends CredentialInputs {
  readonly grant: CredentialKind | 'auto'
  readonly scopes: readonly string[]
  readonly repository: string | undefined
  readonly verify: boolean | 'auto'
  readonly 'save-refresh-token': string | undefined
  readonly 'github-token': Secret | undefined
  readonly 'gitlab-token': Secret | undefined
  readonly 'export-env': boolean
  readonly 'git-credentials': boolean
  readonly 'configure-git': boolean
  readonly 'rewrite-ssh-urls': boolean
  readonly 'output-dir': string | undefined
  readonly url: URL
  readonly 'api-url': URL
  /** Seconds. */
  readonly timeout: number
  readonly retries: number
  readonly summary: boolean
  readonly ci: HostName | 'auto'
  readonly debug: boolean
}

/** What was given, by input name and not yet looked at, and how to name an input to the person who gave it. */
export interface GivenInputs {
  /** `action`: every value was written into this step; `variables`: some may be left from elsewhere. */
  readonly from: 'action' | 'variables'
  readonly values: ReadonlyMap<InputName, string>
  nameOf(input: InputName): string
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Inputs of a `uses:` step. Only `INPUT_*` counts, so an empty secret never falls back to a variable that an
 * earlier step exported. (actions/runner upper-cases the name and keeps its hyphens.)
 */
export function givenToAction(env: Environment): GivenInputs {
  const values = new Map<InputName, string>()
  for (const name of inputNames) {
    const value = env[`INPUT_${name.toUpperCase()}`]
    if (value !== undefined) values.set(name, value)
  }
  return { from: 'action', values, nameOf: (input) => input }
}

/**
 * Inputs of a pipe, a `docker run` or a shell: variables, over which flags win. A list may also come as a pipe's
 * array variable (`NAME_COUNT`, `NAME_0`, …; Atlassian: "Advanced techniques for writing pipes").
 */
export function givenByVariables(env: Environment, flags: ReadonlyMap<InputName, string>): GivenInputs {
  const values = new Map<InputName, string>()
  for (const name of inputNames) {
    const value = flags.get(name) ?? (ownVariable(env, name) || arrayVariable(env, name))
    if (value !== undefined) values.set(name, value)
  }
  return {
    from: 'variables',
    values,
    nameOf: (input) => (flags.has(input) ? `--${input}` : variableOf(input)),
  }
}

/** A pipe passes `$NAME` on as it stands where the variable that pipe.yml takes as default does not exist. */
function ownVariable(env: Environment, name: InputName): string | undefined {
  const value = env[variableOf(name)]
  return value?.trim() === `$${variableOf(name)}` ? undefined : value
}

function arrayVariable(env: Environment, name: InputName): string | undefined {
  const variable = variableOf(name)
  const count = env[`${variable}_COUNT`]
  if (definitionOf(name).type !== 'list' || count === undefined || !/^\d{1,3}$/.test(count)) return undefined
  return Array.from({ length: Number(count) }, (_, index) => env[`${variable}_${index}`] ?? '').join('\n')
}

/**
 * An environment for programs that need no credential: without those that were given, and without those that an
 * earlier run exported.
 */
export function withoutCredentials(env: Environment): Record<string, string | undefined> {
  const variables = credentialInputs.flatMap((name) => [variableOf(name), `INPUT_${name.toUpperCase()}`])
  const isCredential = (name: string) =>
    variables.includes(name) ||
    name === 'BITBUCKET_AUTHORIZATION' ||
    name.startsWith('BITBUCKET_GIT_PASSWORD_')
  // Windows reads a variable by its name in any case.
  return Object.fromEntries(Object.entries(env).filter(([name]) => !isCredential(name.toUpperCase())))
}

/** Whether a runner started the program for a `uses:` step: it sets `INPUT_*` for each input that has a default. */
export function isAction(env: Environment): boolean {
  const onRunner = Boolean(env['GITHUB_ACTIONS'] || env['GITEA_ACTIONS'])
  return onRunner && Object.keys(env).some((name) => name.startsWith('INPUT_'))
}

/** Each secret that was given, unparsed, so that it can be masked before anything is said about it. */
export function givenSecrets(given: GivenInputs): Secret[] {
  return inputNames
    .filter((name) => definitionOf(name).secret)
    .map((name) => given.values.get(name)?.trim() ?? '')
    .filter((value) => value !== '')
    .map((value) => new Secret(value))
}

/**
 * Reads every input by the rules of its type.
 * @throws {TokenError} `input`, naming the input as the user knows it and never showing a secret.
 */
export function parseInputs(given: GivenInputs): Inputs {
  const text = (name: InputName): string | undefined => readText(name, given)
  const secret = (name: InputName): Secret | undefined => {
    const value = text(name)
    return value === undefined ? undefined : new Secret(value)
  }
  const credential = readCredentialInputs((name) => given.values.get(name), given.nameOf)
  const verify = readChoice('verify', given)
  const repository = readRepository(given)
  if (repository !== undefined && verify === 'false') {
    throw invalid(
      `${given.nameOf('repository')} asks for a check that ${given.nameOf('verify')} forbids.`,
      'Remove one of the two.',
    )
  }
  return {
    ...credential,
    grant: readChoice('grant', given) as CredentialKind | 'auto',
    scopes: readScopes(given),
    repository,
    verify: verify === 'auto' ? 'auto' : verify === 'true',
    'save-refresh-token': text('save-refresh-token'),
    'github-token': secret('github-token'),
    'gitlab-token': secret('gitlab-token'),
    'export-env': readBoolean('export-env', given),
    'git-credentials': readBoolean('git-credentials', given),
    'configure-git': readBoolean('configure-git', given),
    'rewrite-ssh-urls': readBoolean('rewrite-ssh-urls', given),
    'output-dir': text('output-dir'),
    url: readUrl('url', given),
    'api-url': readUrl('api-url', given),
    timeout: readNumber('timeout', given),
    retries: readNumber('retries', given),
    summary: readBoolean('summary', given),
    ci: readChoice('ci', given) as HostName | 'auto',
    debug: readBoolean('debug', given),
  }
}

function readText(name: InputName, given: GivenInputs): string | undefined {
  return readValue(given.values.get(name), given.nameOf(name), { secret: definitionOf(name).secret ?? false })
}

/** The trimmed value, or the default: an empty value means "not given". */
function readOrDefault(name: InputName, given: GivenInputs): string {
  return readText(name, given) ?? definitionOf(name).default ?? ''
}

function readChoice(name: InputName, given: GivenInputs): string {
  const value = readOrDefault(name, given).toLowerCase()
  const values = definitionOf(name).values ?? []
  if (!values.includes(value)) {
    throw invalid(`${given.nameOf(name)} is not one of its values.`, `Use one of: ${values.join(', ')}.`)
  }
  return value
}

/** Pipes read booleans as YAML does (`yes`, `on`, `1`), so these count too (bitbucket_pipes_toolkit). */
function readBoolean(name: InputName, given: GivenInputs): boolean {
  const value = readOrDefault(name, given).toLowerCase()
  if (['true', 'yes', 'on', '1'].includes(value)) return true
  if (['false', 'no', 'off', '0'].includes(value)) return false
  throw invalid(`${given.nameOf(name)} is neither true nor false.`, 'Use true or false.')
}

function readNumber(name: InputName, given: GivenInputs): number {
  const value = readOrDefault(name, given)
  const [least, most] = definitionOf(name).range ?? [0, Number.MAX_SAFE_INTEGER]
  if (!/^\d{1,9}$/.test(value) || Number(value) < least || Number(value) > most) {
    throw invalid(
      `${given.nameOf(name)} is not a whole number that fits.`,
      `Use a number from ${least} to ${most}.`,
    )
  }
  return Number(value)
}

function readScopes(given: GivenInputs): string[] {
  const scopes = (given.values.get('scopes') ?? '').split(/[\s,]+/).filter(Boolean)
  if (scopes.some((scope) => !/^[a-z][a-z0-9-]*(:[a-z0-9-]+)*$/i.test(scope))) {
    throw invalid(
      `${given.nameOf('scopes')} holds something that is not a scope.`,
      'Write scopes as Bitbucket names them, for example: repository:write pullrequest, or read:repository:bitbucket for an API token.',
    )
  }
  return [...new Set(scopes)]
}

function readRepository(given: GivenInputs): string | undefined {
  const value = readText('repository', given)
  // A slug, or a workspace or repository UUID in braces, as Bitbucket's REST paths take them.
  if (value !== undefined && !/^(?!\.{1,2}\/)[\w.{}-]+\/(?!\.{1,2}$)[\w.{}-]+$/.test(value)) {
    throw invalid(
      `${given.nameOf('repository')} is not of the form workspace/slug.`,
      'Take the two parts behind bitbucket.org/ in the repository’s address, for example acme/website.',
    )
  }
  return value
}

function readUrl(name: InputName, given: GivenInputs): URL {
  const usual = definitionOf(name).default ?? ''
  return readAddress(given.values.get(name), given.nameOf(name), usual)
}
