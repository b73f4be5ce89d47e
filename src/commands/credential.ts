import { type AccessToken, endOf } from '../bitbucket/credential.ts'
import { scopesWithoutSecrets } from '../bitbucket/scopes.ts'
import { chooseCredential, type GivenCredential } from '../credentials/choose.ts'
import type { ConnectEndpoints } from '../credentials/connect-app.ts'
import { obtain } from '../credentials/index.ts'
import { type VerifiedCredential, verify } from '../credentials/verify.ts'
import type { TokenError } from '../errors.ts'
import type { GitConfiguration } from '../git/configuration.ts'
import type { Host } from '../hosts/host.ts'
import type { HostName } from '../hosts/index.ts'
import { loadTlsEarly } from '../http/early-tls.ts'
import type { Http } from '../http/exchange.ts'
import { openHttp as open } from '../http/open.ts'
import { definitionOf, type GivenInputs, type Inputs, parseInputs } from '../inputs.ts'
import { type Redactor, Secret, travelingForms } from '../secret.ts'
import type { World } from '../world.ts'
import type { Rotation } from './rotation.ts'

/** What a verb that uses a credential works with. */
export interface Run {
  readonly world: World
  readonly given: GivenInputs
  readonly host: Host
  readonly hostName: HostName
  /** Knows all that is secret in this run; what a person reads goes through it. */
  readonly redactor: Redactor
  /** What {@link announce} has said. */
  readonly announced: Set<string>
}

/** The inputs, read, and the one credential that they mean. */
export interface Chosen {
  readonly inputs: Inputs
  readonly credential: GivenCredential
  /** Where the refresh token comes from and goes to, for a verb that spends it. */
  readonly rotation?: Rotation | undefined
}

/** A token that Bitbucket has issued, or that was given. */
export interface Held {
  readonly token: AccessToken
  /** Milliseconds since the epoch; undefined where Bitbucket does not tell. */
  readonly expiresAt: number | undefined
  /** For further requests, within the same deadline. */
  readonly http: Http
  /** Why the new refresh token is not where it should be; thrown when all the rest is done, for the token is good. */
  readonly unsaved: TokenError | undefined
}

/** A credential that meets what the inputs demand of it. */
export interface Obtained extends VerifiedCredential {
  readonly token: AccessToken
  /** Milliseconds since the epoch; undefined where Bitbucket does not tell. */
  readonly expiresAt: number | undefined
  /** As in {@link Held}. */
  readonly unsaved: TokenError | undefined
}

/**
 * Reads the inputs, hides what is secret in them, and says what a person should know before anything is sent. A
 * refresh token that lies in a store is not looked for.
 * @throws {TokenError} `input`
 */
export function choose(run: Run): Chosen {
  const inputs = parseInputs(run.given)
  const isInStore = inputs['save-refresh-token'] !== undefined && inputs['refresh-token'] === undefined
  return chooseFrom(isInStore ? { ...inputs, 'refresh-token': new Secret('in the store') } : inputs, run)
}

/**
 * The same for a verb that spends the refresh token: opens the store, where one is named, for the newest.
 * @throws {TokenError} `input`, `store-unwritable`, `interrupted`
 */
export async function chooseToSpend(run: Run): Promise<Chosen> {
  const inputs = parseInputs(run.given)
  const rotation = await rotationFor(inputs, run)
  return { ...chooseFrom(rotation?.inputs ?? inputs, run), rotation }
}

/** The refresh token's way from run to run, where `save-refresh-token` asks for one. */
export async function rotationFor(inputs: Inputs, run: Run): Promise<Rotation | undefined> {
  const destination = inputs['save-refresh-token']
  if (destination === undefined) return undefined
  return (await import(/* webpackChunkName: "stores" */ './rotation.ts')).openRotation(
    destination,
    inputs,
    run,
  )
}

function chooseFrom(inputs: Inputs, run: Run): Chosen {
  const { host, given } = run
  const { credential, notice } = chooseCredential(inputs, inputs.grant, { ...given, whyEmpty: host.whyEmpty })
  hideGiven(inputs, run)
  if (notice !== undefined) host.log.info(notice)
  sayWhereSecretsGo(inputs, run)
  return { inputs, credential }
}

/**
 * From what was chosen to a credential that works, hidden before anybody could show it.
 * @param onRefreshToken called at once where Bitbucket has given a new refresh token and no store was named, for the
 * old one dies soon
 * @throws {TokenError} of every kind but `input`
 */
export async function obtainCredential(
  chosen: Chosen,
  run: Run,
  onRefreshToken: (refreshToken: Secret, token: AccessToken) => void | Promise<void>,
): Promise<Obtained> {
  const { inputs, rotation } = chosen
  const { token, expiresAt, http, unsaved } = await obtainToken(chosen, run)
  if (rotation === undefined && token.refreshToken !== undefined)
    await onRefreshToken(token.refreshToken, token)
  try {
    const verified = await verify(token, inputs, http, inputs['api-url'])
    if (verified.check?.doubt !== undefined) run.host.log.warning(verified.check.doubt)
    return { token, ...verified, expiresAt, unsaved }
  } catch (error) {
    sayUnsaved(unsaved, run)
    throw error
  }
}

/** Where a grant is run, and what it may ask of this run. */
export const endpointsOf = (http: Http, { url, scopes }: Inputs, run: Run): ConnectEndpoints => ({
  http,
  url,
  scopes,
  now: run.world.now,
  hide: (secret) => hide(travelingForms(secret), run),
  warn: (text) => run.host.log.warning(text),
})

