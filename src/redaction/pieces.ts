import type { Form } from './forms.ts'

/** Characters. A piece of a secret with this length is a leak. */
export const pieceLength = 8

/** Bytes in a gram: a group of bytes that the filter looks up together. It has fewer if a secret is shorter. */
const longestGram = 4

/** The answer of {@link Pieces.wholeAt} if it needs more output to decide. */
export const undecided = -1

/**
 * Finds pieces of secrets in bytes. A piece is eight characters of a form, or a whole form that is shorter.
 *
 * A filter makes this fast: a table of all groups of four successive bytes in the forms. Five such groups start in a piece of
 * eight bytes, so it is enough to look up every fifth byte. Most output contains no such group. Only where the filter says
 * yes does the slower search in the sets of pieces follow.
 */
export class Pieces {
  /** Bytes of the longest piece. */
  readonly longest: number
  readonly #shortest: number
  readonly #gram: number
  /** A bit for each hash of a gram: whether some form contains it. Bits stay in the processor's cache. */
  readonly #filter: Uint32Array
  readonly #shift: number
  /** For each two successive bytes, whether some form contains them. */
  readonly #pairs = new Uint8Array(65_536)
  readonly #bytes = new Uint8Array(256)
  /** The pieces as Latin-1 texts, by their lengths, the longest first. */
  readonly #byLength: readonly [length: number, pieces: ReadonlySet<string>][]
  /** The whole forms by their first byte, the longest first. */
  readonly #wholes: readonly Buffer[][]

  constructor(forms: readonly Form[]) {
    const lengths = forms.map(({ bytes, width }) => Math.min(bytes.length, pieceLength * width))
    this.#shortest = Math.min(pieceLength, ...lengths)
    this.longest = Math.max(1, ...lengths)
    this.#gram = Math.min(longestGram, this.#shortest)
    const grams = forms.reduce((sum, { bytes }) => sum + bytes.length, 0)
    // At most one bit in sixteen is set, until the table has 1 MiB.
    const bits = Math.min(23, Math.max(12, Math.ceil(Math.log2(grams * 16 + 1))))
    this.#shift = 32 - bits
    this.#filter = new Uint32Array(2 ** bits / 32)
    const sets = new Map<number, Set<string>>()
    for (const [index, { bytes, width }] of forms.entries()) {
      this.#learn(bytes)
      const length = lengths[index] ?? 0
      const set = sets.get(length) ?? new Set()
      const text = bytes.toString('latin1')
      for (let at = 0; at + length <= text.length; at += width) set.add(text.slice(at, at + length))
      sets.set(length, set)
    }
    this.#byLength = [...sets].sort(([a], [b]) => b - a)
    const longestFirst = forms.map(({ bytes }) => bytes).sort((a, b) => b.length - a.length)
    this.#wholes = Array.from({ length: 256 }, (_, first) =>
      longestFirst.filter((bytes) => bytes[0] === first),
    )
  }

  #learn(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at++) {
      this.#bytes[bytes[at] ?? 0] = 1
      if (at + 1 < bytes.length) this.#pairs[((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)] = 1
      if (at + this.#gram > bytes.length) continue
      const hash = this.#hash(bytes, at)
      this.#filter[hash >>> 5] = (this.#filter[hash >>> 5] ?? 0) | (1 << hash)
    }
  }

  #hash(data: Buffer, at: number): number {
    let gram = data[at] ?? 0
    for (let next = 1; next < this.#gram; next++) gram |= (data[at + next] ?? 0) << (8 * next)
    return Math.imul(gram, 0x9e3779b1) >>> this.#shift
  }

  #mayHold(data: Buffer, at: number): boolean {
    const hash = this.#hash(data, at)
    return ((this.#filter[hash >>> 5] ?? 0) & (1 << hash)) !== 0
  }

  /** Returns the first place from `from` on where a piece starts. -1 if there is none before the end of the data. */
  next(data: Buffer, from: number): number {
    const stride = this.#shortest - this.#gram + 1
    const last = data.length - this.#gram
    let checked = from
    for (let at = from + stride - 1; ; at += stride) {
      at = this.#gram === longestGram ? this.#skip(data, at, stride) : at
      const to = Math.min(at, last)
      // The filter said no at the places before, so only a piece that starts in the last stride can contain this gram.
      for (let start = Math.max(checked, at - stride + 1); start <= to; start++)
        if (this.pieceAt(data, start) > 0) return start
      if (at > last) return -1
      checked = at + 1
    }
  }

  /** Returns the first place where the filter says yes, in steps. A place after the data if there is none. */
  #skip(data: Buffer, from: number, stride: number): number {
    const filter = this.#filter
    const shift = this.#shift
    const last = data.length - longestGram
    let at = from
    for (; at <= last; at += stride) {
      // Written out, because this loop sees every output.
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

  /** Returns the length of the longest piece that starts here. 0 if there is none. */
  pieceAt(data: Buffer, at: number): number {
    // A look at the filter is much faster than a text, so the filter rules out all lengths that it can.
    const most = this.#bytesInFilter(data, at)
    for (const [length, pieces] of this.#byLength)
      if (length <= most && pieces.has(data.toString('latin1', at, at + length))) return length
    return 0
  }

  /** Returns how many bytes from here may be successive bytes of a form. May be too many, but not more than a piece has. */
  #bytesInFilter(data: Buffer, at: number): number {
    const last = Math.min(data.length, at + this.longest) - this.#gram
    let next = at
    while (next <= last && this.#mayHold(data, next)) next++
    return next === at ? 0 : next - 1 + this.#gram - at
  }

  /** Returns the length of the longest whole form that starts here, 0 if there is none, or {@link undecided}. */
  wholeAt(data: Buffer, at: number, isEnd: boolean): number {
    for (const form of this.#wholes[data[at] ?? 0] ?? []) {
      const length = Math.min(form.length, data.length - at)
      if (length < form.length && isEnd) continue
      if (length > 1 && form[1] !== data[at + 1]) continue
      if (form.compare(data, at, at + length, 0, length) === 0)
        return length < form.length ? undecided : length
    }
    return 0
  }

  /** Returns how many of the last bytes can be the beginning of a piece: sometimes too many, never too few. */
  unfinished(data: Buffer): number {
    const last = data.length - 1
    if (last < 0 || this.#bytes[data[last] ?? 0] === 0) return 0
    const most = Math.min(this.longest - 1, data.length)
    let count = 1
    while (
      count < most &&
      this.#pairs[((data[last - count] ?? 0) << 8) | (data[last - count + 1] ?? 0)] === 1
    )
      count++
    return Math.min(count, most)
  }
}
