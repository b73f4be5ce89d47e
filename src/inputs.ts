import { defaultAddresses, readApiAddress, readSiteAddress } from './bitbucket/addresses.ts'
import {
  type CredentialInputs,
  type CredentialKind,
  credentialInputs,
  credentialInputTable,
  credentialKinds,
  datedTokens,
  kinds,
  readCredentialInputs,
} from './credentials/index.ts'
import { type GitPath, parseGitPath } from './git/git-path.ts'
import { detectHost, type HostName, hostNames } from './hosts/index.ts'
import { parseBoolean, readDay } from './input-values.ts'
import { brokerVariables } from './outputs.ts'
import { invalid, readValue } from './read-value.ts'
import { Secret } from './secret.ts'
import { variableHints } from './variable-hints.ts'

/** One row of the table below. */
interface InputDefinition {
  readonly type: 'text' | 'list' | 'boolean' | 'choice' | 'number' | 'date' | 'url' | 'repository'
  /** What users read about it in action.yml, the README and `--help`. */
  readonly help: string
  /** A secret has no flag, because every user of the machine can read the arguments of a process. */
  readonly secret?: true
  readonly default?: string
  /** The values of a choice. */
  readonly values?: readonly string[]
  /** The smallest and the largest number, both included. */
  readonly range?: readonly [number, number]
}

/** The values of `grant` as its help names them. The name of a legacy kind does not say what it is. */
const kindsInHelp = kinds.map(({ kind, label, isLegacy }) => `\`${kind}\`${isLegacy ? ` (${label})` : ''}`)

/**
 * The table of all inputs. An input `some-name` is `with: some-name` in a workflow, the variable
 * `BITBUCKET_SOME_NAME` everywhere else, and the flag `--some-name` unless it is a secret. `npm run generate` makes
 * action.yml, pipe.yml and the README's table from it, and `--help` reads it. Each kind of credential defines its own rows.
 */
