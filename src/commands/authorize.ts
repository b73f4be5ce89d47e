import { Attempts, timeForConsent } from '../authorize/attempts.ts'
import { openBrowser, whyNoBrowser } from '../authorize/browser.ts'
import type { Problem } from '../authorize/callback.ts'
import { portOf, startConsentServer } from '../authorize/consent-server.ts'
import type { Granted } from '../authorize/pages.ts'
import { authorizationUrl } from '../bitbucket/authorization-endpoint.ts'
import { enableGrant, oauthClients } from '../bitbucket/oauth-clients.ts'
import { checkCredential } from '../bitbucket/rest.ts'
import { scopesWithoutSecrets } from '../bitbucket/scopes.ts'
import { type Client, type IssuedToken, issuedTokenIn } from '../bitbucket/token-endpoint.ts'
import type { AuthorizeFlags } from '../command-line.ts'
import { fromAuthorizationCode } from '../credentials/authorization-code.ts'
import { issuedToken } from '../credentials/bearer.ts'
import { withWrongInputHint } from '../credentials/index.ts'
import { messageOf, reasonOf, systemCode, TokenError } from '../errors.ts'
import type { Http } from '../http/exchange.ts'
import { type Inputs, withoutCredentials } from '../inputs.ts'
import { announceAddresses, hide, type Run } from '../run.ts'
import { encodedForms, Secret } from '../secret.ts'
import { type Destination, type Issued, openDestinations } from './authorize-destinations.ts'
import { openHttp } from './requests.ts'
import { expiryInWords } from './results.ts'

/**
 * Gets a first refresh token after the user has given consent in a browser on this machine (the authorization code grant),
 * or an access token with `implicit`. Waits for ten minutes after the user last pressed the button.
 */
