import { messageOf, TokenError } from '../errors.ts'
import { type LoopbackAnswer, type LoopbackRequest, serveLoopback } from '../http/loopback-server.ts'
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
  const session = new ConsentSession(options)
  const server = await serveLoopback(portOf(options.plan.callback), (request) => session.answer(request))
  return {
    finished: session.finished,
    received: session.received.signal,
    close: () => {
      session.closed.abort()
      return server.close()
    },
  }
}

/** The state of one run, and the pages that it shows. */
class ConsentSession {
  readonly finished: Promise<void>
  readonly received = new AbortController()
  readonly closed = new AbortController()
  readonly #options: ConsentServerOptions
  readonly #isImplicit: boolean
  readonly #results = new Map<string, LoopbackAnswer>()
  #shown = 0
  #end: (error?: unknown) => void = () => {}

  constructor(options: ConsentServerOptions) {
    this.#options = options
    this.#isImplicit = options.plan.token === 'access token'
    this.finished = new Promise<void>((resolve, reject) => {
      this.#end = (error) => (error === undefined ? resolve() : reject(error))
    })
    // It may reject before anybody awaits it, which would end the process.
    this.finished.catch(() => {})
  }

  async answer(request: LoopbackRequest): Promise<LoopbackAnswer> {
    const { method, url, headers } = request
    const { plan, attempts, authorizationUrl } = this.#options
    const isCallback = url.pathname === plan.callback.pathname
    if (method === 'POST' && this.#isImplicit && isCallback) return this.#answerPost(request)
    if (method !== 'GET')
      return { status: 405, headers: { allow: 'GET' }, body: 'Only GET is allowed here.\n' }
    switch (url.pathname) {
      case '/':
        return pageAnswer(startPage(plan))
      case '/healthcheck':
        return { status: 200, body: 'ok\n' }
      case '/authorize':
        // An image on some web page must not start an attempt. Browsers mark such requests with this header.
        if (/^(cross-site|same-site)$/.test(String(headers['sec-fetch-site']))) return goTo('/')
        return goTo(authorizationUrl(attempts.begin()).href)
      case plan.callback.pathname:
        return this.#answerCallback(url)
      default:
        return this.#results.get(url.pathname) ?? pageAnswer(notFoundPage)
    }
  }

  /** Answers the script of {@link fragmentPage}, which posts what Bitbucket put behind the `#`. */
  async #answerPost({ url, headers, body }: LoopbackRequest): Promise<LoopbackAnswer> {
    // Only this server's own page may post an answer. A form on another page sends another origin, or none.
    if (headers.origin !== url.origin || url.search !== '')
      return { status: 403, body: 'This request came from another page.\n' }
    return { status: 200, body: await this.#receive(new URLSearchParams(body)) }
  }

  async #answerCallback({ search, searchParams }: URL): Promise<LoopbackAnswer> {
    if (!this.#isImplicit) return goTo(await this.#receive(searchParams))
    if (search === '') return pageAnswer(fragmentPage)
    const path = searchParams.has('access_token')
      ? this.#showProblem(problems.tokenInQuery)
      : await this.#receive(searchParams)
    // Without the empty fragment, the browser would carry the fragment of this address to the next page.
    return goTo(`${path}#`)
  }

  /** Receives an answer of Bitbucket. Returns the path of the page about it. */
  async #receive(parameters: URLSearchParams): Promise<string> {
    const { attempts, issuer, quote, receive } = this.#options
    const wanted = this.#isImplicit ? 'access_token' : 'code'
    const answer = readCallback(parameters, attempts, { wanted, issuer, quote })
    if ('problem' in answer) return this.#showProblem(answer.problem)
    if (this.received.signal.aborted) return this.#show(pageAnswer(problemPage(grantedElsewhere, true)))
    this.received.abort()
    try {
      return this.#showFinal(grantedPage(await receive(answer.parameters, answer.attempt)))
    } catch (error) {
      return this.#showFinal(problemPage(problemOf(error, this.#options), true), error)
    }
  }

  #showProblem(problem: Problem): string {
    this.#options.onProblem(problem)
    return this.#show(pageAnswer(problemPage(problem, false)))
  }

  #showFinal(page: Page, error?: unknown): string {
    this.#options.sleep(fetchTimeout, this.closed.signal).then(
      () => this.#end(error),
      () => {},
    )
    return this.#show({ ...pageAnswer(page), sent: () => this.#end(error) })
  }

  /** Keeps a page and returns its path. */
  #show(answer: LoopbackAnswer): string {
    const path = `/result/${++this.#shown}`
    this.#results.set(path, answer)
    // Old pages are dropped because any program on this machine can send endless answers. The final page stays.
    for (const [oldest, { sent }] of this.#results)
      if (this.#results.size > maxResults && sent === undefined) this.#results.delete(oldest)
    return path
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
