import type { HttpResponse } from '../http/exchange.ts'

/** The JSON object in an answer; undefined where there is none. */
export function readObject(response: HttpResponse): Readonly<Record<string, unknown>> | undefined {
  let value: unknown
  try {
    value = JSON.parse(response.body)
  } catch {
    return undefined
  }
  return isObject(value) ? value : undefined
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A property that is there itself (not inherited) and a string with something in it. */
export function stringAt(object: unknown, key: string): string | undefined {
  const value = isObject(object) && Object.hasOwn(object, key) ? object[key] : undefined
  return typeof value === 'string' && value !== '' ? value : undefined
}

export const isHtml = (response: HttpResponse): boolean =>
  /html/i.test(response.headers['content-type'] ?? '') || /^\s*<(!doctype|html)/i.test(response.body)