/** The first half of {@link obtainCredential}: the token, not yet checked. */
export async function obtainToken({ inputs, credential, rotation }: Chosen, run: Run): Promise<Held> {
  const http = rotation?.http ?? (await openHttp(inputs, run))
  const { token: issued, unsaved } = (await rotation?.renew(credential)) ?? {
    token: await obtain(credential, endpointsOf(http, inputs, run)),
    unsaved: undefined,
  }
  hideIssued(issued, run)
  const quote = (text: string) => run.redactor.quote(text)
  const scopes = issued.scopes && scopesWithoutSecrets(issued.scopes, quote)
  const token = { ...issued, scopes }
  return { token, expiresAt: endOf(token, run.world.now()), http, unsaved }
}

/** Where something else fails too, and so decides how the run ends. */
export function sayUnsaved(unsaved: TokenError | undefined, { host }: Run): void {
  if (unsaved !== undefined) host.log.error(`${unsaved.message}\n${unsaved.nextStep}`)
}

/** Returns what makes git use the credential, if `configure-git` wants that. */
export async function gitConfigurationOf(
  { token, expiresAt }: Pick<Obtained, 'token' | 'expiresAt'>,
  inputs: Inputs,
  { uniqueName }: Pick<World, 'uniqueName'>,
): Promise<GitConfiguration> {
  if (!inputs['configure-git']) return { entries: [], variables: new Map() }
  const { gitConfiguration } = await import(/* webpackChunkName: "git" */ '../git/configuration.ts')
  return gitConfiguration(inputs.url, token, {
    expiresAt,
    run: uniqueName(),
    paths: inputs['git-path'],
    rewriteSshUrls: inputs['rewrite-ssh-urls'],
  })
}

/** Masks secrets at the host and keeps them out of every text. Comes before anything that could show them. */
export function hide(secrets: readonly Secret[], { host, redactor }: Pick<Run, 'host' | 'redactor'>): void {
  for (const secret of secrets) if (redactor.add(secret)) host.mask(secret)
}

/** Hides the given secrets as they travel inside HTTP Basic; as they are, main has hidden them already. */
export function hideGiven(inputs: Inputs, run: Run): void {
  const users = {
    'client-secret': inputs['client-id'],
    'api-token': inputs.email,
  }
  for (const [name, user] of Object.entries(users)) {
    const secret = inputs[name as keyof typeof users]
    if (secret !== undefined && user !== undefined) hide(travelingForms(secret, [user]), run)
  }
}

export function hideIssued(token: AccessToken, run: Run): void {
  hide(travelingForms(token.token, [token.gitUsername]), run)
  if (token.refreshToken !== undefined) hide(travelingForms(token.refreshToken), run)
}

/** Where the services are that a secret may be sent to, by the input or the CI's variable that can name another place. */
function addressesOf(inputs: Inputs, { world, given }: Pick<Run, 'world' | 'given'>) {
  return [
    { name: given.nameOf('url'), used: inputs.url.href, usual: definitionOf('url').default },
    { name: given.nameOf('api-url'), used: inputs['api-url'].href, usual: definitionOf('api-url').default },
    { name: 'GITHUB_API_URL', used: world.env['GITHUB_API_URL'], usual: 'https://api.github.com' },
    { name: 'CI_API_V4_URL', used: world.env['CI_API_V4_URL'], usual: 'https://gitlab.com' },
  ].map(({ name, used = '', usual = '' }) => ({
    name,
    origin: URL.canParse(used) ? new URL(used).origin : undefined,
    usual,
  }))
}

/** Says once for each host that is not the usual one that secrets go there: a stray variable must not do that in silence. */
function announce(
  origins: readonly string[],
  inputs: Inputs,
  run: Pick<Run, 'world' | 'given' | 'host' | 'announced'>,
): void {
  for (const { name, origin, usual } of addressesOf(inputs, run)) {
    if (origin === undefined || origin === usual || !origins.includes(origin) || run.announced.has(name))
      continue
    run.announced.add(name)
    run.host.log.info(`Using ${name} ${origin} instead of ${usual}. Your secrets will be sent there.`)
  }
}

/** Before anything is sent, also what only a later step or a person's browser will send. */
export function sayWhereSecretsGo(inputs: Inputs, run: Run): void {
  announce([inputs.url.origin, inputs['api-url'].origin], inputs, run)
}

/** A job that has turned the check off for something else is told that it is on here. */
function sayCertificatesCount({ world, host, announced }: Pick<Run, 'world' | 'host' | 'announced'>): void {
  const name = 'NODE_TLS_REJECT_UNAUTHORIZED'
  if (world.env[name] !== '0' || announced.has(name)) return
  announced.add(name)
  host.log.info(`${name}=0 is ignored: bitbucket-token always checks certificates.`)
}

/** What asks Bitbucket, and a store's own CI, and says so before it sends a secret to an unusual host. */
export async function openHttp(
  inputs: Inputs,
  run: Pick<Run, 'world' | 'given' | 'host' | 'redactor' | 'announced'>,
  timeout = inputs.timeout * 1_000,
): Promise<Http> {
  const { world, host, redactor } = run
  loadTlsEarly(inputs.url, inputs['api-url'])
  const http = await open({
    timeout,
    retries: inputs.retries,
    world,
    log: host.log,
    quote: (text) => redactor.quote(text),
  })
  return (request) => {
    const isSecret =
      request.body !== undefined || Object.values(request.headers).some((value) => value instanceof Secret)
    if (isSecret) announce([request.url.origin], inputs, run)
    if (request.url.protocol === 'https:') sayCertificatesCount(run)
    return http(request)
  }
}
