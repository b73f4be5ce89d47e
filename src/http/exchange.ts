import type { Secret } from '../secret.ts'

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly url: URL
  readonly headers: Readonly<Record<string, string | Secret>>
  readonly body?: Secret
  /** Returns what an answer says if it asks to come back later although its status does not. */
  readonly busyCode?: (response: HttpResponse) => string | undefined
}

/** A whole answer: one whose end was not seen is an error, never a response. */
export interface HttpResponse {
  readonly status: number
  /** Header names are in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string
}

/** An answer as the rest of the program gets it. */
export interface HttpAnswer extends HttpResponse {
  /** Makes words of this answer ready for a log: see `Redactor.quote`. */
  quote(text: string): string
}

/** Why a try brought no answer. */
export class NoAnswer extends Error {
  /** Whether another try may end differently: a certificate or a proxy's refusal stays what it is. */
  readonly passing: boolean
  readonly nextStep: string

  constructor(message: string, passing: boolean, nextStep: string, cause?: unknown) {
    super(message, { cause })
    this.passing = passing
    this.nextStep = nextStep
  }
}

/** Sends one request once. */
export type Transport = (request: HttpRequest, signal: AbortSignal) => Promise<HttpResponse>

/** Sends a request, retrying transient failures until the deadline. */
export type Http = (request: HttpRequest) => Promise<HttpAnswer>
