/**
 * A value that cannot be printed by accident: `String()`, template literals, `JSON.stringify` and node's
 * `inspect` all give `***`. Only code that sends, stores, hides or hands over a secret calls {@link reveal} or
 * {@link revealed}: `exec/`, `http/`, `hosts/`, `stores/`, `redaction/`, `secret-file.ts` and `library/`. All other code
 * makes new secrets from old ones with {@link derive}.
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

  /** Returns a new secret that takes time to make, such as a signature. */
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

/** Returns a value as a string, revealing it if it is secret. */
export const revealed = (value: string | Secret): string =>
  typeof value === 'string' ? value : value.reveal()

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

/** Encodes a value as an HTML form does. */
export const formEncode = (value: string): string => new URLSearchParams({ v: value }).toString().slice(2)

/** Encodes `user:secret` as HTTP Basic does (RFC 7617, UTF-8). */
export function basicCredentials(user: string, secret: Secret): Secret {
  return secret.derive((value) => Buffer.from(`${user}:${value}`, 'utf8').toString('base64'))
}

/** Returns the Authorization header for a bearer token (RFC 6750). */
export const bearerHeader = (token: Secret): Secret => token.derive((value) => `Bearer ${value}`)

/**
 * Returns every form in which a secret is sent or written: as it is, percent-encoded (credentials file, form body), and in
 * HTTP Basic with each user name. A host masks these forms, and a log must never contain them.
 */
export function encodedForms(secret: Secret, basicUsers: readonly string[] = []): Secret[] {
  const forms = [
    secret,
    secret.derive(percentEncode),
    secret.derive(formEncode),
    ...basicUsers.map((user) => basicCredentials(user, secret)),
  ]
  return forms.filter((form, index) => forms.findIndex((other) => other.equals(form)) === index)
}