export const inputTable = {
  ...credentialInputTable,
  grant: {
    type: 'choice',
    default: 'auto',
    values: ['auto', ...credentialKinds],
    help: `Which credential to use: ${kindsInHelp.join(', ')}, or \`auto\` to choose it from the inputs that are set.`,
  },
  scopes: {
    type: 'list',
    help: 'Scopes that the job needs, separated by spaces, commas or newlines. The step fails if one is missing. The token of a Connect app gets only these scopes.',
  },
  repository: {
    type: 'repository',
    help: 'A repository (`workspace/slug`) that the credential must be able to read.',
  },
  verify: {
    type: 'choice',
    default: 'auto',
    values: ['auto', 'true', 'false'],
    help: 'Whether to ask Bitbucket if the credential works. `auto` asks if you made the token yourself, if `repository` is set, or if Bitbucket did not name the scopes that you require.',
  },
  'save-refresh-token': {
    type: 'text',
    help: 'Where to store the new refresh token that each refresh returns: `bitbucket-variable[:scope]`, `github-secret[:NAME]`, `gitlab-variable[:NAME]`, `file:PATH` or `command:…`.',
  },
  'github-token': {
    type: 'text',
    secret: true,
    help: 'A GitHub token that can write secrets, for `save-refresh-token: github-secret`.',
  },
  'gitlab-token': {
    type: 'text',
    secret: true,
    help: 'A GitLab token that can write CI/CD variables, for `save-refresh-token: gitlab-variable`.',
  },
  'expires-on': {
    type: 'date',
    help: `The date on which the ${datedTokens} expires, such as \`2027-03-01\`. The program warns before that date.`,
  },
  'warn-before': {
    type: 'number',
    default: '30',
    range: [0, 365],
    help: 'How many days before `expires-on` the warnings start.',
  },
  'export-env': {
    type: 'boolean',
    default: 'true',
    help: 'Export `BITBUCKET_ACCESS_TOKEN` and the related variables to later steps.',
  },
  'git-credentials': { type: 'boolean', default: 'true', help: 'Write a git-credentials file.' },
  'configure-git': {
    type: 'boolean',
    default: 'true',
    help: 'Make git use the credential for Bitbucket in later steps.',
  },
  'git-path': {
    type: 'list',
    help: 'Workspaces (`acme`) or repositories (`acme/website`) whose git URLs use this credential, separated by spaces, commas or newlines. Empty means all of Bitbucket.',
  },
  'rewrite-ssh-urls': {
    type: 'boolean',
    default: 'false',
    help: "Also use the credential for Bitbucket's SSH addresses, in every form that git accepts (`git@bitbucket.org:…`, `ssh://git@bitbucket.org/…`).",
  },
  'output-dir': {
    type: 'text',
    help: 'Directory for `env.sh` and `git-credentials` on CIs without a private temporary directory. If not set, it is `.bitbucket-token` in the clone or working directory.',
  },
  url: { type: 'url', default: defaultAddresses.site, help: "Bitbucket's address for OAuth and git." },
  'api-url': { type: 'url', default: defaultAddresses.api, help: "Bitbucket's address for its REST API." },
  timeout: {
    type: 'number',
    default: '60',
    range: [1, 3600],
    help: 'Overall time limit in seconds, including retries.',
  },
  retries: {
    type: 'number',
    default: '4',
    range: [0, 20],
    help: 'How many times to retry a failed request.',
  },
  summary: { type: 'boolean', default: 'true', help: 'Write a job summary if the CI supports it.' },
  ci: {
    type: 'choice',
    default: 'auto',
    values: ['auto', ...hostNames],
    help: `Name of the CI, if it cannot be detected (\`docker run\`): ${hostNames.map((name) => `\`${name}\``).join(', ')}.`,
  },
  debug: {
    type: 'boolean',
    default: 'false',
    help: 'Log more detail (never headers, bodies or secrets).',
  },
} as const satisfies Record<string, InputDefinition>

export type InputName = keyof typeof inputTable
export const inputNames = Object.keys(inputTable) as InputName[]
export const definitionOf = (name: InputName): InputDefinition => inputTable[name]
export const secretInputs: readonly InputName[] = inputNames.filter((name) => definitionOf(name).secret)

/** `BITBUCKET_SOME_NAME` for `some-name`. */
export const variableOf = (name: InputName): string => `BITBUCKET_${name.toUpperCase().replaceAll('-', '_')}`

/** `INPUT_SOME-NAME` for `some-name`: actions/runner upper-cases the name and keeps its hyphens. */
const actionVariableOf = (name: InputName): string => `INPUT_${name.toUpperCase()}`

/** The inputs as the program uses them. An input that is missing or empty is undefined. */
export interface Inputs extends CredentialInputs {
  readonly grant: CredentialKind | 'auto'
  readonly scopes: readonly string[]
  readonly repository: string | undefined
  readonly verify: boolean | 'auto'
  readonly 'save-refresh-token': string | undefined
  readonly 'github-token': Secret | undefined
  readonly 'gitlab-token': Secret | undefined
  /** A day in UTC, such as `2027-03-01`. */
  readonly 'expires-on': string | undefined
  /** Days. */
  readonly 'warn-before': number
  readonly 'export-env': boolean
  readonly 'git-credentials': boolean
  readonly 'configure-git': boolean
  readonly 'git-path': readonly GitPath[]
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

/** The values of the inputs before they are parsed, and how to name an input in messages to the user. */
export interface RawInputs {
  /** `action`: the step itself sets every value. `variables`: a value may also come from an earlier step. */
  readonly from: 'action' | 'variables'
  readonly values: ReadonlyMap<InputName, string>
  /** Returns the name under which the user sets an input: `client-id`, `BITBUCKET_CLIENT_ID`, `--client-id`. */
  nameOf(input: InputName): string
  /** Returns a sentence for each variable that is not read but looks as if it was meant for an input. Never a value. */
  variableHints(): readonly string[]
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Reads the inputs of a `uses:` step. It reads only `INPUT_*`, so that an empty secret never falls back to a variable
 * that an earlier step exported.
 */
export function rawInputsOfAction(env: Environment): RawInputs {
  const values = inputValues((name) => env[actionVariableOf(name)])
  const nameOf = (input: string) => input
  const own = new Set(inputNames.map(actionVariableOf))
  // An earlier step exported both this and the token, so the token was not meant for an input.
  if (env['BITBUCKET_AUTHORIZATION']) own.add(variableOf('access-token'))
  const isRead = (variable: string) => own.has(variable)
  const hints = () => variableHints(env, { origin: 'action', inputs: credentialInputTable, isRead, nameOf })
  return { from: 'action', values, nameOf, variableHints: hints }
}

/** Returns the values of the inputs that have one. */
export function inputValues(read: (name: InputName) => string | undefined): Map<InputName, string> {
  const values = new Map<InputName, string>()
  for (const name of inputNames) {
    const value = read(name)
    if (value !== undefined) values.set(name, value)
  }
  return values
}

/** The CIs that pass the `settings:` of a plugin step as `PLUGIN_*`. */
const pluginHosts: readonly HostName[] = ['drone', 'woodpecker', 'harness']

/** `PLUGIN_SOME_NAME` for `some-name`. Users can write a setting as `some_name` or `some-name`. */
const pluginVariablesOf = (name: InputName): string[] => {
  const variable = `PLUGIN_${name.toUpperCase()}`
  return [variable.replaceAll('-', '_'), variable]
}

function pluginVariable(env: Environment, name: InputName): string | undefined {
  const values = pluginVariablesOf(name).map((variable) => env[variable])
  return values.find(Boolean) ?? values.find((value) => value !== undefined)
}

/** Whether this process is a plugin step: the CI has plugin steps, and at least one setting is one of our inputs. */
function isPlugin(env: Environment, ci: string | undefined): boolean {
  const named = hostNames.find((name) => name === ci?.trim().toLowerCase())
  return (
    pluginHosts.includes(named ?? detectHost(env)) &&
    inputNames.some((name) => pluginVariable(env, name) !== undefined)
  )
}

/**
 * Reads the inputs of a pipe, a `docker run` or a shell from variables and flags. A flag wins over a variable. A list may
 * also be a pipe's array variable (`NAME_COUNT`, `NAME_0`, …; Atlassian: "Advanced techniques for writing pipes"). In a
 * plugin step a setting wins over a variable, because the step itself contains the setting.
 */
export function rawInputsOfVariables(env: Environment, flags: ReadonlyMap<InputName, string>): RawInputs {
  const isInPlugin = isPlugin(env, flags.get('ci') ?? env[variableOf('ci')])
  const setting = (name: InputName) => (isInPlugin ? pluginVariable(env, name) : undefined)
  const values = inputValues(
    (name) => flags.get(name) ?? (setting(name) || ownVariable(env, name) || arrayVariable(env, name)),
  )
  const nameOf = (input: InputName) => {
    if (flags.has(input)) return `--${input}`
    return isInPlugin && !env[variableOf(input)] ? settingOf(input) : variableOf(input)
  }
  return { from: 'variables', values, nameOf, variableHints: () => hintsOnVariables(env, isInPlugin) }
}

/** `some_name` for `some-name`, as users write it under `settings:`. */
const settingOf = (input: string): string => input.replaceAll('-', '_')

function hintsOnVariables(env: Environment, isInPlugin: boolean): string[] {
  const own = new Set([
    ...inputNames.map(variableOf),
    ...(isInPlugin ? inputNames.flatMap(pluginVariablesOf) : []),
  ])
  const nameOf = (input: string) => (isInPlugin ? settingOf(input) : variableOf(input as InputName))
  return variableHints(env, {
    origin: isInPlugin ? 'plugin' : 'variables',
    inputs: credentialInputTable,
    isRead: (variable) => own.has(variable),
    nameOf,
  })
}

/**
 * Reads an input's variable. It ignores the value `$NAME`: Pipelines passes this text if the variable that pipe.yml names as
 * the default does not exist.
 */
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
 * Returns the environment without credentials, for programs that need none. It leaves out the secret inputs (also those
 * for a store) and what an earlier run exported.
 */
export function withoutCredentials(env: Environment): Record<string, string | undefined> {
  const variables = [...credentialInputs, ...secretInputs].flatMap((name) => [
    variableOf(name),
    actionVariableOf(name),
    ...pluginVariablesOf(name),
  ])
  const isCredential = (name: string) =>
    variables.includes(name) ||
    name === 'BITBUCKET_AUTHORIZATION' ||
    name === brokerVariables.key ||
    name.startsWith('BITBUCKET_GIT_PASSWORD_')
  // On Windows the names of variables are case-insensitive.
  return Object.fromEntries(Object.entries(env).filter(([name]) => !isCredential(name.toUpperCase())))
}

/**
 * Whether a runner started this process for a `uses:` step of this action. If it did, `INPUT_CONFIGURE-GIT` is set,
 * because action.yml has a default for that input. Other `INPUT_*` variables prove nothing: processes that another action
 * starts inherit that action's inputs (actions/toolkit#309), and a `docker://` step has `INPUT_ARGS` (actions/runner#1984).
 */
