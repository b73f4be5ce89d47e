import type { HttpAnswer } from '../http/exchange.ts'
import { isObject, readJson, stringAt, valueAt } from './answers.ts'

/** What a server said about an error, ready for a log. Texts and lists are empty if it said nothing. */
export interface SaidError {
  /** OAuth's `error`, such as `invalid_grant` (RFC 6749, 5.2). */
  readonly code: string
  readonly message: string
  readonly detail: string
  /** Scopes that a 403 of the REST API lists as required. */
  readonly required: readonly string[]
  readonly granted: readonly string[]
}

/**
 * Reads an error in any of the formats of Bitbucket and of the gateway in front of it:
 * - OAuth: `error` and `error_description`;
 * - REST: `error.message`, `error.detail` (a sentence, or an object with lists: atlassian-python-api#1260) and
 *   `error.fields`;
 * - the gateway: `message` or `errors`, alone or in a list.
 * @returns undefined if the answer is not JSON or reports no error
 */
export function readError(response: HttpAnswer): SaidError | undefined {
  const body = firstObject(response)
  if (body === undefined) return undefined
  const error = valueAt(body, 'error')
  const gateway = firstOf(valueAt(body, 'errors'))
  const code = stringAt(body, 'error') ?? ''
  const message =
    stringAt(body, 'error_description') ??
    stringAt(error, 'message') ??
    stringAt(body, 'message') ??
    stringAt(gateway, 'message') ??
    stringAt(gateway, 'title') ??
    (typeof gateway === 'string' ? gateway : '')
  const detail = valueAt(error, 'detail') ?? valueAt(body, 'detail') ?? valueAt(gateway, 'detail')
  const said = {
    code: response.quote(code),
    message: response.quote(message),
    detail: response.quote([textOf(detail), fieldsOf(valueAt(error, 'fields'))].filter(Boolean).join('; ')),
    required: listAt(detail, 'required', response.quote),
    granted: listAt(detail, 'granted', response.quote),
  }
  const isEmpty = said.code === '' && said.message === '' && said.detail === '' && said.required.length === 0
  return isEmpty && !isObject(error) ? undefined : said
}

/**
 * Whether an error has one of Bitbucket's own formats: the REST object, or an OAuth code. The JSON of a firewall has
 * neither.
 */
export function isOwnError(response: HttpAnswer): boolean {
  const error = valueAt(firstObject(response), 'error')
  return isObject(error) || (typeof error === 'string' && /^[a-z]+(_[a-z]+)+$/.test(error))
}

/** Joins the message and the detail of an error into one text to quote; empty if it has neither. */
export function messageWithDetail({ message, detail }: SaidError): string {
  if (message === '' || detail === '') return message || detail
  return /[.!?:]$/.test(message) ? `${message} ${detail}` : `${message}: ${detail}`
}

/** Returns `(status 403: "Forbidden")`, without the quotation if the answer contains no words. */
export function statusAndWords(response: HttpAnswer): string {
  const error = readError(response)
  const said = error === undefined ? '' : messageWithDetail(error) || error.code
  return `(status ${response.status}${said && `: "${said}"`})`
}

function firstObject(response: HttpAnswer): unknown {
  const value = firstOf(readJson(response))
  return isObject(value) ? value : undefined
}

const firstOf = (value: unknown): unknown => (Array.isArray(value) ? value[0] : value)

const textOf = (detail: unknown): string =>
  typeof detail === 'string' ? detail : (stringAt(detail, 'message') ?? '')

/** Returns `key: Too long.` for `{"key": ["Too long."]}`, Bitbucket's format for errors in a form. */
function fieldsOf(fields: unknown): string {
  if (!isObject(fields)) return ''
  return Object.entries(fields)
    .map(([name, texts]) => [name, [texts].flat().filter((text) => typeof text === 'string')] as const)
    .filter(([, texts]) => texts.length > 0)
    .map(([name, texts]) => `${name}: ${texts.join(' ')}`)
    .join('; ')
}

function listAt(object: unknown, key: string, quote: HttpAnswer['quote']): string[] {
  const value = valueAt(object, key)
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string').map(quote) : []
}

interface Reason {
  readonly said: RegExp
  readonly advice: string
}

/**
 * Why Bitbucket denies access to a credential that it knows. The first match counts, because one sentence may name both
 * an administrator and an IP address.
 */
