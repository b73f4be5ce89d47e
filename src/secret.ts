import { readingsOf, withoutGaps } from './decodings.ts'
import { quoteForLog } from './errors.ts'

/**
 * A value that cannot be printed by accident: `String()`, template literals, `JSON.stringify` and node's
 * `inspect` all give `***`. Only code that sends, stores, hides or hands over a secret calls {@link reveal}: `http/`, `hosts/`,
 * `stores/`, `redaction/`, `secret-file.ts` and `library/`. All other code makes new secrets from old ones with {@link derive}.
 */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** Returns the value itself. */
  reveal(): string {
    return this.#value
  }

  /** Returns a new secret made from this one, such as a header or a form that contains it. */
  derive(make: (value: string) => string): Secret {
    return new Secret(make(this.#value))
  }

  /** Does the same asynchronously, for example for a signature. */
  async deriveLater(make: (value: string) => Promise<string>): Promise<Secret> {
    return new Secret(await make(this.#value))
  }

  /** Whether two secrets hold the same value. */
  equals(other: Secret): boolean {
    return this.#value === other.#value
  }

  /** Whether the value matches a format, such as the prefix of a kind of token. */
  matches(format: RegExp): boolean {
    return format.test(this.#value)
  }

  startsWith(beginning: string): boolean {
    return this.#value.startsWith(beginning)
  }

  toString(): string {
    return '***'
  }

  toJSON(): string {
    return '***'
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '***'
  }
}

/**
 * Percent-encodes everything except RFC 3986's unreserved characters, as git's credential store does (git:
 * builtin/credential-store.c). `encodeURIComponent` alone does not encode `!'()*`.
 */
export function percentEncode(value: string): string {
  return encodeURIComponent(value.toWellFormed()).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/** Encodes `user:secret` as HTTP Basic does (RFC 7617, UTF-8). */
export function basicCredentials(user: string, secret: Secret): Secret {
  return secret.derive((value) => Buffer.from(`${user}:${value}`, 'utf8').toString('base64'))
}

/**
 * Returns every form in which a secret is sent or written: as it is, percent-encoded (credentials file, form body), and in
 * HTTP Basic with each user name. A host masks these forms, and a log must never contain them.
 */
export function encodedForms(secret: Secret, basicUsers: readonly string[] = []): Secret[] {
  const forms = [
    secret,
    secret.derive(percentEncode),
    secret.derive((value) => new URLSearchParams({ v: value }).toString().slice(2)),
    ...basicUsers.map((user) => basicCredentials(user, secret)),
  ]
  return forms.filter((form, index) => forms.findIndex((other) => other.equals(form)) === index)
}

/** Characters. A piece of a secret with this length is a leak, in every encoding. */
const pieceLength = 8

/** How many characters of an external text are examined and shown. A line has no room for more. */
const longestQuotation = 4_096

/** Replaces an external text that contains part of a secret. */
const notShown = '[not shown because it contains part of a secret]'

/** Removes known secrets from texts before a person sees them. */
export class Redactor {
  readonly #known = new Set<string>()
  readonly #secrets: Secret[] = []
  readonly #listeners: ((secret: Secret) => void)[] = []

  /**
   * Adds a secret, and what {@link quoteForLog} makes of it, because a server's text may repeat it in that form.
   * @returns whether the secret is new and not empty
   */
  add(secret: Secret): boolean {
    const value = secret.reveal()
    if (value === '' || this.#known.has(value)) return false
    this.#known.add(value)
    this.#secrets.push(secret)
    for (const listener of this.#listeners) listener(secret)
    const quoted = quoteForLog(value)
    if (quoted !== '') this.#known.add(quoted)
    return true
  }

  /** Calls the listener with each known secret at once, and later with each new one. */
  onEachSecret(listener: (secret: Secret) => void): void {
    for (const secret of this.#secrets) listener(secret)
    this.#listeners.push(listener)
  }

  /**
   * Whether `text` is a known secret, or contains one that is too long to be there by chance, plain or in Base64. The Base64 of
   * `key:secret` that people store has often a line end after the secret, or in itself.
   */
  isIn(text: string): boolean {
    const joined = withoutGaps(text)
    return [...this.#known].some(
      (value) =>
        text.trim() === value ||
        (value.length >= pieceLength &&
          (text.includes(value) || base64Cores(value).some((core) => joined.includes(core)))),
    )
  }

  /**
   * Replaces each known secret in `text` by `***`, the longest first, so that no end of a longer one remains. Our own messages
   * need this only as the last line of defence.
   */
  clean(text: string): string {
    const longestFirst = [...this.#known].sort((a, b) => b.length - a.length)
    return longestFirst.reduce((cleaned, value) => cleaned.replaceAll(value, '***'), text)
  }

  /**
   * Makes an external text safe for a log: a server's or a program's text, or an error from a caller's code. Replaces whole
   * secrets. If a piece of one remains, in any encoding, drops the whole text.
   */
  quote(text: string): string {
    const words = this.clean(text).slice(0, longestQuotation)
    return this.#holdsPiece(words) ? notShown : quoteForLog(words)
  }

  #holdsPiece(text: string): boolean {
    // Fast path: there is no secret yet, or the text is shorter than any piece.
    if (this.#known.size === 0 || text.length < shortestSecret) return false
    const found = readingsOf(text)
    if (found === undefined) return true
    const readings = [...found].flatMap((reading) => [reading, withoutGaps(reading)]).map(comparable)
    const pieces = new Set(readings.flatMap((reading) => [...piecesOf(reading)]))
    for (const value of this.#known) {
      for (const form of comparableForms(value)) {
        if (form.length < shortestSecret) continue
        if (form.length < pieceLength) {
          if (readings.some((reading) => reading.includes(form))) return true
        } else for (const piece of piecesOf(form)) if (pieces.has(piece)) return true
      }
    }
    return false
  }
}

/** Characters. A shorter secret would match in ordinary words, so it is only replaced where it occurs unencoded. */
const shortestSecret = 4

/** Ignores case, because servers and logs change the case of what they repeat. */
const comparable = (text: string): string => text.toLowerCase()

/** Returns the forms of a secret to search for. They include Base64, because 8 characters of Base64 decode to only 6. */
const comparableForms = (value: string): ReadonlySet<string> =>
  new Set([value, withoutGaps(value), ...base64Cores(value)].map(comparable))

/** Returns the part of a text's Base64, in both alphabets, that does not depend on what is before and after the text. */
export function base64Cores(value: string): string[] {
  const bytes = Buffer.from(value, 'utf8')
  return [0, 1, 2].flatMap((shift) => {
    const shifted = Buffer.concat([Buffer.alloc(shift), bytes])
    const [from, to] = [Math.ceil((shift * 8) / 6), Math.floor((shifted.length * 8) / 6)]
    return (['base64', 'base64url'] as const).map((alphabet) => shifted.toString(alphabet).slice(from, to))
  })
}

function* piecesOf(text: string): Generator<string> {
  for (let start = 0; start + pieceLength <= text.length; start++)
    yield text.slice(start, start + pieceLength)
}
