import { messageOf, TokenError } from '../errors.ts'
import {
  type LoopbackAnswer,
  type LoopbackRequest,
  type LoopbackServer,
  serveLoopback,
} from '../http/loopback-server.ts'
import type { World } from '../world.ts'
import type { Attempt, Attempts } from './attempts.ts'
import { type Problem, problems, readCallback } from './callback.ts'
import { type Page, pageAnswer } from './layout.ts'
import {
  fragmentPage,
  type Granted,
  grantedPage,
  notFoundPage,
  type Plan,
  problemPage,
  startPage,
} from './pages.ts'

export interface ConsentServerOptions {
  readonly plan: Plan
  readonly attempts: Attempts
  /** Returns the address at Bitbucket to which an attempt sends the browser. */
  readonly authorizationUrl: (attempt: Attempt) => URL
  /** Called once, with the first valid answer. If it throws, `finished` rejects with that error. */
  readonly receive: (parameters: URLSearchParams, attempt: Attempt) => Promise<Granted>
  /** Where the browser is sent, as `iss` in an answer would name it. */
  readonly issuer: URL
  /** Makes text from outside safe to show: see `TextRedactor.quote`. */
  readonly quote: (text: string) => string
  /** Removes whole secrets from this program's own sentences. */
  readonly clean: (text: string) => string
  readonly sleep: World['sleep']
  /** Called for each answer that was not accepted. The user may start again. */
  readonly onProblem: (problem: Problem) => void
}

/** A loopback server with the pages of one run, from the start page to the result. */
export interface ConsentServer {
  /** Settles when `receive` has settled and the browser has fetched the page about it. */
  readonly finished: Promise<void>
  /** Aborted when a valid answer has arrived, so that nobody waits for the user any longer. */
  readonly received: AbortSignal
  close(): Promise<void>
}

/**
 * Starts the server: `/` explains, `/authorize` redirects to Bitbucket, the callback reads the answer, `/result/<n>` shows
 * the result. The result has its own address so that no page in the browser keeps a code in its address.
 * @throws Node's listen error
 */
export async function startConsentServer(options: ConsentServerOptions): Promise<ConsentServer> {
  const { plan, attempts, issuer, quote } = options
  const isImplicit = plan.token === 'access token'
  const wanted = isImplicit ? 'access_token' : 'code'
  const results = new Map<string, LoopbackAnswer>()
  let shown = 0
  const received = new AbortController()
  const closed = new AbortController()
  let end: (error?: unknown) => void = () => {}
  const finished = new Promise<void>((resolve, reject) => {
    end = (error) => (error === undefined ? resolve() : reject(error))
  })
  // It may reject before anybody awaits it, which would end the process.
  finished.catch(() => {})

  /** Keeps a page and returns its path. */
  const show = (answer: LoopbackAnswer): string => {
    const path = `/result/${++shown}`
    results.set(path, answer)
    // Old pages are dropped because any program on this machine can send endless answers. The final page stays.
    for (const [oldest, { sent }] of results)
      if (results.size > maxResults && sent === undefined) results.delete(oldest)
    return path
  }

  const showProblem = (problem: Problem): string => {
    options.onProblem(problem)
    return show(pageAnswer(problemPage(problem, false)))
  }

  const showFinal = (page: Page, error?: unknown): string => {
    options.sleep(fetchTimeout, closed.signal).then(
      () => end(error),
      () => {},
    )
    return show({ ...pageAnswer(page), sent: () => end(error) })
  }

  const handleAnswer = async (parameters: URLSearchParams): Promise<string> => {
    const answer = readCallback(parameters, attempts, { wanted, issuer, quote })
    if ('problem' in answer) return showProblem(answer.problem)
    if (received.signal.aborted) return show(pageAnswer(problemPage(grantedElsewhere, true)))
    received.abort()
    try {
      return showFinal(grantedPage(await options.receive(answer.parameters, answer.attempt)))
    } catch (error) {
      return showFinal(problemPage(problemOf(error, options), true), error)
    }
  }

  const route = async ({ method, url, headers, body }: LoopbackRequest): Promise<LoopbackAnswer> => {
    const path = url.pathname
    if (method === 'POST' && isImplicit && path === plan.callback.pathname) {
      // Only this server's own page may post an answer. A form on another page sends another origin, or none.
      if (headers.origin !== url.origin || url.search !== '')
        return { status: 403, body: 'This request came from another page.\n' }
      return { status: 200, body: await handleAnswer(new URLSearchParams(body)) }
    }
    if (method !== 'GET')
      return { status: 405, headers: { allow: 'GET' }, body: 'Only GET is allowed here.\n' }
    switch (path) {
      case '/':
        return pageAnswer(startPage(plan))
      case '/healthcheck':
        return { status: 200, body: 'ok\n' }
      case '/authorize':
        // An image on some web page must not start an attempt. Browsers mark such requests with this header.
        if (/^(cross-site|same-site)$/.test(String(headers['sec-fetch-site']))) return goTo('/')
        return goTo(options.authorizationUrl(attempts.begin()).href)
      case plan.callback.pathname:
        if (isImplicit && url.search === '') return pageAnswer(fragmentPage)
        if (!isImplicit) return goTo(await handleAnswer(url.searchParams))
        // Without the empty fragment, the browser would carry the fragment of this address to the next page.
        return goTo(
          `${url.searchParams.has('access_token') ? showProblem(problems.tokenInQuery) : await handleAnswer(url.searchParams)}#`,
        )
      default:
        return results.get(path) ?? pageAnswer(notFoundPage)
    }
  }

  const server: LoopbackServer = await serveLoopback(portOf(plan.callback), route)
  return {
    finished,
    received: received.signal,
    close: () => {
      closed.abort()
      return server.close()
    },
  }
}

/** How many pages are kept until the browser fetches them. */
const maxResults = 32

/** How long the program waits for the browser to fetch the final page, in milliseconds. The browser may be gone. */
const fetchTimeout = 5_000

export const portOf = (url: URL): number => Number(url.port || 80)

const goTo = (location: string): LoopbackAnswer => ({ status: 303, headers: { location }, body: '' })

const grantedElsewhere: Problem = {
  title: 'Access was granted in another tab',
  text: 'The program accepts one answer, and another tab was first.',
  advice: 'The program ignored this answer. See the other tab for the result.',
}

function problemOf(error: unknown, { quote, clean }: Pick<ConsentServerOptions, 'quote' | 'clean'>): Problem {
  return {
    title: 'Access was granted, but then something failed',
    text: error instanceof TokenError ? clean(error.message) : quote(messageOf(error)),
    advice: error instanceof TokenError ? clean(error.nextStep) : 'Please report it.',
  }
}
