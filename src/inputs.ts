import type { CredentialKind } from './bitbucket/credential.ts'
import { parseBoolean } from './boolean.ts'
import { credentialInputs, credentialKinds } from './credentials/index.ts'
import type { CredentialInputs } from './credentials/kind.ts'
import {
  invalid,
  readApiAddress,
  readCredentialInputs,
  readSiteAddress,
  readValue,
  usualAddresses,
} from './credentials/read.ts'
import { type GitPath, parseGitPath } from './git/git-path.ts'
import { detectHost, type HostName, hostNames } from './hosts/index.ts'
import { misplacedInputs } from './misplaced.ts'
import { Secret } from './secret.ts'

/** One row of the table below. */
export interface InputDefinition {
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
 * the README's table and `--help` are made from it (`npm run generate`), with what input-help.ts says of each.
 */
export const inputTable = {
  'client-id': { type: 'text' },
  'client-secret': { type: 'text', secret: true },
  'refresh-token': { type: 'text', secret: true },
  email: { type: 'text' },
  'api-token': { type: 'text', secret: true },
  'access-token': { type: 'text', secret: true },
  'connect-app-key': { type: 'text' },
  'connect-client-key': { type: 'text' },
  'connect-shared-secret': { type: 'text', secret: true },
  grant: {
    type: 'choice',
    default: 'auto',
    values: ['auto', ...credentialKinds],
  },
  scopes: { type: 'list' },
  repository: { type: 'repository' },
  verify: { type: 'choice', default: 'auto', values: ['auto', 'true', 'false'] },
  'save-refresh-token': { type: 'text' },
  'github-token': { type: 'text', secret: true },
  'gitlab-token': { type: 'text', secret: true },
  'export-env': { type: 'boolean', default: 'true' },
  'git-credentials': { type: 'boolean', default: 'true' },
  'configure-git': { type: 'boolean', default: 'true' },
  'git-path': { type: 'list' },
  'rewrite-ssh-urls': { type: 'boolean', default: 'false' },
  'output-dir': { type: 'text' },
  url: { type: 'url', default: usualAddresses.site },
  'api-url': { type: 'url', default: usualAddresses.api },
  timeout: { type: 'number', default: '60', range: [1, 3600] },
  retries: { type: 'number', default: '4', range: [0, 20] },
  summary: { type: 'boolean', default: 'true' },
  ci: { type: 'choice', default: 'auto', values: ['auto', ...hostNames] },
  debug: { type: 'boolean', default: 'false' },
} as const satisfies Record<string, InputDefinition>

export type InputName = keyof typeof inputTable
export const inputNames = Object.keys(inputTable) as InputName[]
export const definitionOf = (name: InputName): InputDefinition => inputTable[name]

/** `BITBUCKET_SOME_NAME` for `some-name`. */
export const variableOf = (name: InputName): string => `BITBUCKET_${name.toUpperCase().replaceAll('-', '_')}`

/** `INPUT_SOME-NAME` for `some-name`: actions/runner upper-cases the name and keeps its hyphens. */
const actionVariableOf = (name: InputName): string => `INPUT_${name.toUpperCase()}`

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

/** What was given, by input name and not yet looked at, and how to name an input to the person who gave it. */
export interface GivenInputs {
  /** `action`: every value was written into this step; `variables`: some may be left from elsewhere. */
  readonly from: 'action' | 'variables'
  readonly values: ReadonlyMap<InputName, string>
  nameOf(input: InputName): string
  /** Says which variables look as if they were meant for an input, and are not read; never a value. */
  misplaced(): readonly string[]
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Inputs of a `uses:` step. Only `INPUT_*` counts, so an empty secret never falls back to a variable that an
 * earlier step exported.
 */
export function givenToAction(env: Environment): GivenInputs {
  const values = new Map<InputName, string>()
  for (const name of inputNames) {
    const value = env[actionVariableOf(name)]
    if (value !== undefined) values.set(name, value)
  }
  const nameOf = (input: string) => input
  const own = new Set(inputNames.map(actionVariableOf))
  // An earlier step exports the two together.
  if (env['BITBUCKET_AUTHORIZATION']) own.add(variableOf('access-token'))
  const misplaced = () => misplacedInputs(env, 'action', (variable) => own.has(variable), nameOf)
  return { from: 'action', values, nameOf, misplaced }
}

/** The CIs whose plugin steps get their `settings:` as `PLUGIN_*`. */
const pluginHosts: readonly HostName[] = ['drone', 'woodpecker', 'harness']

/** `PLUGIN_SOME_NAME` for `some-name`; a setting may be written `some_name` or `some-name`. */
const pluginVariablesOf = (name: InputName): string[] => {
  const variable = `PLUGIN_${name.toUpperCase()}`
  return [variable.replaceAll('-', '_'), variable]
}

function pluginVariable(env: Environment, name: InputName): string | undefined {
  const values = pluginVariablesOf(name).map((variable) => env[variable])
  return values.find(Boolean) ?? values.find((value) => value !== undefined)
}

/** Whether this is a plugin step of a CI that has them, with at least one setting that is ours. */
function isPlugin(env: Environment, ci: string | undefined): boolean {
  const named = hostNames.find((name) => name === ci?.trim().toLowerCase())
  return (
    pluginHosts.includes(named ?? detectHost(env)) &&
    inputNames.some((name) => pluginVariable(env, name) !== undefined)
  )
}

/**
 * Inputs of a pipe, a `docker run` or a shell: variables, over which flags win. A list may also come as a pipe's
 * array variable (`NAME_COUNT`, `NAME_0`, …; Atlassian: "Advanced techniques for writing pipes"). In a plugin step the
 * settings win over variables, because they were written into this step.
 */
export function givenByVariables(env: Environment, flags: ReadonlyMap<InputName, string>): GivenInputs {
  const values = new Map<InputName, string>()
  const isInPlugin = isPlugin(env, flags.get('ci') ?? env[variableOf('ci')])
  const setting = (name: InputName) => (isInPlugin ? pluginVariable(env, name) : undefined)
  for (const name of inputNames) {
    const value = flags.get(name) ?? (setting(name) || ownVariable(env, name) || arrayVariable(env, name))
    if (value !== undefined) values.set(name, value)
  }
  const nameOf = (input: InputName) => {
    if (flags.has(input)) return `--${input}`
    return isInPlugin && !env[variableOf(input)] ? settingOf(input) : variableOf(input)
  }
  return { from: 'variables', values, nameOf, misplaced: () => misplacedVariables(env, isInPlugin) }
}

/** `some_name` for `some-name`, as it stands under `settings:`. */
const settingOf = (input: string): string => input.replaceAll('-', '_')

function misplacedVariables(env: Environment, isInPlugin: boolean): string[] {
  const own = new Set([
    ...inputNames.map(variableOf),
    ...(isInPlugin ? inputNames.flatMap(pluginVariablesOf) : []),
  ])
  const nameOf = (input: string) => (isInPlugin ? settingOf(input) : variableOf(input as InputName))
  return misplacedInputs(env, isInPlugin ? 'plugin' : 'variables', (variable) => own.has(variable), nameOf)
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
 * An environment for programs that need no credential: without those that were given (to a store, too), and without
 * those that an earlier run exported.
 */
export function withoutCredentials(env: Environment): Record<string, string | undefined> {
  const given = inputNames.filter((name) => definitionOf(name).secret)
  const variables = [...credentialInputs, ...given].flatMap((name) => [
    variableOf(name),
    actionVariableOf(name),
    ...pluginVariablesOf(name),
  ])
  const isCredential = (name: string) =>
    variables.includes(name) ||
    name === 'BITBUCKET_AUTHORIZATION' ||
    name.startsWith('BITBUCKET_GIT_PASSWORD_')
  // Windows reads a variable by its name in any case.
  return Object.fromEntries(Object.entries(env).filter(([name]) => !isCredential(name.toUpperCase())))
}

/**
 * Whether a runner started this process for a `uses:` step of this action. It then has `INPUT_CONFIGURE-GIT`, because
 * action.yml gives that input a default. `INPUT_*` alone says nothing: processes that another action starts inherit that
 * action's inputs (actions/toolkit#309), and a `docker://` step has `INPUT_ARGS` (actions/runner#1984).
 */
export function isAction(env: Environment): boolean {
  const onRunner = Boolean(env['GITHUB_ACTIONS'] || env['GITEA_ACTIONS'])
  return onRunner && env[actionVariableOf('configure-git')] !== undefined
}

/** An environment whose processes are not taken for this action: without its inputs. */
export function withoutActionInputs(env: Environment): Environment {
  const own = inputNames.map(actionVariableOf)
  return Object.fromEntries(Object.entries(env).filter(([name]) => !own.includes(name.toUpperCase())))
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
  const verify = readVerify(given)
  const repository = readRepository(given)
  if (repository !== undefined && verify === false) {
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
    verify,
    'save-refresh-token': text('save-refresh-token'),
    'github-token': secret('github-token'),
    'gitlab-token': secret('gitlab-token'),
    'export-env': readBoolean('export-env', given),
    'git-credentials': readBoolean('git-credentials', given),
    'configure-git': readBoolean('configure-git', given),
    'git-path': readGitPaths(given),
    'rewrite-ssh-urls': readBoolean('rewrite-ssh-urls', given),
    url: readSiteAddress(given.values.get('url'), given.nameOf('url')),
    'api-url': readApiAddress(given.values.get('api-url'), given.nameOf('api-url')),
    timeout: readNumber('timeout', given),
    retries: readNumber('retries', given),
    summary: readBoolean('summary', given),
    ...readHostInputs(given),
  }
}

/** The inputs that decide where a run reports to, and in how much detail. */
export type HostInputs = Pick<Inputs, 'ci' | 'debug' | 'output-dir'>

const hostInputReaders: { readonly [Name in keyof HostInputs]: (given: GivenInputs) => HostInputs[Name] } = {
  ci: (given) => readChoice('ci', given) as HostName | 'auto',
  debug: (given) => readBoolean('debug', given),
  'output-dir': (given) => readText('output-dir', given),
}

/** @throws {TokenError} `input` */
export const readHostInputs = (given: GivenInputs): HostInputs => ({
  ci: hostInputReaders.ci(given),
  debug: hostInputReaders.debug(given),
  'output-dir': hostInputReaders['output-dir'](given),
})

/**
 * The same before there is a CI to report a bad one to: that one counts as not given, and is reported when the inputs are
 * read.
 */
export function guessHostInputs(given: GivenInputs): HostInputs {
  const orElse = <Value>(read: (given: GivenInputs) => Value, usual: Value): Value => {
    try {
      return read(given)
    } catch {
      return usual
    }
  }
  return {
    ci: orElse(hostInputReaders.ci, 'auto'),
    debug: orElse(hostInputReaders.debug, false),
    'output-dir': orElse(hostInputReaders['output-dir'], undefined),
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

function readBoolean(name: InputName, given: GivenInputs): boolean {
  const value = parseBoolean(readOrDefault(name, given))
  if (value !== undefined) return value
  throw invalid(`${given.nameOf(name)} is neither true nor false.`, 'Use true or false.')
}

function readVerify(given: GivenInputs): boolean | 'auto' {
  const value = readOrDefault('verify', given)
  return parseBoolean(value) ?? (readChoice('verify', given) as 'auto')
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

function readGitPaths(given: GivenInputs): GitPath[] {
  const items = (given.values.get('git-path') ?? '').split(/[\s,]+/).filter(Boolean)
  const paths = items.map((item) => {
    const path = parseGitPath(item)
    if (path !== undefined) return path
    throw invalid(
      `${given.nameOf('git-path')} holds something that is neither a workspace nor a repository.`,
      'Write only what follows bitbucket.org/ in the address: acme for a workspace, acme/website for a repository.',
    )
  })
  // Bitbucket does not tell letters of different case apart.
  return paths.filter((path, index) => {
    const first = paths.findIndex((other) => other.toLowerCase() === path.toLowerCase())
    return first === index
  })
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
