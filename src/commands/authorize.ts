import { type Attempt, Attempts } from '../authorize/attempts.ts'
import { openBrowser, whyNoBrowser } from '../authorize/browser.ts'
import type { Problem } from '../authorize/callback.ts'
import { type ConsentServerOptions, portOf, startConsentServer } from '../authorize/consent-server.ts'
import type { Granted } from '../authorize/pages.ts'
import { waitForConsent } from '../authorize/waiting.ts'
import { authorizationUrl } from '../bitbucket/authorization-endpoint.ts'
import { oauthClients } from '../bitbucket/oauth-clients.ts'
import { type Client, type IssuedToken, issuedTokenIn } from '../bitbucket/token-endpoint.ts'
import type { AuthorizeFlags } from '../command-line.ts'
import { fromAuthorizationCode } from '../credentials/authorization-code.ts'
import { withWrongInputHint } from '../credentials/index.ts'
import { reasonOf, systemCode, TokenError } from '../errors.ts'
import { withoutCredentials } from '../inputs.ts'
import { hide } from '../masking.ts'
import type { Run } from '../run.ts'
import { encodedForms, Secret } from '../secret.ts'
import { announceAddresses } from './announcements.ts'
import { type Destination, openDestinations } from './authorize-destinations.ts'
import { save } from './authorize-saving.ts'
import { httpFor } from './requests.ts'

/** What one run of `authorize` works with. */
interface Consent {
  readonly client: Client
  readonly callback: URL
  readonly destinations: readonly Destination[]
  readonly flags: AuthorizeFlags
  readonly run: Run
}

/**
 * Gets a first refresh token after the user has given consent in a browser on this machine (the authorization code grant),
 * or an access token with `implicit`. Waits for ten minutes after the user last pressed the button.
 */
export async function authorize(run: Run, flags: AuthorizeFlags): Promise<void> {
  const callback = readCallbackUrl(flags.callback)
  const client = clientIn(flags, callback, run)
  announceAddresses(run)
  // This comes before the user is asked, because a token without a destination would be lost.
  const destinations = await openDestinations(flags, run)
  const attempts = new Attempts(run.world)
  const problems = problemLog(run)
  const options = serverOptions({ client, callback, destinations, flags, run }, attempts, problems.warn)
  const server = await startConsentServer(options).catch((error) => {
    throw portError(error, callback)
  })
  try {
    await showAddress(callback, flags, run)
    await waitForConsent(server, attempts, run.world)
  } finally {
    await server.close()
    problems.end()
  }
}

function serverOptions(
  consent: Consent,
  attempts: Attempts,
  onProblem: (problem: Problem) => void,
): ConsentServerOptions {
  const { client, callback, destinations, flags, run } = consent
  const { url } = run.inputs()
  return {
    plan: {
      bitbucket: url.host,
      clientId: client.id,
      callback,
      token: flags.implicit ? 'access token' : 'refresh token',
      destinations: destinations.map(({ name }) => name),
    },
    attempts,
    authorizationUrl: ({ state, challenge }) =>
      authorizationUrl(url, {
        clientId: client.id,
        responseType: flags.implicit ? 'token' : 'code',
        state,
        callback,
        challenge: flags.implicit ? undefined : challenge,
      }),
    receive: (parameters, attempt) => receive(parameters, attempt, consent),
    issuer: url,
    quote: (text) => run.redactor.quote(text),
    clean: (text) => run.redactor.clean(text),
    sleep: run.world.sleep,
    onProblem,
  }
}

/** Exchanges the code in Bitbucket's answer for tokens, and saves them. */
async function receive(
  parameters: URLSearchParams,
  { verifier }: Attempt,
  { client, callback, destinations, flags, run }: Consent,
): Promise<Granted> {
  const { url } = run.inputs()
  const http = await httpFor(run)
  const code = new Secret(parameters.get('code') ?? '')
  hide(encodedForms(code), run)
  const issued = flags.implicit
    ? fromFragment(parameters)
    : await withWrongInputHint({ 'client-secret': client.secret }, () =>
        fromAuthorizationCode(client, { code, callback, verifier }, { http, url }),
      )
  return save(issued, { flags, destinations, http, run })
}

