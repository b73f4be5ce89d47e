import type { Secret } from '../secret.ts'

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly url: URL
  readonly headers: Readonly<Record<string, string | Secret>>
  readonly body?: Secret
  /** Returns the error code of an answer that asks to retry later, although its status does not. */
  readonly retryLaterCode?: (response: HttpResponse) => string | undefined
}

/** A complete answer. An incomplete one is an error. */
export interface HttpResponse {
  readonly status: number
  /** Header names are in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string
}

/** The largest answer that is read, in bytes. Bitbucket's tokens have a few thousand characters. */
export const maxAnswerBytes = 1_048_576

/** An answer that can also be quoted. */
export interface HttpAnswer extends HttpResponse {
  /** Prepares words of this answer for a log: see `TextRedactor.quote`. */
  quote(text: string): string
}

/** Why a try brought no answer. */
export class NoAnswer extends Error {
  /** Whether retrying may help. It does not help against a bad certificate or a proxy's refusal. */
  readonly isTransient: boolean
  readonly nextStep: string

  constructor(message: string, isTransient: boolean, nextStep: string, cause?: unknown) {
    super(message, { cause })
    this.isTransient = isTransient
    this.nextStep = nextStep
  }
}

/** Sends one request once. */
export type Transport = (request: HttpRequest, signal: AbortSignal) => Promise<HttpResponse>

/** Sends a request, retrying transient failures until the deadline. */
export type Http = (request: HttpRequest) => Promise<HttpAnswer>

/** Whether nobody can read what is sent to a URL: it is encrypted, or it does not leave this machine. */
export const isPrivate = (url: URL): boolean => url.protocol === 'https:' || isLoopback(url)

const isLoopback = (url: URL): boolean => /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(url.hostname)
