import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { byCode, entityNames, percent } from '../../support/encodings.ts'

/** The secret values of one scenario, each with the name that a transcript shows for it. */
export class Secrets {
  readonly #names = new Map<string, string>()
  /** Length of a piece -> piece -> the values that it is part of. */
  readonly #byPiece = new Map<number, Map<string, Set<string>>>()

  add(value: string, name: string): void {
    if (value === '' || this.#names.has(value)) return
    const same = [...this.#names.values()].filter((other) => other.replace(/ \d+$/, '') === name).length
    this.#names.set(value, same === 0 ? name : `${name} ${same + 1}`)
    for (const piece of piecesOf(value)) {
      const alike = this.#byPiece.get(piece.length) ?? new Map<string, Set<string>>()
      this.#byPiece.set(piece.length, alike)
      alike.set(piece, (alike.get(piece) ?? new Set()).add(value))
    }
  }

  /** Returns the names of the secrets that a text shows in any form, whole or in part. */
  shownIn(text: string): string[] {
    const shown = new Set<string>()
    for (const [length, values] of this.#byPiece) {
      for (let start = 0; start <= text.length - length; start++) {
        for (const value of values.get(text.slice(start, start + length)) ?? []) shown.add(value)
      }
    }
    return this.all.filter(([value]) => shown.has(value)).map(([, name]) => name)
  }

  /** Longest first, so that a secret that is part of another one is replaced last. */
  get all(): (readonly [value: string, name: string])[] {
    return [...this.#names].sort(([a], [b]) => b.length - a.length)
  }
}

/**
 * Reports each secret that a server of this process issues, without the help of the program under test:
 * - every token in an answer of a token endpoint of this process, whole or cut short
 * - every JWT that such an endpoint receives
 * - the code or token that a consent page gives a browser
 * @returns a function that stops it
 */
export function learnIssued(report: (value: string, name: string) => void): () => void {
  const listen = (message: unknown) => {
    const { request, response } = message as { request: IncomingMessage; response: ServerResponse }
    if (!request.url?.startsWith('/site/oauth2/')) return
    const [, jwt = ''] = /^JWT (.+)$/.exec(request.headers.authorization ?? '') ?? []
    if (jwt !== '') report(jwt, 'signed JWT')
    const writeHead = response.writeHead.bind(response) as (...args: unknown[]) => ServerResponse
    const learningWriteHead = (...args: unknown[]) => {
      const location = (args.at(-1) as { readonly location?: string } | undefined)?.location
      const { search, hash } = new URL(location ?? '/', 'http://localhost')
      const code = new URLSearchParams(search).get('code')
      const token = new URLSearchParams(hash.slice(1)).get('access_token')
      if (code !== null) report(code, 'issued code')
      if (token !== null) report(token, 'issued access token')
      return writeHead(...args)
    }
    Object.assign(response, { writeHead: learningWriteHead })
    for (const method of ['write', 'end'] as const) {
      const original = response[method].bind(response) as (...args: unknown[]) => boolean
      const learning = (...args: unknown[]) => {
        const sent = typeof args[0] === 'string' || Buffer.isBuffer(args[0]) ? args[0].toString() : ''
        const found = sent.matchAll(/"(access|refresh)_token"\s*:\s*"([^"]{8,})/g)
        for (const [, kind = '', value = ''] of found) report(value, `issued ${kind} token`)
        return original(...args)
      }
      Object.assign(response, { [method]: learning })
    }
  }
  subscribe('http.server.request.start', listen)
  return () => unsubscribe('http.server.request.start', listen)
}

const lowerHex = (encoded: string): string => encoded.replace(/%[0-9A-F]{2}/g, (hex) => hex.toLowerCase())

/** Encodings that encode each character by itself, so an encoded piece is a piece of the encoded whole. */
const byCharacter: readonly ((value: string) => string)[] = [
  (value) => value,
  percent,
  (value) => encodeURIComponent(value.toWellFormed()),
  (value) => new URLSearchParams({ v: value }).toString().slice(2),
  (value) => lowerHex(percent(value)),
  (value) => lowerHex(new URLSearchParams({ v: value }).toString().slice(2)),
  (value) => percent(percent(value)),
  (value) => JSON.stringify(value).slice(1, -1),
  (value) => byCode(value, (code) => `\\u${code.padStart(4, '0')}`),
  (value) => byCode(value, (code) => `\\x${code.padStart(2, '0')}`),
  (value) => byCode(value, (code) => `&#${code};`, 10),
  (value) => byCode(value, (code) => `&#x${code};`),
  (value) => byCode(value, (code) => `&#x${code.toUpperCase()};`),
  (value) => value.replace(/[&<>"'+/=]/g, (character) => `&${entityNames[character]};`),
  (value) => value.replace(/[&<>"']/g, (character) => `&${entityNames[character]};`),
  (value) => percent(value).replaceAll('%', '='),
  (value) => Buffer.from(value).toString('hex'),
]

/**
 * Returns the part of a value's Base64 that does not depend on the text before and after it, for each of the three
 * alignments of its bytes. So the value is found in the Base64 of `user:value` too.
 */
function base64Cores(value: string): string[] {
  const bytes = Buffer.from(value, 'utf8')
  return [0, 1, 2].map((shift) => {
    const whole = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64')
    const certain = Math.floor(((shift + bytes.length) * 8) / 6)
    return whole.slice(Math.ceil((shift * 8) / 6), certain)
  })
}

/** Returns every form in which a secret could show. The output must hold none of them. */
export function formsOf(value: string): string[] {
  const forms = [...byCharacter.map((encode) => encode(value)), ...base64Forms(value)]
  return [...new Set(forms)].filter((form) => form !== '')
}

const base64Forms = (value: string): string[] =>
  base64Cores(value).flatMap((core) => [core, core.replaceAll('+', '-').replaceAll('/', '_'), percent(core)])

/** How many characters of a secret, or of its Base64, count as a leak. */
const pieceLength = 8

/** Returns every piece of a value in every form. */
function piecesOf(value: string): ReadonlySet<string> {
  const characters = [...value]
  const slices = <T>(all: readonly T[]): T[][] =>
    Array.from({ length: Math.max(1, all.length - pieceLength + 1) }, (_, start) =>
      all.slice(start, start + pieceLength),
    )
  const pieces = slices(characters).flatMap((slice) => byCharacter.map((encode) => encode(slice.join(''))))
  const encoded = base64Forms(value).flatMap((form) => slices([...form]).map((slice) => slice.join('')))
  return new Set([...pieces, ...encoded].filter((piece) => piece !== ''))
}

/** Does the same as {@link Secrets.shownIn}. */
export const secretsIn = (text: string, secrets: Secrets): string[] => secrets.shownIn(text)
