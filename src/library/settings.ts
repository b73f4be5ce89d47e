import { defaultAddresses, readApiAddress, readSiteAddress } from '../bitbucket/addresses.ts'
import type { InputSource } from '../credentials/choose.ts'
import {
  type CredentialInput,
  type CredentialInputs,
  type CredentialKind,
  credentialInputs,
  credentialKinds,
  inputsOfKind,
  readCredentialInputs,
} from '../credentials/index.ts'
import type { Transport } from '../http/exchange.ts'
import { invalid } from '../read-value.ts'
import type { TextRedactor } from '../redaction/text-redactor.ts'
import { encodedForms } from '../secret.ts'
import type { World } from '../world.ts'
import { codeOf } from './errors.ts'
import { type Log, logRules, openLog } from './log.ts'
import {
  callback,
  flag,
  isPresent,
  number,
  object,
  type Rule,
  type RulesFor,
  readOptions,
  text,
} from './option-rules.ts'
import type { CredentialOptions, ProvidedCredentials, TokenOptions } from './options.ts'
import { customTransport } from './request.ts'
import { readAppName, type TokenStorage } from './storage.ts'

/** The names in bitbucket-auth. */
const oldNames: Partial<
  Record<CredentialInput, { readonly option: 'consumerKey' | 'consumerSecret'; readonly variable: string }>
> = {
  'client-id': { option: 'consumerKey', variable: 'bitbucketKey' },
  'client-secret': { option: 'consumerSecret', variable: 'bitbucketSecret' },
}

interface Sources {
  readonly options: readonly CredentialOption[]
  readonly variables: readonly string[]
}

type CredentialOption = Exclude<keyof CredentialOptions, 'credentialsProvider' | 'grant'>

/**
 * The options and variables for each part of a credential, in the order in which they are read: `clientId` and
 * `BITBUCKET_CLIENT_ID` for `client-id`.
 */
export const sources = Object.fromEntries(
  credentialInputs.map((name): [CredentialInput, Sources] => {
    const option = name.replace(/-(.)/g, (_, letter) => letter.toUpperCase()) as CredentialOption
    const variable = `BITBUCKET_${name.toUpperCase().replaceAll('-', '_')}`
    const old = oldNames[name]
    return [
      name,
      {
        options: [option, ...(old ? [old.option] : [])],
        variables: [variable, ...(old ? [old.variable] : [])],
      },
    ]
  }),
) as unknown as Readonly<Record<CredentialInput, Sources>>

const credentialRules = Object.fromEntries(
  Object.values(sources).flatMap(({ options }) => options.map((option) => [option, text])),
) as Record<CredentialOption, Rule>

const address: Rule = {
  what: 'a web address',
  nextStep: 'Pass a string or a URL.',
  accepts: (value) => typeof (value instanceof Object && 'href' in value ? value.href : value) === 'string',
}

const abortSignal: Rule = {
  what: 'an AbortSignal',
  nextStep: 'Pass the signal of an AbortController: controller.signal.',
  accepts: (value) =>
    value instanceof Object && 'aborted' in value && 'throwIfAborted' in value && 'addEventListener' in value,
}

export const tokenRules: RulesFor<TokenOptions> = {
  ...credentialRules,
  credentialsProvider: callback,
  grant: text,
  env: object,
  url: address,
  apiUrl: address,
  appName: text,
  storage: object,
  loadConfig: callback,
  saveConfig: callback,
  shareCache: flag,
  useRefreshToken: callback,
  forceCredentials: flag,
  refused: text,
  timeout: number,
  retries: number,
  signal: abortSignal,
  ...logRules,
  sendRequest: callback,
  isSuccess: callback,
  isUnauthorized: callback,
  handleSuccess: callback,
  handleError: callback,
}

/** Advice for options of bitbucket-auth and similar libraries that have another name here. */
const instead = {
  domain: "Use url: 'https://…' instead.",
  configPath: 'Use storage: createFileStorage({ configPath }) instead.',
  errorHandler: 'Use handleError({ error, appName }), or catch the TokenError.',
  createRequestHandler: 'Use isSuccess, isUnauthorized, handleSuccess and handleError instead.',
  redirectUri: 'Remove it. It belonged to the password grant, which Bitbucket does not have.',
  username: 'Use clientId for the key of an OAuth client, or email for an API token.',
  password: 'Use clientSecret for the secret of an OAuth client, or apiToken for an API token.',
  token: 'Use accessToken, apiToken or refreshToken instead.',
  scopes: 'Remove it. The token has the scopes of its OAuth client. Read them from the result: token.scopes.',
  fetch: 'Use sendRequest: ({ url, ...init }) => myFetch(url, init) instead.',
  getAccessToken: 'It is an option of createAuthenticatedAPI.',
  baseUrl: 'Use apiUrl instead, without /2.0 at its end.',
  basicAuth: 'Use email and apiToken instead.',
  proxy: 'Set HTTPS_PROXY, or use sendRequest to send through the proxy yourself.',
}