export function isAction(env: Environment): boolean {
  const onRunner = Boolean(env['GITHUB_ACTIONS'] || env['GITEA_ACTIONS'])
  return onRunner && env[actionVariableOf('configure-git')] !== undefined
}

/** Returns the environment without this action's inputs, so that a child process does not believe it is this action. */
export function withoutActionInputs(env: Environment): Environment {
  const own = inputNames.map(actionVariableOf)
  return Object.fromEntries(Object.entries(env).filter(([name]) => !own.includes(name.toUpperCase())))
}

/** Returns each secret input, trimmed but not parsed, so that it can be masked before any message is written. */
export function secretsIn(raw: RawInputs): Secret[] {
  return secretInputs
    .map((name) => raw.values.get(name)?.trim() ?? '')
    .filter((value) => value !== '')
    .map((value) => new Secret(value))
}

/**
 * Parses every input by the rules of its type.
 * @throws {TokenError} `input`. The message names the input as the user sets it, and never shows a secret.
 */
export function parseInputs(raw: RawInputs): Inputs {
  const credential = readCredentialInputs((name) => raw.values.get(name), raw)
  const verify = readVerify(raw)
  const repository = readRepository(raw)
  if (repository !== undefined && verify === false) {
    throw invalid(
      `${raw.nameOf('repository')} needs the check that ${raw.nameOf('verify')} turns off.`,
      'Remove one of the two.',
    )
  }
  return {
    ...credential,
    grant: readChoice('grant', raw) as CredentialKind | 'auto',
    scopes: readScopes(raw),
    repository,
    verify,
    'save-refresh-token': readText('save-refresh-token', raw),
    'github-token': readSecret('github-token', raw),
    'gitlab-token': readSecret('gitlab-token', raw),
    'expires-on': readDate('expires-on', raw),
    'warn-before': readNumber('warn-before', raw),
    'export-env': readBoolean('export-env', raw),
    'git-credentials': readBoolean('git-credentials', raw),
    'configure-git': readBoolean('configure-git', raw),
    'git-path': readGitPaths(raw),
    'rewrite-ssh-urls': readBoolean('rewrite-ssh-urls', raw),
    url: readSiteAddress(raw.values.get('url'), raw.nameOf('url')),
    'api-url': readApiAddress(raw.values.get('api-url'), raw.nameOf('api-url')),
    timeout: readNumber('timeout', raw),
    retries: readNumber('retries', raw),
    summary: readBoolean('summary', raw),
    ...readHostInputs(raw),
  }
}

