import type { HttpAnswer } from '../http/exchange.ts'
import { isObject, readJson, stringAt, valueAt } from './answers.ts'

/** What a server says about an error, ready for a log; texts are empty and lists too if it does not say. */
export interface SaidError {
  /** OAuth's `error`, such as `invalid_grant` (RFC 6749, 5.2). */
  readonly code: string
  readonly message: string
  readonly detail: string
  /** Scopes that a 403 of the REST API names. */
  readonly required: readonly string[]
  readonly granted: readonly string[]
}

/**
 * Reads an error in any of the shapes that Bitbucket and the gateway before it use: OAuth's `error` and `error_description`;
 * REST's `error.message`, `error.detail` (a sentence, or an object with lists: atlassian-python-api#1260) and `error.fields`;
 * the gateway's `message` or `errors`, alone or in a list.
 * @returns undefined if there is no JSON that speaks of an error
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
 * Whether an error is in Bitbucket's own form: REST's object, or one of OAuth's codes. What a firewall says in JSON of its
 * own make is not.
 */
export function isOwnError(response: HttpAnswer): boolean {
  const error = valueAt(firstObject(response), 'error')
  return isObject(error) || (typeof error === 'string' && /^[a-z]+(_[a-z]+)+$/.test(error))
}

/** What an error says, in one piece for a quotation; empty if it says nothing. */
export function inOnePiece({ message, detail }: Pick<SaidError, 'message' | 'detail'>): string {
  if (message === '' || detail === '') return message || detail
  return /[.!?:]$/.test(message) ? `${message} ${detail}` : `${message}: ${detail}`
}

/** ` (status 403: "Forbidden")`, without the quotation if the answer says nothing. */
export function statusAndWords(response: HttpAnswer): string {
  const error = readError(response)
  const said = error === undefined ? '' : inOnePiece(error) || error.code
  return `(status ${response.status}${said && `: "${said}"`})`
}

function firstObject(response: HttpAnswer): unknown {
  const value = firstOf(readJson(response))
  return isObject(value) ? value : undefined
}

const firstOf = (value: unknown): unknown => (Array.isArray(value) ? value[0] : value)

const textOf = (detail: unknown): string =>
  typeof detail === 'string' ? detail : (stringAt(detail, 'message') ?? '')

/** `key: Too long.` for `{"key": ["Too long."]}`, as Bitbucket says what is wrong with a form. */
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
 * Why Bitbucket denies access to a credential that it knows, matched in this order, because one sentence may name an
 * administrator and an IP address.
 */
const reasons = {
  // "To access this repository, an admin must whitelist your IP." (Atlassian KB, "Error 403 when performing Git operations")
  ipAllowList: {
    said: /white-?list|allow-?\s?list|\bip\b|ip address/i,
    advice:
      "The workspace accepts only the IP addresses on its allow list (Workspace settings → Access controls): add this machine's address, or run the job on a runner whose address is listed.",
  },
  // "To access this repository, enable two-step verification." (the same; community.atlassian.com qaq-p/787619)
  twoSteps: {
    said: /(two|2)[\s-]?(step|factor)|\b(2fa|2sv|mfa)\b/i,
    advice:
      'The workspace requires two-step verification: turn it on for the account that owns the credential (id.atlassian.com → Security), or use an access token or an OAuth client instead.',
  },
  // "… has exceeded its user limit and this repository is restricted to read-only access. …" (Atlassian KB, "Your push failed")
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
    // "You need admin access" is a permission that is missing, not this.
    said: /\b(admins?|administrators?|organi[sz]ations?|polic(y|ies))\b.*\b(block|den|disabl|restrict|forbid|prohibit|not allow)|\b(block|den(y|ied)|disabl|restrict|forbid|prohibit|not allow)\w*\b.*\b(admins?|administrators?|organi[sz]ations?|polic(y|ies))\b/i,
    advice:
      'An administrator has blocked this kind of access: ask an administrator of the workspace, and of its organization (admin.atlassian.com), to allow API tokens or apps.',
  },
} satisfies Record<string, Reason>

/** What to do about an error whose words name the reason, or undefined if they do not. */
export function namedReason({ message, detail }: Pick<SaidError, 'message' | 'detail'>): string | undefined {
  const text = `${message} ${detail}`
  return Object.values(reasons).find(({ said }) => said.test(text))?.advice
}

/**
 * What to do about a denial: the reason that Bitbucket names, or else all that are likely.
 * @param first what is most likely of all
 */
export function likelyReasons(said: Pick<SaidError, 'message' | 'detail'>, ...first: string[]): string {
  const { ipAllowList, twoSteps, plan, account, administrator } = reasons
  return (
    namedReason(said) ??
    [
      'Bitbucket does not say why. Check in this order:',
      ...[...first, ...[ipAllowList, twoSteps, plan, account, administrator].map(({ advice }) => advice)].map(
        (advice) => `- ${advice}`,
      ),
    ].join('\n')
  )
}

/**
 * What to do about an answer that is an error: about what its status or its words name, or else what the caller knows to
 * be usual.
 */
export function adviceOn(response: HttpAnswer, usual: string): string {
  if (response.status === 410) return outOfDate
  const error = readError(response)
  return (error && namedReason(error)) ?? (response.status === 402 ? planEnded : usual)
}

/** Whether Bitbucket knows the credential, but does not let its kind ask at this address. */
export const isOtherMechanism = (response: HttpAnswer): boolean => {
  const error = readError(response)
  return error !== undefined && reasons.mechanism.said.test(`${error.message} ${error.detail}`)
}

/** What to do if Bitbucket answers 410: it removes old endpoints for good (developer.atlassian.com, CHANGE-2770). */
export const outOfDate =
  'This version of bitbucket-token is out of date, because Bitbucket has removed what it asked for. Use the newest version.'

/** What to do about 402 Payment Required. */
const planEnded = reasons.plan.advice
