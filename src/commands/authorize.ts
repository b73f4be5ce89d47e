import { Attempts, timeForConsent } from '../authorize/attempts.ts'
import { openBrowser, whyNoBrowser } from '../authorize/browser.ts'
import type { Problem } from '../authorize/callback.ts'
import { openDesk, portOf } from '../authorize/desk.ts'
import type { Granted } from '../authorize/pages.ts'
import { authorizationUrl } from '../bitbucket/authorization-endpoint.ts'
import type { Client } from '../bitbucket/client.ts'
import type { Issuance } from '../bitbucket/credential.ts'
import { enableGrant, oauthClients } from '../bitbucket/oauth-clients.ts'
import { scopesWithoutSecrets } from '../bitbucket/scopes.ts'
import { type IssuedToken, issuedTokenIn } from '../bitbucket/token-endpoint.ts'
import type { AuthorizeFlags } from '../command-line.ts'
import { fromAuthorizationCode } from '../credentials/authorization-code.ts'
import { loadRestApi } from '../credentials/verify.ts'
import { messageOf, reasonOf, TokenError } from '../errors.ts'
import type { Http } from '../http/exchange.ts'
import { type Inputs, withoutCredentials } from '../inputs.ts'
import { announceAddresses, hide, openHttp, type Run } from '../run.ts'
import { Secret, travelingForms } from '../secret.ts'
import { type Destination, openDestinations } from './authorize-destinations.ts'
import { expiryInWords } from './results.ts'

/**
 * The first refresh token, by a person's consent in a browser on this machine (the authorization code grant); or with
 * `implicit` an access token. It waits for ten minutes after the last press of the button.
 */
export async function authorize(run: Run, how: AuthorizeFlags): Promise<void> {
  const { world } = run
  const inputs = run.inputs()
  const callback = readCallbackUrl(how.callback)
  const client = clientIn(inputs, how, callback, run)
  announceAddresses(run)
  // A token that has nowhere to go would be lost, so this comes before anybody is asked for consent.
  const destinations = await openDestinations(how, run)

  const attempts = new Attempts(world)
  const problems = problemLog(run)
  const token = how.implicit ? 'access token' : 'refresh token'
  const desk = await openDesk({
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
        responseType: how.implicit ? 'token' : 'code',
        state,
        callback,
        challenge: how.implicit ? undefined : challenge,
      }),
    receive: async (parameters, { verifier }) => {
      const http = await openHttp(run)
      const code = new Secret(parameters.get('code') ?? '')
      hide(travelingForms(code), run)
      const issued = how.implicit
        ? fromFragment(parameters)
        : await fromAuthorizationCode(client, { code, callback, verifier }, { http, url: inputs.url })
      return keep(issued, { inputs, how, destinations, http, run })
    },
    issuer: inputs.url,
    quote: (text) => run.redactor.quote(text),
    clean: (text) => run.redactor.clean(text),
    sleep: world.sleep,
    onProblem: problems.tell,
  }).catch((error) => {
    throw portError(error, callback)
  })
  const over = new AbortController()
  try {
    await invite(callback, how, run)
    await Promise.race([
      desk.finished,
      tooLate(attempts, over.signal, desk.received, run),
      stopped(desk.received, run),
    ])
  } finally {
    over.abort()
    await desk.close()
    problems.end()
  }
}

/** Answers that brought nothing and are told one by one; a person meets few, and a program that sends them has no end. */
const mostProblems = 8

function problemLog({ host }: Run): { tell(problem: Problem): void; end(): void } {
  let count = 0
  return {
    tell({ title }) {
      count++
      if (count <= mostProblems) host.log.warning(`${title}. The page in the browser says more.`)
      if (count === mostProblems)
        host.log.warning('From now on, answers that bring nothing are only counted.')
    },
    end() {
      if (count > mostProblems) host.log.warning(`${count - mostProblems} more answers brought nothing.`)
    },
  }
}

function clientIn(inputs: Inputs, { implicit }: AuthorizeFlags, callback: URL, { given }: Run): Client {
  const { 'client-id': id, 'client-secret': secret } = inputs
  if (id !== undefined && (secret !== undefined || implicit)) return { id, secret: secret ?? new Secret('') }
  const needed = implicit ? (['client-id'] as const) : (['client-id', 'client-secret'] as const)
  const missing = needed.filter((name) => inputs[name] === undefined)
  throw new TokenError(
    'input',
    `Missing: ${missing.map((name) => given.nameOf(name)).join(', ')}.`,
    `Give ID and secret of an OAuth client whose callback URL is ${callback.href}: ${oauthClients}.`,
  )
}

/** Bitbucket sends the browser there, so it must lead to this machine and to nothing of its own. */
function readCallbackUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isLoopback = url !== undefined && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  const isPlain =
    url?.protocol === 'http:' && url.username === '' && url.password === '' && !/[?#]/.test(text)
  const isOurs = url !== undefined && /^\/(authorize|healthcheck|result\/.*)?$/.test(url.pathname)
  if (url !== undefined && isLoopback && isPlain && !isOurs) return url
  throw new TokenError(
    'input',
    '--callback is no address that this program can serve.',
    'Write it as it is registered at the consumer, with http, loopback and a path: http://localhost:3000/oauth-callback.',
  )
}

function portError(error: unknown, callback: URL): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code !== 'EADDRINUSE' && code !== 'EACCES') return error
  return new TokenError(
    'input',
    code === 'EACCES'
      ? `Port ${portOf(callback)} may not be listened on.`
      : `Port ${portOf(callback)} is taken by another program on this machine.`,
    'End that program; or give the consumer a callback URL with another port, and say so: --callback http://localhost:3001/oauth-callback.',
    error,
  )
}