/** The inputs that decide where a run writes its messages, and with how much detail. */
export type HostInputs = Pick<Inputs, 'ci' | 'debug' | 'output-dir'>

/**
 * Parses the host inputs.
 * @throws {TokenError} `input`
 */
export const readHostInputs = (raw: RawInputs): HostInputs => ({
  ci: readCi(raw),
  debug: readBoolean('debug', raw),
  'output-dir': readText('output-dir', raw),
})

/**
 * Parses the host inputs, and uses the default for a bad one, because there is no log yet that could report it.
 * {@link parseInputs} reports it later.
 */
export function guessHostInputs(raw: RawInputs): HostInputs {
  return {
    ci: orIfInvalid('auto', () => readCi(raw)),
    debug: orIfInvalid(false, () => readBoolean('debug', raw)),
    'output-dir': orIfInvalid(undefined, () => readText('output-dir', raw)),
  }
}

/** Whether a run writes a job summary. It is known even if another input is bad, so that the summary can say so. */
export const wantsSummary = (raw: RawInputs): boolean => orIfInvalid(true, () => readBoolean('summary', raw))

function orIfInvalid<Value>(fallback: Value, read: () => Value): Value {
  try {
    return read()
  } catch {
    return fallback
  }
}

function readText(name: InputName, raw: RawInputs): string | undefined {
  return readValue(raw.values.get(name), raw.nameOf(name), { secret: definitionOf(name).secret ?? false })
}

