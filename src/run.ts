import type { Credential } from './bitbucket/credential.ts'
import type { InputSource } from './credentials/choose.ts'
import { basicPairsIn } from './credentials/index.ts'
import type { GrantContext } from './credentials/kind.ts'
import type { TokenError } from './errors.ts'
import type { Host } from './hosts/host.ts'
import type { HostName } from './hosts/index.ts'
import { openHttp as open } from './http/client.ts'
import { loadTlsEarly } from './http/early-tls.ts'
import type { Http } from './http/exchange.ts'
import { definitionOf, type GivenInputs, type Inputs, parseInputs } from './inputs.ts'
import { encodedForms, type Redactor, Secret } from './secret.ts'
import type { World } from './world.ts'

/** One run of a command: its inputs, its CI, and what must be kept secret. */
export interface Run {
  readonly world: World
  /** The inputs as they were given, and how to name them. */
  readonly given: GivenInputs
  readonly host: Host
  readonly hostName: HostName
  /** Knows every secret of this run. Everything that a person reads goes through it. */
  readonly redactor: Redactor
  /** The addresses and settings that {@link announceAddresses} and {@link openHttp} have already logged. */
  readonly announced: Set<string>
  /**
   * Errors to report when everything else is done: the credential works, but its new refresh token could not be saved.
   */
  readonly deferred: TokenError[]
  /**
   * Returns the inputs. The first call parses and masks them.
   * @throws {TokenError} `input`
   */
  inputs(): Inputs
}

/** Returns the function {@link Run.inputs} for a run. */
export function inputsOnce(run: Omit<Run, 'inputs'>): Run['inputs'] {
  let inputs: Inputs | undefined
  return () => {
    if (inputs !== undefined) return inputs
    inputs = parseInputs(run.given)
    hideInBasic(inputs, run)
    return inputs
  }
}

/** Returns how to name the inputs of a run, and why a secret can be empty on its CI. */
export const inputSource = ({ given, host }: Pick<Run, 'given' | 'host'>): InputSource => ({
  ...given,
  emptySecretHint: host.emptySecretHint,
})

type Hiding = Pick<Run, 'host' | 'redactor'>

/** Masks secrets in the CI's log, and removes them from every text that this program writes from now on. */
export function hide(secrets: readonly Secret[], { host, redactor }: Hiding): void {
  for (const secret of secrets) if (redactor.add(secret)) host.mask(secret)
}

/** Hides the Base64 of HTTP Basic that contains a given secret. `runCommand` has hidden the secrets themselves. */
function hideInBasic(inputs: Inputs, run: Hiding): void {
  for (const { user, secret } of basicPairsIn(inputs)) hide(encodedForms(secret, [user]), run)
}

/** Hides a credential that Bitbucket has issued. */
export function hideCredential({ secret, gitUsername, refreshToken }: Credential, run: Hiding): void {
  hide(encodedForms(secret, [gitUsername]), run)
  if (refreshToken !== undefined) hide(encodedForms(refreshToken), run)
}

/**
 * Returns the services to which this program may send a secret, with the input or CI variable that can change each address.
 */
function addressesOf({ world, given }: Run, inputs: Inputs) {
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

/** Logs once for each unusual host that secrets go there, because a forgotten variable must not redirect them silently. */
function announce(origins: readonly string[], run: Run): void {
  for (const { name, origin, usual } of addressesOf(run, run.inputs())) {
    if (origin === undefined || origin === usual || !origins.includes(origin) || run.announced.has(name))
      continue
    run.announced.add(name)
    run.host.log.info(`Using ${name} ${origin} instead of ${usual}. Your secrets will be sent there.`)
  }
}

/**
 * Logs unusual addresses of Bitbucket before anything is sent, even if only a later step or a browser sends something there.
 */
export function announceAddresses(run: Run): void {
  const { url, 'api-url': apiUrl } = run.inputs()
  announce([url.origin, apiUrl.origin], run)
}

/** Logs once that certificates are checked, because the job may have turned the check off for another program. */
function announceCertificateCheck({ world, host, announced }: Run): void {
  const name = 'NODE_TLS_REJECT_UNAUTHORIZED'
  if (world.env[name] !== '0' || announced.has(name)) return
  announced.add(name)
  host.log.info(`${name}=0 is ignored: bitbucket-token always checks certificates.`)
}

/**
 * Returns a client that sends requests to Bitbucket and to the services of stores. It logs an unusual host before it sends a
 * secret there.
 * @param timeout milliseconds for all requests together, from now on
 */
export async function openHttp(run: Run, timeout = run.inputs().timeout * 1_000): Promise<Http> {
  const { world, host, redactor } = run
  const { url, 'api-url': apiUrl, retries } = run.inputs()
  loadTlsEarly(url, apiUrl)
  const quote = (text: string) => redactor.quote(text)
  const http = await open({ timeout, retries, world, log: host.log, quote })
  return (request) => {
    const isSecret =
      request.body !== undefined || Object.values(request.headers).some((value) => value instanceof Secret)
    if (isSecret) announce([request.url.origin], run)
    if (request.url.protocol === 'https:') announceCertificateCheck(run)
    return http(request)
  }
}

/** Returns what a grant needs from a run. */
export const grantContext = (http: Http, run: Run): GrantContext => ({
  http,
  url: run.inputs().url,
  scopes: run.inputs().scopes,
  now: run.world.now,
  hide: (secret) => hide(encodedForms(secret), run),
  warn: (text) => run.host.log.warning(text),
})