/** How many rejected answers get a warning each. A user causes few, but a program can send endless ones. */
const maxWarnings = 8

function problemLog({ host }: Run): { warn(problem: Problem): void; end(): void } {
  let count = 0
  return {
    warn({ title }) {
      count++
      if (count <= maxWarnings) host.log.warning(`${title}. The page in the browser has the details.`)
      if (count === maxWarnings) host.log.warning('Further rejected answers are only counted.')
    },
    end() {
      if (count > maxWarnings) host.log.warning(`Rejected ${count - maxWarnings} more answers.`)
    },
  }
}

function clientIn({ implicit }: AuthorizeFlags, callback: URL, run: Run): Client {
  const inputs = run.inputs()
  const { 'client-id': id, 'client-secret': secret } = inputs
  if (id !== undefined && (secret !== undefined || implicit)) return { id, secret: secret ?? new Secret('') }
  const needed = implicit ? (['client-id'] as const) : (['client-id', 'client-secret'] as const)
  const missing = needed.filter((name) => inputs[name] === undefined)
  throw new TokenError(
    'input',
    `Missing: ${missing.map((name) => run.rawInputs.nameOf(name)).join(', ')}.`,
    `Set the ID and secret of an OAuth client whose callback URL is ${callback.href}: ${oauthClients}.`,
  )
}

/**
 * Reads the callback URL to which Bitbucket sends the browser. It must lead to this machine, and not to a path that the
 * consent server uses for something else.
 */
function readCallbackUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isLoopback = url !== undefined && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  const isPlain =
    url?.protocol === 'http:' && url.username === '' && url.password === '' && !/[?#]/.test(text)
  const isReserved = url !== undefined && /^\/(authorize|healthcheck|result\/.*)?$/.test(url.pathname)
  if (url !== undefined && isLoopback && isPlain && !isReserved) return url
  throw new TokenError(
    'input',
    'This program cannot serve the address in --callback.',
    'Give the callback URL of the OAuth client. It needs http, localhost and a path: http://localhost:3000/oauth-callback.',
  )
}

function portError(error: unknown, callback: URL): unknown {
  const code = systemCode(error)
  if (code !== 'EADDRINUSE' && code !== 'EACCES') return error
  return new TokenError(
    'input',
    code === 'EACCES'
      ? `This user is not allowed to listen on port ${portOf(callback)}.`
      : `Another program on this machine already uses port ${portOf(callback)}.`,
    'Stop that program, or change the port of the OAuth client’s callback URL and pass the new URL: --callback http://localhost:3001/oauth-callback.',
    error,
  )
}

/** Prints the page's address, and opens it. It is always printed, because the browser may be elsewhere or fail to start. */
async function showAddress(callback: URL, { openBrowser: wanted }: AuthorizeFlags, run: Run): Promise<void> {
  const { world, host } = run
  const page = new URL('/', callback)
  const why = wanted ? whyNoBrowser(world.env) : '--no-browser is set'
  host.log.info(
    [
      `Open ${page.href} in a browser. Press Ctrl-C to stop.`,
      `To use a browser on another machine, forward the port first: ssh -L ${portOf(callback)}:${callback.hostname}:${portOf(callback)} THIS-MACHINE`,
    ].join('\n'),
  )
  if (why !== undefined) return host.log.debug(`Not opening a browser: ${why}.`)
  try {
    await openBrowser(page, withoutCredentials(world.env))
  } catch (error) {
    host.log.info(`Could not open a browser: ${reasonOf(error)}`)
  }
}

/** Reads the token from the fragment of the implicit grant (RFC 6749, 4.2.2). */
function fromFragment(parameters: URLSearchParams): IssuedToken {
  return issuedTokenIn(
    Object.fromEntries(parameters),
    (flaw) =>
      new TokenError(
        'answer-unusable',
        `Bitbucket sent the browser back without a usable token: ${flaw}.`,
        'Run it again. A browser extension may have changed the address.',
      ),
  )
}
