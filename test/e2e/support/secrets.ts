import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** What is secret in one scenario, by value, each with the name that stands for it in a transcript. */
export class Secrets {
  readonly #names = new Map<string, string>()
  /** By {@link piecesOf} them: a text is looked through once, however many there are. */
  readonly #byPiece = new Map<string, string[]>()
  readonly #shortPieces = new Map<string, string>()

  add(value: string, name: string): void {
    if (value === '' || this.#names.has(value)) return
    const same = [...this.#names.values()].filter((other) => other.replace(/ \d+$/, '') === name).length
    this.#names.set(value, same === 0 ? name : `${name} ${same + 1}`)
    for (const piece of piecesOf(value)) {
      if (piece.length < pieceLength) this.#shortPieces.set(piece, value)
      else this.#byPiece.set(piece, [...(this.#byPiece.get(piece) ?? []), value])
    }
  }

  /** The names of those that a text shows in any form, whole or in part. */
  shownIn(text: string): string[] {
    const shown = new Set<string>()
    for (let start = 0; start <= text.length - pieceLength; start++) {
      const values = this.#byPiece.get(text.slice(start, start + pieceLength))
      for (const value of values ?? []) shown.add(value)
    }
    for (const [piece, value] of this.#shortPieces) if (text.includes(piece)) shown.add(value)
    return this.all.filter(([value]) => shown.has(value)).map(([, name]) => name)
  }

  /** Longest first, so that none is taken for part of another. */
  get all(): (readonly [value: string, name: string])[] {
    return [...this.#names].sort(([a], [b]) => b.length - a.length)
  }

  nameOf(value: string): string | undefined {
    return this.#names.get(value)
  }
}

/**
 * Learns every token that a token endpoint in this process answers with, whole or cut short, whatever becomes of
 * the answer, every JWT that it is sent, and what a consent page sends a browser back with: the program under test is
 * not asked what was secret.
 * @returns a function that ends it
 */
export function learnIssued(secrets: Secrets): () => void {
  const listen = (message: unknown) => {
    const { request, response } = message as { request: IncomingMessage; response: ServerResponse }
    if (!request.url?.startsWith('/site/oauth2/')) return
    const [, jwt = ''] = /^JWT (.+)$/.exec(request.headers.authorization ?? '') ?? []
    secrets.add(jwt, 'signed JWT')
    const writeHead = response.writeHead.bind(response) as (...args: unknown[]) => ServerResponse
    const learningWriteHead = (...args: unknown[]) => {
      const location = (args.at(-1) as { readonly location?: string } | undefined)?.location
      const { search, hash } = new URL(location ?? '/', 'http://localhost')
      const code = new URLSearchParams(search).get('code')
      const token = new URLSearchParams(hash.slice(1)).get('access_token')
      if (code !== null) secrets.add(code, 'issued code')
      if (token !== null) secrets.add(token, 'issued access token')
      return writeHead(...args)
    }
    Object.assign(response, { writeHead: learningWriteHead })
    for (const method of ['write', 'end'] as const) {
      const original = response[method].bind(response) as (...args: unknown[]) => boolean
      const learning = (...args: unknown[]) => {
        const sent = typeof args[0] === 'string' || Buffer.isBuffer(args[0]) ? args[0].toString() : ''
        const found = sent.matchAll(/"(access|refresh)_token"\s*:\s*"([^"]{8,})/g)
        for (const [, kind = '', value = ''] of found) secrets.add(value, `issued ${kind} token`)
        return original(...args)
      }
      Object.assign(response, { [method]: learning })
    }
  }
  subscribe('http.server.request.start', listen)
  return () => unsubscribe('http.server.request.start', listen)
}

/** All but RFC 3986's unreserved characters, which is more than `encodeURIComponent` does. */
const percentEncoded = (value: string): string =>
  encodeURIComponent(value).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)

const lowerHex = (encoded: string): string => encoded.replace(/%[0-9A-F]{2}/g, (hex) => hex.toLowerCase())

/**
 * The part of a value's base64 that is the same whatever stands before and after it, for each of the three ways
 * in which its bytes can fall into groups. So it is found within the base64 of `user:value` too.
 */
function base64Cores(value: string): string[] {
  const bytes = Buffer.from(value, 'utf8')
  return [0, 1, 2].map((shift) => {
    const whole = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64')
    const certain = Math.floor(((shift + bytes.length) * 8) / 6)
    return whole.slice(Math.ceil((shift * 8) / 6), certain)
  })
}

/** Every form in which a secret could show: what the program hides must be none of these. */
export function formsOf(value: string): string[] {
  const encoded = [
    value,
    percentEncoded(value),
    encodeURIComponent(value),
    new URLSearchParams({ v: value }).toString().slice(2),
  ]
  const forms = [
    ...encoded,
    ...encoded.map(lowerHex),
    JSON.stringify(value).slice(1, -1),
    ...base64Cores(value).flatMap((core) => [
      core,
      core.replaceAll('+', '-').replaceAll('/', '_'),
      percentEncoded(core),
    ]),
  ]
  return [...new Set(forms)].filter((form) => form !== '')
}

/** So much of a secret is too much. The public beginnings of tokens (`ATATT3xFfGF0`) are shorter. */
const pieceLength = 16

/** So many characters of a secret are no coincidence; a piece of a percent-encoded form may hold far fewer than it has. */
const leastOfSecret = 10

/** Every form cut into pieces, so that a part of one is found too. */
function piecesOf(value: string): ReadonlySet<string> {
  const pieces = new Set<string>()
  for (const form of formsOf(value)) {
    for (let start = 0; start < form.length; start += pieceLength) {
      const from = Math.max(0, Math.min(start, form.length - pieceLength))
      pieces.add(form.slice(from, from + pieceLength))
    }
  }
  const telling = [...pieces].filter(
    (piece) => piece.replace(/%[\dA-F]{2}/gi, '%').length >= Math.min(leastOfSecret, value.length),
  )
  return new Set(telling.length > 0 ? telling : pieces)
}

/** As {@link Secrets.shownIn}. */
export const secretsIn = (text: string, secrets: Secrets): string[] => secrets.shownIn(text)