/** The page's address is always said: the browser may be on another machine, or not come up. */
async function invite(callback: URL, { openBrowser: wanted }: AuthorizeFlags, run: Run): Promise<void> {
  const { world, host } = run
  const page = new URL('/', callback)
  const why = wanted ? whyNoBrowser(world.env) : 'none is wanted'
  host.log.info(
    [
      `Open ${page.href} in a browser. Ctrl-C ends this.`,
      `From another machine, forward the port first: ssh -L ${portOf(callback)}:${callback.hostname}:${portOf(callback)} THIS-MACHINE`,
    ].join('\n'),
  )
  if (why !== undefined) return host.log.debug(`No browser is opened: ${why}.`)
  try {
    await openBrowser(page, withoutCredentials(world.env))
  } catch (error) {
    host.log.info(`No browser could be opened here: ${reasonOf(error)}`)
  }
}

/** Milliseconds after which no press of the button prolongs the wait: a program could press it without end. */
const longestWait = 6 * timeForConsent

/** Rejects when nobody has come back for ten minutes; never settles once somebody has. */
async function tooLate(
  attempts: Attempts,
  over: AbortSignal,
  received: AbortSignal,
  { world }: Run,
): Promise<never> {
  const begun = world.elapsed()
  const waiting = AbortSignal.any([over, received])
  try {
    for (;;) {
      const end = Math.min(attempts.end ?? begun + timeForConsent, begun + longestWait)
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
    'Run it again, and press the button on Bitbucket’s page in time.',
  )
}

function stopped(received: AbortSignal, { world }: Run): Promise<never> {
  return new Promise((_, reject) => {
    const stop = () => {
      const before = received.aborted ? 'the token was where it belongs' : 'anybody has granted access'
      reject(new TokenError('interrupted', `Stopped before ${before}.`, 'Run it again.'))
    }
    if (world.stop.aborted) stop()
    world.stop.addEventListener('abort', stop, { once: true })
  })
}

/** What the fragment of the implicit grant says (RFC 6749, 4.2.2). */
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

interface Keeping {
  readonly inputs: Inputs
  readonly how: AuthorizeFlags
  readonly destinations: readonly Destination[]
  readonly http: Http
  readonly run: Run
}

/** Puts the token where it belongs, and only then finds out whose it is. */
async function keep(
  issued: IssuedToken,
  { inputs, how, destinations, http, run }: Keeping,
): Promise<Granted> {
  const { world, host } = run
  const issuedAt = world.now()
  const found = [issued.token, issued.refreshToken].filter((one) => one !== undefined)
  hide(
    found.flatMap((one) => travelingForms(one)),
    run,
  )
  const quote = (text: string) => run.redactor.quote(text)
  const scopes = issued.scopes && scopesWithoutSecrets(issued.scopes, quote)
  const kept = how.implicit ? issued.token : issued.refreshToken
  if (kept === undefined) {
    throw new TokenError(
      'answer-unusable',
      'Bitbucket granted access, but gave no refresh token.',
      enableGrant('authorization-code'),
    )
  }
  const name = how.implicit ? 'access token' : 'refresh token'
  const having: string[] = []
  const failures: unknown[] = []
  // A person has named each of them, so one that fails does not cost the others.
  for (const destination of destinations) {
    await destination.save(kept, { ...issued, issuedAt }).then(
      () => having.push(destination.name),
      (error: unknown) => failures.push(error),
    )
  }
  const places = having.join(' and ')
  if (failures.length > 0) {
    if (having.length > 0) host.log.info(`The ${name} went to ${places}.`)
    const [first, ...others] = failures
    for (const other of others)
      host.log.error(other instanceof TokenError ? other.message : quote(messageOf(other)))
    throw first
  }

  const account = await accountOf(issued, how.implicit ? 'implicit' : 'authorization-code', inputs, http)
  const accessEnds = expiryInWords(issuedAt + issued.expiresIn * 1_000, issuedAt, issued.expiryIsAssumed)
  host.log.info(
    `Access was granted. Account ${account}; scopes ${scopes?.join(', ') || 'not told'}. The ${name} went to ${places}.`,
  )
  return {
    account,
    scopes,
    tokens: how.implicit
      ? [['Access token', `went to ${places}; ends ${accessEnds}`]]
      : [
          ['Refresh token', `went to ${places}; ends three months after its last use`],
          ['Access token', `came along; ends ${accessEnds}`],
        ],
    next: how.implicit
      ? 'This grant brings no refresh token: when the access token has ended, run the program again.'
      : 'Every use of the refresh token brings a new one in its place: let each job save it (save-refresh-token).',
  }
}

/** The token is kept already, so nothing that fails here may undo that. */
async function accountOf(
  { token }: IssuedToken,
  kind: Issuance,
  inputs: Inputs,
  http: Http,
): Promise<string> {
  const authorization = token.derive((value) => `Bearer ${value}`)
  try {
    const { checkCredential } = await loadRestApi()
    const { account, missing } = await checkCredential(
      http,
      inputs['api-url'],
      { kind, authorization, secret: token },
      undefined,
    )
    if (account !== undefined) return account
    return missing.length === 0
      ? 'not told by Bitbucket'
      : `not shown: reading it needs the scope ${missing.join(', ')}`
  } catch (error) {
    return `not shown: ${reasonOf(error)}`
  }
}
