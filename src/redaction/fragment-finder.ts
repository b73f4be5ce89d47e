import type { Form } from './forms.ts'
import { fragmentLength } from './text-redactor.ts'

/** The number of bytes in a gram, unless a fragment is shorter. */
const longestGram = 4

/** The result of {@link FragmentFinder.wholeFormAt} if the data ends before it is certain. */
export const needsMoreOutput = -1

/**
 * Finds fragments of secrets in bytes. A fragment is eight characters of a form, or a whole form that is shorter.
 *
 * To be fast, it first searches for grams, which are four successive bytes of a form. A fragment of eight bytes contains five
 * grams, so looking up every fifth gram of the output in a table finds it. Few other texts contain a gram.
 */
export class FragmentFinder {
  /** The number of bytes of the longest fragment. */
  readonly longestFragment: number
  readonly #shortestFragment: number
  readonly #gramLength: number
  /** One bit for each hash of a gram: whether a form contains such a gram. Bits fit into the processor's cache. */
  readonly #filter: Uint32Array
  readonly #shift: number
  /** For each pair of successive bytes, whether a form contains it. */
  readonly #knownPairs = new Uint8Array(65_536)
  /** For each byte, whether a form contains it. */
  readonly #knownBytes = new Uint8Array(256)
  /** The fragments as Latin-1 texts, by their lengths, the longest first. */
  readonly #fragmentsByLength: readonly [length: number, fragments: ReadonlySet<string>][]
  /** The whole forms by their first byte, the longest first. */
  readonly #formsByFirstByte: readonly Buffer[][]

  constructor(forms: readonly Form[]) {
    const lengths = forms.map(({ bytes, width }) => Math.min(bytes.length, fragmentLength * width))
    this.#shortestFragment = Math.min(fragmentLength, ...lengths)
    this.longestFragment = Math.max(1, ...lengths)
    this.#gramLength = Math.min(longestGram, this.#shortestFragment)
    const grams = forms.reduce((sum, { bytes }) => sum + bytes.length, 0)
    // At most one bit in sixteen is set, until the table has 1 MiB.
    const bits = Math.min(23, Math.max(12, Math.ceil(Math.log2(grams * 16 + 1))))
    this.#shift = 32 - bits
    this.#filter = new Uint32Array(2 ** bits / 32)
    const sets = new Map<number, Set<string>>()
    for (const [index, { bytes, width }] of forms.entries()) {
      this.#addToFilter(bytes)
      const length = lengths[index] ?? 0
      const set = sets.get(length) ?? new Set()
      const text = bytes.toString('latin1')
      for (let at = 0; at + length <= text.length; at += width) set.add(text.slice(at, at + length))
      sets.set(length, set)
    }
    this.#fragmentsByLength = [...sets].sort(([a], [b]) => b - a)
    const longestFirst = forms.map(({ bytes }) => bytes).sort((a, b) => b.length - a.length)
    this.#formsByFirstByte = Array.from({ length: 256 }, (_, first) =>
      longestFirst.filter((bytes) => bytes[0] === first),
    )
  }

  #addToFilter(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at++) {
      this.#knownBytes[bytes[at] ?? 0] = 1
      if (at + 1 < bytes.length) this.#knownPairs[((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)] = 1
      if (at + this.#gramLength > bytes.length) continue
      const hash = this.#hash(bytes, at)
      this.#filter[hash >>> 5] = (this.#filter[hash >>> 5] ?? 0) | (1 << hash)
    }
  }

  #hash(data: Buffer, at: number): number {
    let gram = data[at] ?? 0
    for (let next = 1; next < this.#gramLength; next++) gram |= (data[at + next] ?? 0) << (8 * next)
    return Math.imul(gram, 0x9e3779b1) >>> this.#shift
  }

  #mayContainGramAt(data: Buffer, at: number): boolean {
    const hash = this.#hash(data, at)
    return ((this.#filter[hash >>> 5] ?? 0) & (1 << hash)) !== 0
  }

  /** Returns the first index from `from` on where a fragment starts, or -1 if no whole fragment follows in the data. */
  nextFragment(data: Buffer, from: number): number {
    const stride = this.#shortestFragment - this.#gramLength + 1
    const last = data.length - this.#gramLength
    let checked = from
    for (let at = from + stride - 1; ; at += stride) {
      at = this.#gramLength === longestGram ? this.#nextInFilter(data, at, stride) : at
      const to = Math.min(at, last)
      // The grams before this one are not in the filter, so a fragment that contains this gram starts less than a stride before it.
      for (let start = Math.max(checked, at - stride + 1); start <= to; start++)
        if (this.fragmentAt(data, start) > 0) return start
      if (at > last) return -1
      checked = at + 1
    }
  }

  /** Returns the first index whose gram is in the filter, in steps of `stride`, or one after the last gram of the data. */
  #nextInFilter(data: Buffer, from: number, stride: number): number {
    const filter = this.#filter
    const shift = this.#shift
    const last = data.length - longestGram
    let at = from
    for (; at <= last; at += stride) {
      // Written out instead of a call of #hash, because this loop reads all output.
      const gram =
        (data[at] as number) |
        ((data[at + 1] as number) << 8) |
        ((data[at + 2] as number) << 16) |
        ((data[at + 3] as number) << 24)
      const hash = Math.imul(gram, 0x9e3779b1) >>> shift
      if (((filter[hash >>> 5] as number) & (1 << hash)) !== 0) break
    }
    return at
  }

  /** Returns the length of the longest fragment that starts at `at`, or 0 if none does. */
  fragmentAt(data: Buffer, at: number): number {
    // A look at the filter is much faster than a text, so the filter rules out all lengths that it can.
    const most = this.#bytesInFilter(data, at)
    for (const [length, fragments] of this.#fragmentsByLength)
      if (length <= most && fragments.has(data.toString('latin1', at, at + length))) return length
    return 0
  }

  /** Returns how many bytes from `at` may be successive bytes of a form. This may be more than really are. */
  #bytesInFilter(data: Buffer, at: number): number {
    const last = Math.min(data.length, at + this.longestFragment) - this.#gramLength
    let next = at
    while (next <= last && this.#mayContainGramAt(data, next)) next++
    return next === at ? 0 : next - 1 + this.#gramLength - at
  }

  /**
   * Returns the length of the longest whole form that starts at `at`, or 0 if none does.
   * @param isEnd whether no more data will follow. If false and the data ends within a form, returns {@link needsMoreOutput}
   */
  wholeFormAt(data: Buffer, at: number, isEnd: boolean): number {
    for (const form of this.#formsByFirstByte[data[at] ?? 0] ?? []) {
      const length = Math.min(form.length, data.length - at)
      if (length < form.length && isEnd) continue
      // Faster than a comparison of all bytes. Forms of one secret often begin alike.
      if (form[length - 1] !== data[at + length - 1] || (length > 1 && form[1] !== data[at + 1])) continue
      if (form.compare(data, at, at + length, 0, length) === 0)
        return length < form.length ? needsMoreOutput : length
    }
    return 0
  }

  /** Returns how many bytes at the end of the data may be the start of a fragment. This may be more than really are. */
  possibleStartAtEnd(data: Buffer): number {
    const last = data.length - 1
    if (last < 0 || this.#knownBytes[data[last] ?? 0] === 0) return 0
    const most = Math.min(this.longestFragment - 1, data.length)
    let count = 1
    while (
      count < most &&
      this.#knownPairs[((data[last - count] ?? 0) << 8) | (data[last - count + 1] ?? 0)] === 1
    )
      count++
    return Math.min(count, most)
  }
}