/** Reads the options of getAccessToken, or of a function that passes them on to it. See {@link readOptions}. */
export const readTokenOptions = <Options extends TokenOptions>(
  rawOptions: Options | null | undefined,
  caller: string,
  rules: RulesFor<Options>,
): Options => readOptions(rawOptions, caller, rules, instead)

/** The options of one call, after they were read. */
export interface Settings {
  readonly inputs: CredentialInputs
  readonly grant: CredentialKind | 'auto'
  readonly source: InputSource
  readonly url: URL
  readonly appName: string | undefined
  readonly storage: TokenStorage | undefined
  /** The objects and functions given for the storage. They identify it. */
  readonly storedBy: readonly (object | undefined)[]
  readonly useRefreshToken: TokenOptions['useRefreshToken']
  readonly isForced: boolean
  /** Whether processes share the token. */
  readonly isShared: boolean
  /** The environment variables of the call. */
  readonly env: NonNullable<TokenOptions['env']>
  readonly refused: string | undefined
  /** The deadline of the call, in milliseconds of `world.elapsed()`. */
  readonly deadline: number
  readonly retries: number
  readonly transport: Transport | undefined
  readonly log: Log
  /** Knows every secret of this call. */
  readonly redactor: TextRedactor
  readonly world: World
}

/**
 * Reads the options and the environment, and registers the secrets in them with the redactor.
 * @throws {TokenError} `input`
 */
export async function readSettings(
  options: TokenOptions,
  world: World,
  redactor: TextRedactor,
): Promise<Settings> {
  const env = options.env ?? world.env
  const complete = { ...options, ...(await provided(options)) }
  const { value, source } = credentialFinder(complete, env)
  const inputs = readCredentialInputs(value, source)
  hideInputs(inputs, redactor)
  const log = openLog(options, world, redactor)
  const url = readUrl('url', options.url, env, log)
  return {
    inputs,
    grant: readGrant(options.grant),
    source,
    url,
    appName: readAppName(options.appName),
    storage: storageOf(options),
    storedBy: [options.storage, options.loadConfig, options.saveConfig],
    useRefreshToken: options.useRefreshToken,
    isForced: options.forceCredentials ?? false,
    isShared: readShareCache(options),
    env,
    refused: options.refused,
    deadline: world.elapsed() + readNumber(options.timeout ?? 60_000, 'timeout', [1, 3_600_000]),
    retries: readNumber(options.retries ?? 4, 'retries', [0, 20]),
    transport: customTransport(options),
    log,
    redactor,
    world,
  }
}

/** Reads the address of Bitbucket's REST API. */
export const readApiUrl = ({ apiUrl, env }: TokenOptions, world: World, log: Log): URL =>
  readUrl('apiUrl', apiUrl, env ?? world.env, log)

async function provided({ credentialsProvider }: TokenOptions): Promise<CredentialOptions> {
  if (credentialsProvider === undefined) return {}
  let credentials: Partial<ProvidedCredentials> | null | undefined
  try {
    credentials = await credentialsProvider()
  } catch (error) {
    // Its message is not shown because it may contain the secret.
    throw invalid(
      `credentialsProvider failed${codeOf(error)}.`,
      'Find out why it did not return a username and password.',
    )
  }
  const part = (name: keyof ProvidedCredentials): string => {
    const value = credentials?.[name]
    if (typeof value === 'string' && isPresent(value)) return value
    throw invalid(
      `credentialsProvider returned ${isPresent(value) ? `a ${name} that is not a string` : `no ${name}`}.`,
      "Return { username, password }: the OAuth client's key and secret.",
    )
  }
  return { clientId: part('username'), clientSecret: part('password') }
}

/**
 * Finds the parts of the credential in the options, then in the environment. If an option names a part of a credential, the
 * environment may only complete that credential. It must not add another one.
 */
function credentialFinder(
  options: CredentialOptions,
  env: Readonly<Record<string, string | undefined>>,
): { value: (name: CredentialInput) => string | undefined; source: InputSource } {
  const option = (name: CredentialInput) => sources[name].options.find((key) => isPresent(options[key]))
  const named = credentialInputs.filter((name) => option(name) !== undefined)
  const { grant = 'auto' } = options
  const possible = credentialKinds
    .filter((kind) => grant === 'auto' || kind === grant)
    .map(inputsOfKind)
    .filter((inputs) => named.every((name) => inputs.includes(name)))
  const variable = (name: CredentialInput) =>
    possible.some((inputs) => inputs.includes(name))
      ? sources[name].variables.find((key) => isPresent(env[key]))
      : undefined
  return {
    value: (name) => {
      const key = option(name)
      if (key !== undefined) return options[key]
      const found = variable(name)
      return found === undefined ? undefined : variableIn(env, found)
    },
    source: {
      from: named.length > 0 ? 'action' : 'variables',
      nameOf: (name) => {
        if (name === 'grant') return 'grant'
        const { options, variables } = sources[name]
        return option(name) ?? variable(name) ?? `${options[0]} (${variables[0]})`
      },
      emptySecretHint: 'The library reads the options first, then the environment.',
    },
  }
}