function readSecret(name: InputName, raw: RawInputs): Secret | undefined {
  const value = readText(name, raw)
  return value === undefined ? undefined : new Secret(value)
}

/** Returns the trimmed value, or the default if the value is missing or empty. */
function readOrDefault(name: InputName, raw: RawInputs): string {
  return readText(name, raw) ?? definitionOf(name).default ?? ''
}

function readChoice(name: InputName, raw: RawInputs): string {
  const value = readOrDefault(name, raw).toLowerCase()
  const values = definitionOf(name).values ?? []
  if (!values.includes(value)) {
    throw invalid(`${raw.nameOf(name)} has an unknown value.`, `Use one of: ${values.join(', ')}.`)
  }
  return value
}

const readCi = (raw: RawInputs) => readChoice('ci', raw) as HostName | 'auto'

function readBoolean(name: InputName, raw: RawInputs): boolean {
  const value = parseBoolean(readOrDefault(name, raw))
  if (value !== undefined) return value
  throw invalid(`${raw.nameOf(name)} is not a boolean.`, 'Use true or false.')
}

function readVerify(raw: RawInputs): boolean | 'auto' {
  const value = readOrDefault('verify', raw)
  return parseBoolean(value) ?? (readChoice('verify', raw) as 'auto')
}

function readNumber(name: InputName, raw: RawInputs): number {
  const value = readOrDefault(name, raw)
  const [least, most] = definitionOf(name).range ?? [0, Number.MAX_SAFE_INTEGER]
  if (!/^\d{1,9}$/.test(value) || Number(value) < least || Number(value) > most) {
    throw invalid(
      `${raw.nameOf(name)} is not a valid number.`,
      `Use a whole number from ${least} to ${most}.`,
    )
  }
  return Number(value)
}

function readDate(name: InputName, raw: RawInputs): string | undefined {
  const day = readDay(raw.values.get(name) ?? '')
  if (day !== undefined || readText(name, raw) === undefined) return day
  throw invalid(
    `${raw.nameOf(name)} is not a date.`,
    'Write the year, month and day, for example 2027-03-01.',
  )
}

function readScopes(raw: RawInputs): string[] {
  const scopes = (raw.values.get('scopes') ?? '').split(/[\s,]+/).filter(Boolean)
  if (scopes.some((scope) => !/^[a-z][a-z0-9-]*(:[a-z0-9-]+)*$/i.test(scope))) {
    throw invalid(
      `${raw.nameOf('scopes')} contains something that is not a scope.`,
      'Write scopes as Bitbucket names them, for example: repository:write pullrequest, or read:repository:bitbucket for an API token.',
    )
  }
  return [...new Set(scopes)]
}

function readGitPaths(raw: RawInputs): GitPath[] {
  const items = (raw.values.get('git-path') ?? '').split(/[\s,]+/).filter(Boolean)
  const paths = items.map((item) => {
    const path = parseGitPath(item)
    if (path !== undefined) return path
    throw invalid(
      `${raw.nameOf('git-path')} contains something that is neither a workspace nor a repository.`,
      'Write only the part after bitbucket.org/ in the address: acme for a workspace, acme/website for a repository.',
    )
  })
  // Bitbucket ignores case in these names.
  return paths.filter((path, index) => {
    const first = paths.findIndex((other) => other.toLowerCase() === path.toLowerCase())
    return first === index
  })
}

function readRepository(raw: RawInputs): string | undefined {
  // The address for git ends with `.git`, and no slug does.
  const value = readText('repository', raw)?.replace(/\.git$/i, '')
  // Bitbucket's REST paths accept a slug, or the UUID of a workspace or repository in braces.
  if (value !== undefined && !/^(?!\.{1,2}\/)[\w.{}-]+\/(?!\.{1,2}$)[\w.{}-]+$/.test(value)) {
    throw invalid(
      `${raw.nameOf('repository')} does not have the form workspace/slug.`,
      'Copy the two parts after bitbucket.org/ from the repository’s address, for example acme/website.',
    )
  }
  return value
}
