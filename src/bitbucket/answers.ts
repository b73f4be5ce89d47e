import type { HttpResponse } from '../http/exchange.ts'

/** Returns the JSON object in an answer, or undefined if there is none. Ignores the content type. */
export function readObject(response: HttpResponse): Readonly<Record<string, unknown>> | undefined {
  const value = readJson(response)
  return isObject(value) ? value : undefined
}

/** Whether an answer is JSON of any type. */
export const isJson = (response: HttpResponse): boolean => readJson(response) !== undefined

/**
 * Returns the JSON in an answer, or undefined if it is something else. Skips a byte order mark, which some servers write and a
 * parser may ignore (RFC 8259, 8.1).
 */
export function readJson(response: HttpResponse): unknown {
  try {
    return JSON.parse(response.body.replace(/^\uFEFF/, ''))
  } catch {
    return undefined
  }
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Returns an object's own property if it is a non-empty string. */
export function stringAt(object: unknown, key: string): string | undefined {
  const value = valueAt(object, key)
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Returns an object's own property. Ignores inherited ones. */
export const valueAt = (object: unknown, key: string): unknown =>
  isObject(object) && Object.hasOwn(object, key) ? object[key] : undefined

/** Whether an answer is an HTML page. JSON never is, whatever its content type. */
export const isHtml = (response: HttpResponse): boolean =>
  !isJson(response) &&
  (/html/i.test(response.headers['content-type'] ?? '') || /^\s*<(!doctype|html)/i.test(response.body))

/** Whether an answer with status 200 still reports an error. An empty `error` does not count. */
export function reportsError(body: Readonly<Record<string, unknown>>): boolean {
  const error = valueAt(body, 'error')
  if (typeof error === 'object' && error !== null) return Object.keys(error).length > 0
  if (error) return true
  return valueAt(body, 'access_token') === undefined && stringAt(body, 'error_description') !== undefined
}
