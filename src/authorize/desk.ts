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

export interface DeskOptions {
  readonly plan: Plan
  readonly attempts: Attempts
  /** Where an attempt begins, at Bitbucket. */
  readonly authorizationUrl: (attempt: Attempt) => URL
  /** Called once, with the first good answer. What it throws ends the run. */
  readonly receive: (parameters: URLSearchParams, attempt: Attempt) => Promise<Granted>
  /** Where the person is sent, as `iss` in an answer would name it. */
  readonly issuer: URL
  /** Makes words from outside ready for a page: see `Redactor.quote`. */
  readonly quote: (text: string) => string
  /** Takes whole secrets out of sentences of our own. */
  readonly clean: (text: string) => string
  readonly sleep: World['sleep']
  /** Called with an answer that brought nothing; the person may begin again. */
  readonly onProblem: (problem: Problem) => void
}

/** The pages of one run, from the button to the result. */
export interface Desk {
  /** Settles when `receive` has, and its page is with the browser. */
  readonly finished: Promise<void>
  /** Whether a good answer has come, so that there is nothing to wait for any more but the work. */
  readonly received: AbortSignal
  close(): Promise<void>
}

/**
 * Opens the desk: `/` explains, `/authorize` goes to Bitbucket, the callback takes the answer in, `/result/<n>` shows what
 * came of it. So no page that stays in the browser has a code in its address.
 * @throws node's listen error
 */
export async function openDesk(options: DeskOptions): Promise<Desk> {
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
  // It may fail before anybody looks.
  finished.catch(() => {})

  /** @returns where the page is to be seen */
  const show = (answer: LoopbackAnswer): string => {
    const path = `/result/${++shown}`
    results.set(path, answer)
    // Any program on this machine may send answers without end. The last page, which ends the run, stays.
    for (const [oldest, { sent }] of results)
      if (results.size > mostResults && sent === undefined) results.delete(oldest)
    return path
  }

  const showProblem = (problem: Problem): string => {
    options.onProblem(problem)
    return show(pageAnswer(problemPage(problem, false)))
  }

  const showLast = (page: Page, error?: unknown): string => {
    options.sleep(longestFetch, closed.signal).then(
      () => end(error),
      () => {},
    )
    return show({ ...pageAnswer(page), sent: () => end(error) })
  }

  const takeIn = async (parameters: URLSearchParams): Promise<string> => {
    const answer = readCallback(parameters, attempts, { wanted, issuer, quote })
    if ('problem' in answer) return showProblem(answer.problem)
    if (received.signal.aborted) return show(pageAnswer(problemPage(elsewhere, true)))
    received.abort()
    try {
      return showLast(grantedPage(await options.receive(answer.parameters, answer.attempt)))
    } catch (error) {
      return showLast(problemPage(problemOf(error, options), true), error)
    }
  }

  const route = async ({ method, url, headers, body }: LoopbackRequest): Promise<LoopbackAnswer> => {
    const path = url.pathname
    if (method === 'POST' && isImplicit && path === plan.callback.pathname) {
      // Only our own page may hand something over; a form on another one sends its own origin, or none.
      if (headers.origin !== url.origin || url.search !== '')
        return { status: 403, body: 'That came from another page.\n' }
      return { status: 200, body: await takeIn(new URLSearchParams(body)) }
    }
    if (method !== 'GET')
      return { status: 405, headers: { allow: 'GET' }, body: 'Only GET is served here.\n' }
    switch (path) {
      case '/':
        return pageAnswer(startPage(plan))
      case '/healthcheck':
        return { status: 200, body: 'ok\n' }
      case '/authorize':
        // A picture on some page must not begin anything; where it is asked for in the browser, this header says so.
        if (/^(cross-site|same-site)$/.test(String(headers['sec-fetch-site']))) return goTo('/')
        return goTo(options.authorizationUrl(attempts.begin()).href)
      case plan.callback.pathname:
        if (isImplicit && url.search === '') return pageAnswer(fragmentPage)
        if (!isImplicit) return goTo(await takeIn(url.searchParams))
        // The empty fragment keeps the browser from taking the one of this address along.
        return goTo(
          `${url.searchParams.has('access_token') ? showProblem(problems.tokenInQuery) : await takeIn(url.searchParams)}#`,
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

/** Pages that are kept for a browser that has yet to fetch them. */
const mostResults = 32

/** Milliseconds that a browser may take for the last page; one that is gone does not keep the program. */
const longestFetch = 5_000

export const portOf = (url: URL): number => Number(url.port || 80)

const goTo = (location: string): LoopbackAnswer => ({ status: 303, headers: { location }, body: '' })

const elsewhere: Problem = {
  title: 'Access was granted in another tab',
  text: 'The program takes one answer, and another tab came first.',
  advice: 'Nothing was done with this one. Look there for what came of it.',
}

function problemOf(error: unknown, { quote, clean }: Pick<DeskOptions, 'quote' | 'clean'>): Problem {
  return {
    title: 'Access was granted, but that is not all',
    text: error instanceof TokenError ? clean(error.message) : quote(messageOf(error)),
    advice: error instanceof TokenError ? clean(error.nextStep) : 'Please report it.',
  }
}
