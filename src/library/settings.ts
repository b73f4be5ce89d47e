import type { CredentialKind } from '../bitbucket/credential.ts'
import {
  type CredentialInputs,
  credentialInputs,
  credentialKinds,
  type Giver,
  needs,
} from '../credentials/choose.ts'
import { invalid, readApiAddress, readCredentialInputs, readSiteAddress } from '../credentials/read.ts'
import type { Transport } from '../http/exchange.ts'
import { type Redactor, travelingForms } from '../secret.ts'
import type { World } from '../world.ts'
import { readAppName } from './app-name.ts'
import { codeOf } from './errors.ts'
import { type Logger, openLog } from './log.ts'
import type { CredentialOptions, TokenOptions } from './options.ts'
import { customTransport } from './request.ts'
import type { TokenStorage } from './storage.ts'

type Name = keyof CredentialInputs

/** Under which names each part of a credential is looked for, in this order; the old ones are those of bitbucket-auth. */
export const sources = {
  'client-id': { options: ['clientId', 'consumerKey'], variables: ['BITBUCKET_CLIENT_ID', 'bitbucketKey'] },
  'client-secret': {
    options: ['clientSecret', 'consumerSecret'],
    variables: ['BITBUCKET_CLIENT_SECRET', 'bitbucketSecret'],
  },
  'refresh-token': { options: ['refreshToken'], variables: ['BITBUCKET_REFRESH_TOKEN'] },
  email: { options: ['email'], variables: ['BITBUCKET_EMAIL'] },
  'api-token': { options: ['apiToken'], variables: ['BITBUCKET_API_TOKEN'] },
  'access-token': { options: ['accessToken'], variables: ['BITBUCKET_ACCESS_TOKEN'] },
  'connect-app-key': { options: ['connectAppKey'], variables: ['BITBUCKET_CONNECT_APP_KEY'] },
  'connect-client-key': { options: ['connectClientKey'], variables: ['BITBUCKET_CONNECT_CLIENT_KEY'] },
  'connect-shared-secret': {
    options: ['connectSharedSecret'],
    variables: ['BITBUCKET_CONNECT_SHARED_SECRET'],
  },
} as const satisfies Record<
  Name,
  { readonly options: readonly (keyof CredentialOptions)[]; readonly variables: readonly string[] }
>

/** The options of one call, read. */
export interface Settings {
  readonly inputs: CredentialInputs
  readonly grant: CredentialKind | 'auto'
  readonly giver: Giver
  readonly url: URL
  readonly appName: string | undefined
  readonly storage: TokenStorage | undefined
  /** What was given for the storage: the same things are the same storage. */
  readonly storedBy: readonly (object | undefined)[]
  readonly useRefreshToken: TokenOptions['useRefreshToken']
  readonly isForced: boolean
  readonly refused: string | undefined
  /** When all must be over, by the world's steady clock, in milliseconds. */
  readonly deadline: number
  readonly retries: number
  readonly transport: Transport | undefined
  readonly log: Logger
  /** Knows all that is secret in this call. */
  readonly redactor: Redactor
  readonly world: World
}

/**
 * Reads the options and the environment, and hides what is secret in them.
 * @throws {TokenError} `input`
 */
export async function readOptions(
  options: TokenOptions,
  world: World,
  redactor: Redactor,
): Promise<Settings> {
  const env = options.env ?? world.env
  const given = { ...options, ...(await provided(options)) }
  const { value, giver } = credentialFinder(given, env)
  const inputs = readCredentialInputs(value, giver.nameOf)
  hideGiven(inputs, redactor)
  const log = openLog(options, world, redactor)
  const url = readUrl(options.url, env['BITBUCKET_URL'], 'url', 'https://bitbucket.org', log)
  return {
    inputs,
    grant: readGrant(options.grant),
    giver,
    url,
    appName: readAppName(options.appName),
    storage: storageOf(options),
    storedBy: [options.storage, options.loadConfig, options.saveConfig],
    useRefreshToken: options.useRefreshToken,
    isForced: options.forceCredentials ?? false,
    refused: options.refused,
    deadline: world.elapsed() + readNumber(options.timeout ?? 60_000, 'timeout', [1, 3_600_000]),
    retries: readNumber(options.retries ?? 4, 'retries', [0, 20]),
    transport: customTransport(options),
    log,
    redactor,
    world,
  }
}

/** Where REST is, without a slash at the end. */
export function readApiUrl({ apiUrl, env }: TokenOptions, world: World, log: Logger): URL {
  const variable = (env ?? world.env)['BITBUCKET_API_URL']
  return readUrl(apiUrl, variable, 'apiUrl', 'https://api.bitbucket.org', log)
}

