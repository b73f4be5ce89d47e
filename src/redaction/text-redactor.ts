import { quoteForLog } from '../errors.ts'
import type { Secret } from '../secret.ts'
import { readingsOf, withoutGaps } from './decodings.ts'

/** Characters. A fragment of a secret with this length is a leak, in every encoding. */
export const fragmentLength = 8

/** Characters. A shorter secret would match in ordinary words, so it is only replaced where it occurs unencoded. */
export const shortestEncoded = 4

/** How many characters of an external text are examined and shown. A line has no room for more. */
const maxQuotationLength = 4_096

/** Replaces an external text that contains part of a secret. */
const notShown = '[not shown because it contains part of a secret]'

/** Removes the secrets of a run from what this program writes: its messages, and texts of others that it quotes. */
export class TextRedactor {
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
   * Whether `text` is a known secret, or contains one that is too long to be there by chance, plain or in Base64. The Base64
   * of `key:secret` that people store often has a line end after it, or inside.
   */
  isIn(text: string): boolean {
    const joined = withoutGaps(text)
    return [...this.#known].some(
      (value) =>
        text.trim() === value ||
        (value.length >= fragmentLength &&
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
   * secrets. If a fragment of one remains, in any encoding, drops the whole text.
   */
  quote(text: string): string {
    const words = this.clean(text).slice(0, maxQuotationLength)
    return this.#hasFragment(words) ? notShown : quoteForLog(words)
  }

  #hasFragment(text: string): boolean {
    // Fast path: there is no secret yet, or the text is shorter than any fragment.
    if (this.#known.size === 0 || text.length < shortestEncoded) return false
    const found = readingsOf(text)
    if (found === undefined) return true
    const readings = [...found].flatMap((reading) => [reading, withoutGaps(reading)]).map(comparable)
    const fragments = new Set(readings.flatMap((reading) => [...fragmentsOf(reading)]))
    for (const value of this.#known) {
      for (const form of comparableForms(value)) {
        if (form.length < shortestEncoded) continue
        if (form.length < fragmentLength) {
          if (readings.some((reading) => reading.includes(form))) return true
        } else for (const fragment of fragmentsOf(form)) if (fragments.has(fragment)) return true
      }
    }
    return false
  }
}

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

function* fragmentsOf(text: string): Generator<string> {
  for (let start = 0; start + fragmentLength <= text.length; start++)
    yield text.slice(start, start + fragmentLength)
}