/** Returns a variable of the environment, or of the `env` option. */
function variableIn(env: NonNullable<TokenOptions['env']>, name: string): string | undefined {
  const value: unknown = env[name]
  if (!isPresent(value)) return undefined
  if (typeof value === 'string') return value
  throw invalid(`${name} in env is not a string.`, 'Pass a string.')
}

/** Registers the secret inputs with the redactor, as they are and as HTTP Basic carries them. */
function hideInputs(inputs: CredentialInputs, redactor: TextRedactor): void {
  const users = [inputs['client-id'], inputs.email].filter((user) => user !== undefined)
  for (const name of credentialInputs) {
    const value = inputs[name]
    if (value === undefined || typeof value === 'string') continue
    for (const form of encodedForms(value, users)) redactor.add(form)
  }
}

const addresses = {
  url: { variable: 'BITBUCKET_URL', usual: defaultAddresses.site, read: readSiteAddress },
  apiUrl: { variable: 'BITBUCKET_API_URL', usual: defaultAddresses.api, read: readApiAddress },
} as const

/** Reads an address, and warns if it is not the usual one. For a variable, it warns even if logging is off. */
function readUrl(
  name: keyof typeof addresses,
  option: string | URL | undefined,
  env: NonNullable<TokenOptions['env']>,
  log: Log,
): URL {
  const { variable, usual, read } = addresses[name]
  const found = variableIn(env, variable)
  const isOption = option !== undefined || found === undefined
  const url = read(option?.toString() ?? found, isOption ? name : variable)
  if (url.origin !== usual) {
    const where = `Using ${isOption ? name : variable} ${url.origin} instead of ${usual}. Your secrets will be sent there.`
    if (isOption) log.warn(where)
    else log.alert('warn', where)
  }
  return url
}

function readGrant(grant: TokenOptions['grant'] = 'auto'): CredentialKind | 'auto' {
  const grants: readonly string[] = ['auto', ...credentialKinds]
  if (!grants.includes(grant))
    throw invalid('grant has an unknown value.', `Use one of: ${grants.join(', ')}.`)
  return grant
}

function readNumber(value: number, name: string, [least, most]: readonly [number, number]): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw invalid(
    `${name} is out of range or not a whole number.`,
    `Use a whole number from ${least} to ${most}.`,
  )
}

/** Reads `shareCache`. The shared cache also keeps the newest refresh token, so a storage would be a second place for it. */
function readShareCache({ shareCache = false, ...others }: TokenOptions): boolean {
  const names = ['storage', 'loadConfig', 'saveConfig', 'useRefreshToken'] as const
  const other = names.find((name) => others[name] !== undefined)
  if (!shareCache || other === undefined) return shareCache
  throw invalid(
    `shareCache and ${other} were given together.`,
    `Remove one of them. The shared cache keeps the newest tokens itself, so it needs no ${other}.`,
  )
}

/** Returns the storage that the options describe. It must have both functions. */
function storageOf({ storage, loadConfig, saveConfig }: TokenOptions): TokenStorage | undefined {
  if (storage === undefined && loadConfig === undefined && saveConfig === undefined) return undefined
  const load = loadConfig ?? methodOf(storage, 'loadConfig')
  const save = saveConfig ?? methodOf(storage, 'saveConfig')
  const alone = methodOf(storage, 'alone')
  if (load === undefined || save === undefined) {
    const missing = load === undefined ? 'loadConfig' : 'saveConfig'
    throw invalid(
      storage === undefined ? `${missing} is missing.` : `storage has no function ${missing}.`,
      'Pass both loadConfig and saveConfig. A new refresh token that is not saved, or never loaded, is lost.',
    )
  }
  return { loadConfig: load, saveConfig: save, ...(alone && { alone }) }
}

/** Returns a function of a storage, bound to it; undefined if there is none. */
function methodOf<Name extends keyof TokenStorage>(
  storage: TokenStorage | undefined,
  name: Name,
): TokenStorage[Name] | undefined {
  const method: unknown = storage?.[name]
  if (!isPresent(method)) return undefined
  if (typeof method !== 'function') throw invalid(`storage.${name} is not a function.`, callback.nextStep)
  return method.bind(storage)
}