async function provided({ credentialsProvider }: TokenOptions): Promise<CredentialOptions> {
  if (credentialsProvider === undefined) return {}
  try {
    const { username, password } = await credentialsProvider()
    return { clientId: username, clientSecret: password }
  } catch (error) {
    // Its message is not repeated: it may hold what was to be provided.
    throw invalid(`credentialsProvider failed${codeOf(error)}.`, 'See why it gave no username and password.')
  }
}

/**
 * What was given as an option, else what the environment has. Where an option names a part of a credential, the
 * environment may only complete that credential: it must not bring another one into it.
 */
function credentialFinder(
  options: CredentialOptions,
  env: Readonly<Record<string, string | undefined>>,
): { value: (name: Name) => string | undefined; giver: Giver } {
  const option = (name: Name) => sources[name].options.find((key) => isGiven(options[key]))
  const named = credentialInputs.filter((name) => option(name) !== undefined)
  const { grant = 'auto' } = options
  const kinds = Object.entries(needs)
    .filter(([kind]) => grant === 'auto' || kind === grant)
    .map(([, names]) => names as readonly Name[])
    .filter((names) => named.every((name) => names.includes(name)))
  const variable = (name: Name) =>
    kinds.some((names) => names.includes(name))
      ? sources[name].variables.find((key) => isGiven(env[key]))
      : undefined
  return {
    value: (name) => {
      const key = option(name)
      if (key === undefined) return env[variable(name) ?? '']
      const value = options[key]
      if (typeof value !== 'string') throw invalid(`${key} is not text.`, 'Give it as a string.')
      return value
    },
    giver: {
      from: named.length > 0 ? 'action' : 'variables',
      nameOf: (name) => {
        if (name === 'grant') return 'grant'
        const { options, variables } = sources[name]
        return option(name) ?? variable(name) ?? `${options[0]} (${variables[0]})`
      },
      whyEmpty: 'Options come first, then the environment.',
    },
  }
}

/** An empty variable or option is none; what is not text at all is something that must be spoken of. */
const isGiven = (value: unknown): boolean =>
  value !== undefined && value !== null && (typeof value !== 'string' || value.trim() !== '')

/** As it is, and as it travels inside HTTP Basic. */
function hideGiven(inputs: CredentialInputs, redactor: Redactor): void {
  const users = [inputs['client-id'], inputs.email].filter((user) => user !== undefined)
  for (const name of credentialInputs) {
    const value = inputs[name]
    if (value === undefined || typeof value === 'string') continue
    for (const form of travelingForms(value, users)) redactor.add(form)
  }
}

/** A stray variable must not send a secret astray unseen. */
function readUrl(
  option: string | URL | undefined,
  variable: string | undefined,
  name: 'url' | 'apiUrl',
  usual: string,
  log: Logger,
): URL {
  const read = name === 'url' ? readSiteAddress : readApiAddress
  const url = read(option?.toString() ?? variable, name)
  if (url.origin !== usual) log.warn(`${name} is ${url.origin}, not ${usual}: secrets go there.`)
  return url
}

function readGrant(grant: TokenOptions['grant'] = 'auto'): CredentialKind | 'auto' {
  const kinds: readonly string[] = ['auto', ...credentialKinds]
  if (!kinds.includes(grant))
    throw invalid('grant is not one of its values.', `Use one of: ${kinds.join(', ')}.`)
  return grant
}

function readNumber(value: number, name: string, [least, most]: readonly [number, number]): number {
  if (Number.isFinite(value) && value >= least && value <= most) return value
  throw invalid(`${name} is not a number that fits.`, `Use a number from ${least} to ${most}.`)
}

function storageOf({ storage, loadConfig, saveConfig }: TokenOptions): TokenStorage | undefined {
  const load = loadConfig ?? storage?.loadConfig.bind(storage)
  const save = saveConfig ?? storage?.saveConfig.bind(storage)
  if (load === undefined && save === undefined) return undefined
  if (load === undefined || save === undefined) {
    throw invalid(
      `${load === undefined ? 'loadConfig' : 'saveConfig'} is missing.`,
      'Give both, or a storage that has both: what is only read or only written is lost.',
    )
  }
  if (loadConfig === undefined && saveConfig === undefined) return storage
  return { loadConfig: load, saveConfig: save, ...(storage?.alone && { alone: storage.alone.bind(storage) }) }
}