export async function authorize(run: Run, flags: AuthorizeFlags): Promise<void> {
  const { world } = run
  const inputs = run.inputs()
  const callback = readCallbackUrl(flags.callback)
  const client = clientIn(inputs, flags, callback, run)
  announceAddresses(run)
  // This comes before the user is asked, because a token without a destination would be lost.
  const destinations = await openDestinations(flags, run)

  const attempts = new Attempts(world)
  const problems = problemLog(run)
  const token = flags.implicit ? 'access token' : 'refresh token'
  const server = await startConsentServer({
    plan: {
      bitbucket: inputs.url.host,
      clientId: client.id,
      callback,
      token,
      destinations: destinations.map(({ name }) => name),
    },
    attempts,
    authorizationUrl: ({ state, challenge }) =>
      authorizationUrl(inputs.url, {
        clientId: client.id,
        responseType: flags.implicit ? 'token' : 'code',
        state,
        callback,
        challenge: flags.implicit ? undefined : challenge,
      }),
    receive: async (parameters, { verifier }) => {
      const http = await openHttp(run)
      const code = new Secret(parameters.get('code') ?? '')
      hide(encodedForms(code), run)
      const issued = flags.implicit
        ? fromFragment(parameters)
        : await withWrongInputHint({ 'client-secret': client.secret }, () =>
            fromAuthorizationCode(client, { code, callback, verifier }, { http, url: inputs.url }),
          )
      return save(issued, { inputs, flags, destinations, http, run })
    },
    issuer: inputs.url,
    quote: (text) => run.redactor.quote(text),
    clean: (text) => run.redactor.clean(text),
    sleep: world.sleep,
    onProblem: problems.warn,
  }).catch((error) => {
    throw portError(error, callback)
  })
  const done = new AbortController()
  try {
    await showAddress(callback, flags, run)
    await Promise.race([
      server.finished,
      timeOut(attempts, done.signal, server.received, run),
      rejectWhenStopped(server.received, run),
    ])
  } finally {
    done.abort()
    await server.close()
    problems.end()
  }
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

function clientIn(inputs: Inputs, { implicit }: AuthorizeFlags, callback: URL, { rawInputs }: Run): Client {
  const { 'client-id': id, 'client-secret': secret } = inputs
  if (id !== undefined && (secret !== undefined || implicit)) return { id, secret: secret ?? new Secret('') }
  const needed = implicit ? (['client-id'] as const) : (['client-id', 'client-secret'] as const)
  const missing = needed.filter((name) => inputs[name] === undefined)
  throw new TokenError(
    'input',
    `Missing: ${missing.map((name) => rawInputs.nameOf(name)).join(', ')}.`,
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

/** The longest wait in milliseconds. Each press of the button extends the wait, and a program could press it forever. */
const maxWait = 6 * timeForConsent

/** Rejects when nobody has come back for ten minutes. Never settles after an answer has arrived. */
async function timeOut(
  attempts: Attempts,
  done: AbortSignal,
  received: AbortSignal,
  { world }: Run,
): Promise<never> {
  const begun = world.elapsed()
  const waiting = AbortSignal.any([done, received])
  try {
    for (;;) {
      const end = Math.min(attempts.end ?? begun + timeForConsent, begun + maxWait)
      const left = end - world.elapsed()
      if (left <= 0) break
      await world.sleep(left, waiting)
    }
  } catch {
    return new Promise(() => {})
  }
  throw new TokenError(
    'no-consent',
    'Timed out: nobody granted access within ten minutes.',
    'Run it again, and press the button on Bitbucket’s page within ten minutes.',
  )
}

function rejectWhenStopped(received: AbortSignal, { world }: Run): Promise<never> {
  return new Promise((_, reject) => {
    const stop = () => {
      const before = received.aborted ? 'the token was saved' : 'anybody granted access'
      reject(new TokenError('interrupted', `Stopped before ${before}.`, 'Run it again.'))
    }
    if (world.stop.aborted) stop()
    world.stop.addEventListener('abort', stop, { once: true })
  })
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

interface SaveContext {
  readonly inputs: Inputs
  readonly flags: AuthorizeFlags
  readonly destinations: readonly Destination[]
  readonly http: Http
  readonly run: Run
}

/** Saves the token to every destination, and only then asks Bitbucket for its account. */
async function save(issued: IssuedToken, context: SaveContext): Promise<Granted> {
  const { inputs, flags, http, run } = context
  const issuedAt = run.world.now()
  for (const secret of [issued.token, issued.refreshToken])
    if (secret !== undefined) hide(encodedForms(secret), run)
  const name = flags.implicit ? 'access token' : 'refresh token'
  const places = await saveEverywhere(name, { ...issued, issuedAt }, context)
  const account = await accountOf(issued, inputs, http)
  const quote = (text: string) => run.redactor.quote(text)
  const scopes = issued.scopes && scopesWithoutSecrets(issued.scopes, quote)
  run.host.log.info(
    `Access was granted. Account: ${account}. Scopes: ${scopes?.join(', ') || 'unknown'}. The ${name} was written to ${places}.`,
  )
  const accessEnds = expiryInWords(issuedAt + issued.expiresIn * 1_000, issuedAt, issued.expiryIsAssumed)
  return flags.implicit
    ? {
        account,
        scopes,
        tokens: [['Access token', `written to ${places}; expires ${accessEnds}`]],
        next: 'This grant returns no refresh token. When the access token has expired, run the program again.',
      }
    : {
        account,
        scopes,
        tokens: [
          ['Refresh token', `written to ${places}; expires three months after its last use`],
          ['Access token', `also returned; expires ${accessEnds}`],
        ],
        next: 'Each use of the refresh token returns a new one. Let each job save the new one (save-refresh-token).',
      }
}

/**
 * Saves the token to every destination. If one fails, the others are still written, because the user asked for each of them.
 * @returns the destinations in words
 * @throws the first failure
 */
async function saveEverywhere(
  name: string,
  issued: Issued,
  { flags, destinations, run }: SaveContext,
): Promise<string> {
  const { host, redactor } = run
  const token = flags.implicit ? issued.token : issued.refreshToken
  if (token === undefined) {
    throw new TokenError(
      'answer-unusable',
      'Bitbucket granted access, but returned no refresh token.',
      enableGrant('Authorization code'),
    )
  }
  const saved: string[] = []
  const failures: unknown[] = []
  for (const destination of destinations) {
    await destination.save(token, issued).then(
      () => saved.push(destination.name),
      (error: unknown) => failures.push(error),
    )
  }
  const places = saved.join(' and ')
  if (failures.length === 0) return places
  if (saved.length > 0) host.log.info(`The ${name} was written to ${places}.`)
  const [first, ...others] = failures
  for (const other of others)
    host.log.error(other instanceof TokenError ? other.message : redactor.quote(messageOf(other)))
  throw first
}

/** Asks Bitbucket for the account and returns it in words. Never throws, because the token is already saved. */
async function accountOf({ token }: IssuedToken, inputs: Inputs, http: Http): Promise<string> {
  const authorization = token.derive((value) => `Bearer ${value}`)
  try {
    const { account, missing } = await checkCredential(
      http,
      inputs['api-url'],
      { ...issuedToken, authorization },
      undefined,
    )
    if (account !== undefined) return account
    return missing.length === 0
      ? 'unknown, because Bitbucket did not name it'
      : `unknown, because reading it needs the scope ${missing.join(', ')}`
  } catch (error) {
    return `unknown: ${reasonOf(error)}`
  }
}
