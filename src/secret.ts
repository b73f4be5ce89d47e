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

/** Takes known secrets out of any text before a person sees it. The last line of defence, not the first. */
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

  /** `text` with each known secret replaced by `***`, longest first, so no tail of a longer one stays. */
  clean(text: string): string {
    const longestFirst = [...this.#known].sort((a, b) => b.length - a.length)
    return longestFirst.reduce((cleaned, value) => cleaned.replaceAll(value, '***'), text)
  }
}