const reasons = {
  // "To access this repository, an admin must whitelist your IP." (Atlassian KB, "Error 403 when performing Git
  // operations")
  ipAllowList: {
    said: /white-?list|allow-?\s?list|\bip\b|ip address/i,
    advice:
      "The workspace accepts only the IP addresses on its allow list (Workspace settings → Access controls): add this machine's address, or run the job on a runner whose address is listed.",
  },
  // "To access this repository, enable two-step verification." (same article; community.atlassian.com qaq-p/787619)
  twoSteps: {
    said: /(two|2)[\s-]?(step|factor)|\b(2fa|2sv|mfa)\b/i,
    advice:
      'The workspace requires two-step verification: turn it on for the account that owns the credential (id.atlassian.com → Security), or use an access token or an OAuth client instead.',
  },
  // "… has exceeded its user limit and this repository is restricted to read-only access. …" (Atlassian KB, "Your push
  // failed")
  plan: {
    said: /read-?\s?only|user limit|\bplans?\b|subscription|billing|payment|\bpaid\b|\btrial\b|upgrade/i,
    advice:
      'The plan of the workspace has ended or has too many users, so the workspace may be read-only: see Workspace settings → Plan details.',
  },
  account: {
    said: /(account|user)\b.*\b(disabled|deactivated|inactive|suspended|closed|locked|deleted)|(disabled|deactivated|inactive|suspended|closed|locked|deleted)\b.*\b(account|user)/i,
    advice: 'The account that owns the credential is disabled: use a credential of an active account.',
  },
  // "This API is not accessible by this authentication mechanism" (DrFaust92/terraform-provider-bitbucket#221)
  mechanism: {
    said: /authentication mechanism/i,
    advice:
      'Bitbucket does not allow this kind of credential at this address. Use another kind for this job.',
  },
  administrator: {
    // Does not match "You need admin access", which is a missing permission.
    said: /\b(admins?|administrators?|organi[sz]ations?|polic(y|ies))\b.*\b(block|den|disabl|restrict|forbid|prohibit|not allow)|\b(block|den(y|ied)|disabl|restrict|forbid|prohibit|not allow)\w*\b.*\b(admins?|administrators?|organi[sz]ations?|polic(y|ies))\b/i,
    advice:
      'An administrator has blocked this kind of access: ask an administrator of the workspace, and of its organization (admin.atlassian.com), to allow API tokens or apps.',
  },
} satisfies Record<string, Reason>

/** Returns what to do about an error whose words name the reason; undefined if they name none. */
export function namedReason({ message, detail }: SaidError): string | undefined {
  const text = `${message} ${detail}`
  return Object.values(reasons).find(({ said }) => said.test(text))?.advice
}

/**
 * Returns what to do about a denial: advice for the reason that Bitbucket names, or a list of all likely reasons.
 * @param first advice to put at the top of that list
 */
export function likelyReasons(said: SaidError, ...first: string[]): string {
  const named = namedReason(said)
  if (named !== undefined) return named
  const { ipAllowList, twoSteps, plan, account, administrator } = reasons
  const usual = [ipAllowList, twoSteps, plan, account, administrator].map(({ advice }) => advice)
  const steps = [...first, ...usual].map((advice) => `- ${advice}`)
  return ['Bitbucket does not say why. Check in this order:', ...steps].join('\n')
}

/**
 * Returns what to do about an error, from its status or its words.
 * @param usual the advice if neither names a reason
 */
export function adviceOn(response: HttpAnswer, usual: string): string {
  if (response.status === 410) return outOfDate
  const error = readError(response)
  // 402 is Payment Required.
  return (error && namedReason(error)) ?? (response.status === 402 ? reasons.plan.advice : usual)
}

/** Whether Bitbucket knows the credential, but does not allow its kind at this address. */
export const isOtherMechanism = (response: HttpAnswer): boolean => {
  const error = readError(response)
  return error !== undefined && reasons.mechanism.said.test(`${error.message} ${error.detail}`)
}

/** What to do about 410: Bitbucket has removed the endpoint for good (developer.atlassian.com, CHANGE-2770). */
export const outOfDate =
  'This version of bitbucket-token is out of date, because Bitbucket has removed what it asked for. Use the newest version.'
