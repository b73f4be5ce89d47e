import { types } from 'node:util'
import { type HttpResponse, maxAnswerBytes, NoAnswer } from '../http/exchange.ts'
import { invalid } from '../read-value.ts'
import { isPresent } from './option-rules.ts'

/** All headers that this program reads. They are asked for by name if a client cannot list its headers. */
const headersWeRead = ['content-type', 'date', 'location', 'retry-after', 'x-ratelimit-remaining']

/**
 * Reads the response of any HTTP client: `fetch` (of Node, undici or a polyfill), axios, got, superagent, Node's `http`, or
 * a plain object.
 * @throws {TokenError} `input` if it is not a response
 * @throws {NoAnswer} if the response is too large
 */
export async function readAnswer(response: unknown): Promise<HttpResponse> {
  if (typeof response !== 'object' || response === null) throw notAnAnswer('did not return a response')
  const status = statusIn(response)
  if (status === undefined || !Number.isInteger(status) || status < 100 || status > 599)
    throw notAnAnswer('returned a response without a status')
  if (at(response, 'bodyUsed') === true)
    throw notAnAnswer(
      'returned a response whose body was already read',
      'To read the body yourself, read response.clone().',
    )
  const headers = readHeaders(at(response, 'headers') ?? at(response, 'header') ?? at(response, 'rawHeaders'))
  return { status, headers, body: await readBody(response) }
}

/** Returns the response in an error. axios, got and superagent throw such errors for a status of 400 or more. */
export function answerIn(error: unknown): object | undefined {
  const answer = at(error, 'response')
  return typeof answer === 'object' && answer !== null && statusIn(answer) !== undefined ? answer : undefined
}

const statusIn = (response: object): number | undefined =>
  [at(response, 'status'), at(response, 'statusCode')].find((value) => typeof value === 'number')

function readHeaders(raw: unknown): HttpResponse['headers'] {
  const headers = new Map<string, string>()
  for (const field of fieldsOf(raw)) {
    const [name, value] = Array.isArray(field) ? field : []
    if (typeof name !== 'string') throw unreadableHeaders()
    if (value === undefined || value === null) continue
    const key = name.toLowerCase()
    const before = headers.get(key)
    const text = Array.isArray(value) ? value.join(', ') : String(value)
    headers.set(key, before === undefined ? text : `${before}, ${text}`)
  }
  return Object.fromEntries(headers)
}

/** Returns pairs of a name and a value, from every form in which clients have headers. */
function fieldsOf(raw: unknown): Iterable<unknown> {
  if (!isPresent(raw)) return []
  if (typeof raw !== 'object' || raw === null) throw unreadableHeaders()
  // Node's rawHeaders: a name, its value, the next name, and so on.
  if (Array.isArray(raw) && raw.every((item) => typeof item === 'string'))
    return raw.flatMap((name, index) => (index % 2 === 0 ? [[name, raw[index + 1]]] : []))
  if (isIterable(raw)) return raw
  const listed = methodOf(raw, 'entries')?.()
  if (isIterable(listed)) return listed
  const forEach = methodOf(raw, 'forEach')
  if (forEach !== undefined) {
    const fields: unknown[] = []
    forEach((value: unknown, name: unknown) => fields.push([name, value]))
    return fields
  }
  const get = methodOf(raw, 'get')
  return get === undefined ? Object.entries(raw) : headersWeRead.map((name) => [name, get(name)])
}

function methodOf(thing: object, name: string): ((...args: unknown[]) => unknown) | undefined {
  const method = at(thing, name)
  return typeof method === 'function' ? method.bind(thing) : undefined
}

async function readBody(answer: object): Promise<string> {
  const text = at(answer, 'text')
  if (typeof text === 'string') return text
  if (typeof text === 'function') return String(await text.call(answer))
  const body = at(answer, 'body') ?? at(answer, 'data') ?? undefined
  if (body !== undefined) return textOf(body)
  const json = at(answer, 'json')
  if (typeof json === 'function') return JSON.stringify(await json.call(answer))
  return isStream(answer) ? readStream(answer) : ''
}

async function textOf(body: unknown): Promise<string> {
  if (typeof body === 'string') return body
  if (typeof body !== 'object' || body === null)
    throw notAnAnswer('returned a response whose body is neither text nor an object')
  if (ArrayBuffer.isView(body))
    return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8')
  if (types.isAnyArrayBuffer(body)) return Buffer.from(body).toString('utf8')
  const text = at(body, 'text')
  if (typeof text === 'function') return String(await text.call(body))
  return isStream(body) ? readStream(body) : JSON.stringify(body)
}

async function readStream(stream: AsyncIterable<unknown>): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    if (!(bytes instanceof Uint8Array))
      throw notAnAnswer('returned a stream that contains neither text nor bytes')
    size += bytes.length
    if (size > maxAnswerBytes)
      throw new NoAnswer(
        `the answer is larger than ${maxAnswerBytes} bytes`,
        false,
        'Check which request sendRequest sends.',
      )
    chunks.push(Buffer.from(bytes))
  }
  return Buffer.concat(chunks).toString('utf8')
}

const at = (thing: unknown, name: string): unknown =>
  typeof thing === 'object' && thing !== null && name in thing
    ? (thing as Readonly<Record<string, unknown>>)[name]
    : undefined

const isIterable = (thing: unknown): thing is Iterable<unknown> =>
  typeof thing === 'object' && thing !== null && Symbol.iterator in thing

const isStream = (thing: object): thing is AsyncIterable<unknown> => Symbol.asyncIterator in thing

const whatToReturn =
  'Return the Response of a fetch, the response of axios, got or superagent, or { status, headers, body }.'

const notAnAnswer = (what: string, nextStep = whatToReturn) => invalid(`sendRequest ${what}.`, nextStep)

const unreadableHeaders = () =>
  notAnAnswer(
    'returned headers that cannot be read',
    'Return them as a Headers object, a Map, a plain object or an array of [name, value].',
  )
