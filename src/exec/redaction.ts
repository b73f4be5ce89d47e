import { Transform, type TransformCallback } from 'node:stream'
import type { Secret } from '../secret.ts'
import { formsInOutput } from './forms-in-output.ts'

/** Bytes. A piece of a secret with this length is a leak, in every form. */
const pieceLength = 8

/** Bytes. Sequences of this length are looked up in the filter of {@link Pieces}. */
const gramLength = 4

const filterBits = 18

/**
 * All pieces of secrets: each sequence of eight bytes in each form of a secret, and forms that are shorter than that.
 * Texts have one character for each byte (latin1).
 */
class Pieces {
  readonly #pieces = new Set<string>()
  /** The lengths of pieces, the longest first. */
  readonly #lengths: readonly number[]
  /** For each short sequence of bytes, by its hash: whether a piece has it. */
  readonly #filter = new Uint8Array(1 << filterBits)
  readonly #gram: number
  readonly #step: number
  readonly #forms: string

  constructor(forms: readonly string[]) {
    for (const form of forms) {
      for (let end = Math.min(pieceLength, form.length); end <= form.length; end++) {
        this.#pieces.add(form.slice(Math.max(0, end - pieceLength), end))
      }
    }
    this.#lengths = [8, 7, 6, 5, 4, 3, 2, 1].filter((length) =>
      forms.some((form) => Math.min(form.length, pieceLength) === length),
    )
    const shortest = this.#lengths.at(-1) ?? pieceLength
    this.#gram = Math.min(gramLength, shortest)
    // The largest step that cannot miss a piece: it is longer than a sequence by this number of bytes.
    this.#step = shortest - this.#gram + 1
    for (const form of forms) {
      const bytes = Buffer.from(form, 'latin1')
      for (let end = this.#gram; end <= bytes.length; end++) this.#filter[this.#hash(bytes, end)] = 1
    }
    this.#forms = forms.join('\n')
  }

  /** Whether a piece may have the bytes before `end`. A look at the filter is much faster than a search for the piece. */
  #mayBeInPiece(bytes: Buffer, end: number): boolean {
    return end >= this.#gram && this.#filter[this.#hash(bytes, end)] === 1
  }

  #hash(bytes: Buffer, end: number): number {
    let gram = 0
    for (let index = end - this.#gram; index < end; index++) gram = (gram << 8) | (bytes[index] as number)
    return Math.imul(gram, 0x9e3779b1) >>> (32 - filterBits)
  }

  /**
   * Calls `found` for each piece that ends after `from`, in the order of their ends, with the longest that ends there.
   * @param found gets where the piece starts and ends
   */
  search(bytes: Buffer, from: number, found: (start: number, end: number) => void): void {
    if (this.#pieces.size === 0) return
    // Each piece that ends from `end` to `end + step - 1` has the bytes before `end` that are looked up.
    for (let end = Math.max(from + 1, this.#gram); end <= bytes.length; end += this.#step) {
      if (!this.#mayBeInPiece(bytes, end)) continue
      const last = Math.min(end + this.#step - 1, bytes.length)
      for (let endOfPiece = end; endOfPiece <= last; endOfPiece++) {
        if (!this.#mayBeInPiece(bytes, endOfPiece) || !this.#mayBeInPiece(bytes, endOfPiece - this.#step + 1))
          continue
        const length = this.#lengthAt(bytes, endOfPiece)
        if (length > 0) found(endOfPiece - length, endOfPiece)
      }
    }
  }

  #lengthAt(bytes: Buffer, end: number): number {
    return (
      this.#lengths.find(
        (length) => length <= end && this.#pieces.has(bytes.toString('latin1', end - length, end)),
      ) ?? 0
    )
  }

  /** Returns how many bytes at the end may be the beginning of a piece, at most `limit`. */
  beginningAtEnd(bytes: Buffer, limit: number): number {
    for (let length = Math.min(limit, pieceLength - 1); length > 0; length--) {
      if (this.#forms.includes(bytes.toString('latin1', bytes.length - length))) return length
    }
    return 0
  }
}

/** Replaces secrets in the output of a program by `***`. All its streams know the same secrets. */
export class Redaction {
  readonly #forms = new Set<string>()
  #pieces: Pieces | undefined

  /** Adds a secret. The streams replace it from now on. */
  add(secret: Secret): void {
    for (const form of formsInOutput(secret.reveal())) {
      if (form !== '') this.#forms.add(Buffer.from(form).toString('latin1'))
    }
    this.#pieces = undefined
  }

  get pieces(): Pieces {
    this.#pieces ??= new Pieces([...this.#forms])
    return this.#pieces
  }

  /** Returns a stream that replaces the secrets. */
  stream(delay: Delay = afterTimeout): Transform {
    return new RedactingStream(this, delay)
  }
}

/** Calls a function after some milliseconds, unless the returned function is called before. */
export type Delay = (milliseconds: number, then: () => void) => () => void

function afterTimeout(milliseconds: number, then: () => void): () => void {
  const timer = setTimeout(then, milliseconds)
  return () => clearTimeout(timer)
}

/**
 * Milliseconds without output after which the last bytes are written although they may be the beginning of a piece. So a
 * prompt appears.
 */
const longestHold = 100

const stars = Buffer.from('***')

/**
 * Replaces each sequence of overlapping pieces by `***`. It holds back at most seven bytes, which may be the beginning of a
 * piece.
 */
class RedactingStream extends Transform {
  readonly #redaction: Redaction
  readonly #delay: Delay
  /** The last bytes that were read: up to seven that are written, then those that are held back. */
  #recent: Buffer = Buffer.alloc(0)
  /** How many of the recent bytes are written or replaced. */
  #written = 0
  /** Where the last sequence of pieces ended, counted from the first recent byte; negative if that was before. */
  #end = -1
  #cancel: () => void = () => {}

  constructor(redaction: Redaction, delay: Delay) {
    super()
    this.#redaction = redaction
    this.#delay = delay
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: TransformCallback): void {
    this.#cancel()
    const bytes = Buffer.concat([this.#recent, chunk])
    this.#redaction.pieces.search(bytes, this.#recent.length, (start, end) => {
      if (start >= this.#end) {
        this.#writeUntil(bytes, start)
        this.push(stars)
      }
      this.#written = this.#end = end
    })
    const held = this.#redaction.pieces.beginningAtEnd(bytes, bytes.length - this.#written)
    this.#writeUntil(bytes, bytes.length - held)
    this.#remember(bytes)
    if (held > 0)
      this.#cancel = this.#delay(longestHold, () => this.#writeUntil(this.#recent, this.#recent.length))
    done()
  }

  override _flush(done: TransformCallback): void {
    this.#cancel()
    this.#writeUntil(this.#recent, this.#recent.length)
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#cancel()
    done(error)
  }

  /** Writes what is not yet written. */
  #writeUntil(bytes: Buffer, end: number): void {
    if (end <= this.#written) return
    this.push(bytes.subarray(this.#written, end))
    this.#written = end
  }

  /** Keeps the last bytes, because a piece may have begun in them. It copies them, so that the chunk can be freed. */
  #remember(bytes: Buffer): void {
    const from = Math.max(0, bytes.length - (pieceLength - 1))
    this.#recent = Buffer.from(bytes.subarray(from))
    this.#written -= from
    this.#end = Math.max(this.#end - from, -1)
  }
}
