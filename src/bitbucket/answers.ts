import type { HttpResponse } from '../http/exchange.ts'
import { parseJson } from '../json.ts'

/** Returns the JSON object in an answer, or undefined if there is none. The content type does not matter. */
export function readObject(response: HttpResponse): Readonly<Record<string, unknown>> | undefined {
  const value = readJson(response)
  return isObject(value) ? value : undefined
}

/** Whether an answer is JSON of any kind. */
export const isJson = (response: HttpResponse): boolean => readJson(response) !== undefined

/** Returns the JSON in an answer, or undefined if it is something else. */
export function readJson(response: HttpResponse): unknown {
  try {
    return parseJson(response.body)
  } catch {
    return undefined
  }
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A property that is there itself (not inherited) and a string with something in it. */
export function stringAt(object: unknown, key: string): string | undefined {
  const value = valueAt(object, key)
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Returns a property of an object if it is the object's own, not inherited. */
export const valueAt = (object: unknown, key: string): unknown =>
  isObject(object) && Object.hasOwn(object, key) ? object[key] : undefined

/** Whether an answer is a web page. JSON is never one, whatever its content type says. */
export const isHtml = (response: HttpResponse): boolean =>
  !isJson(response) &&
  (/html/i.test(response.headers['content-type'] ?? '') || /^\s*<(!doctype|html)/i.test(response.body))

/** Whether an answer with status 200 reports an error all the same. An empty `error` reports none. */
export function reportsError(body: Readonly<Record<string, unknown>>): boolean {
  const error = valueAt(body, 'error')
  if (typeof error === 'object' && error !== null) return Object.keys(error).length > 0
  if (error) return true
  return valueAt(body, 'access_token') === undefined && stringAt(body, 'error_description') !== undefined
}
