import type { HttpAnswer } from '../http/exchange.ts'
import { isObject, readObject, stringAt } from './answers.ts'

/** What a REST error says of itself, ready for a log. */
export function restMessage(response: HttpAnswer): string {
  return response.quote(stringAt(readObject(response)?.['error'], 'message') ?? '')
}

/** `error.detail` of a 403: an object with lists, or just a sentence (atlassian-python-api #1260). */
export function restDetail(response: HttpAnswer): { required: string[]; granted: string[]; text: string } {
  const error = readObject(response)?.['error']
  const detail = isObject(error) ? error['detail'] : undefined
  const list = (key: string): string[] => {
    const value = isObject(detail) ? detail[key] : undefined
    return Array.isArray(value) ? value.filter((item) => typeof item === 'string').map(response.quote) : []
  }
  return {
    required: list('required'),
    granted: list('granted'),
    text: typeof detail === 'string' ? response.quote(detail) : '',
  }
}
