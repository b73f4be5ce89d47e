import { readingsOf, withoutGaps } from './decodings.ts'
import { quoteForLog } from './errors.ts'

/**
 * A value that cannot be printed by accident: `String()`, template literals, `JSON.stringify` and node's
 * `inspect` all give `***`. Only `http/`, `hosts/`, `stores/`, `secret-file.ts` and, for its caller, `library/` call
 * {@link reveal}; everything else builds new secrets out of old ones with {@link derive}.
 */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** The value itself. */
  reveal(): string {
    return this.#value
  }

  /** A new secret made from this one, such as a header or a form that carries it. */
  derive(make: (value: string) => string): Secret {
    return new Secret(make(this.#value))
  }

  /** The same, where making it takes a while, such as a signature. */
  async deriveLater(make: (value: string) => Promise<string>): Promise<Secret> {
    return new Secret(await make(this.#value))
  }

  /** Whether two secrets hold the same value. */
  equals(other: Secret): boolean {
    return this.#value === other.#value
  }

  /** Whether the value has a format, such as the prefix of a kind of token. */
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
 * Percent-encodes all but RFC 3986's unreserved characters, which is what git's credential store writes and
 * reads (git: builtin/credential-store.c). `encodeURIComponent` alone leaves `!'()*`.
 */
export function percentEncode(value: string): string {
  return encodeURIComponent(value.toWellFormed()).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/** `user:secret` as HTTP Basic carries it (RFC 7617, UTF-8). */
export function basicCredentials(user: string, secret: Secret): Secret {
  return secret.derive((value) => Buffer.from(`${user}:${value}`, 'utf8').toString('base64'))
}

/**
 * Every form in which a secret travels: as it is, percent-encoded (credentials file, form body), and inside
 * HTTP Basic for each user name it is sent with. These are what a host masks and what a log must never hold.
 */
export function travelingForms(secret: Secret, basicUsers: readonly string[] = []): Secret[] {
  const forms = [
    secret,
    secret.derive(percentEncode),
    secret.derive((value) => new URLSearchParams({ v: value }).toString().slice(2)),
    ...basicUsers.map((user) => basicCredentials(user, secret)),
  ]
  return forms.filter((form, index) => forms.findIndex((other) => other.equals(form)) === index)
}

/** Characters. A piece of a secret that is as long as this is a leak, in whatever encoding. */
const pieceLength = 8

/** Characters of a text from outside that are looked at and shown; no more than a line has room for. */
const longestQuotation = 4_096

/** What is shown in place of a text from outside that repeats what it must not. */
const notShown = '[not shown because it contains part of a secret]'

/** Takes known secrets out of any text before a person sees it. */
export class Redactor {
  readonly #known = new Set<string>()

  /**
   * Whether the secret is new here. An empty one is none.
   *
   * Also known is what {@link quoteForLog} makes of it, for that is how a server's words repeat it.
   */
  add(secret: Secret): boolean {
    const value = secret.reveal()
    if (value === '' || this.#known.has(value)) return false
    this.#known.add(value)
    const quoted = quoteForLog(value)
    if (quoted !== '') this.#known.add(quoted)
    return true
  }

  /**
   * Returns `text` with each known secret replaced by `***`, longest first, so no tail of a longer one stays. This is the
   * last line of defence, for sentences of our own.
   */
  clean(text: string): string {
    const longestFirst = [...this.#known].sort((a, b) => b.length - a.length)
    return longestFirst.reduce((cleaned, value) => cleaned.replaceAll(value, '***'), text)
  }

  /**
   * Makes a text from outside (a server's words, a program's, an error of a caller's code) ready for a log: whole secrets
   * are replaced, and all of it is dropped if it still holds a piece of one, in any encoding.
   */
  quote(text: string): string {
    const words = this.clean(text).slice(0, longestQuotation)
    return this.#holdsPiece(words) ? notShown : quoteForLog(words)
  }

  #holdsPiece(text: string): boolean {
    // Most texts come before there is a secret, or are shorter than any piece.
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

/** Characters; a shorter secret is found in every other word, so it is only ever replaced as it is. */
const shortestSecret = 4

/** Servers and logs change the case of what they repeat. */
const comparable = (text: string): string => text.toLowerCase()

/** How a secret may stand in a reading of a text: eight characters of Base64 cannot be read back to eight of it. */
const comparableForms = (value: string): ReadonlySet<string> =>
  new Set([value, withoutGaps(value), ...base64Cores(value)].map(comparable))

/** The part of a text's Base64, in both alphabets, that is the same whatever stands before and behind it. */
function base64Cores(value: string): string[] {
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
