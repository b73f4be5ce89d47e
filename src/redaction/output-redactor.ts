import { Transform } from 'node:stream'
import type { Secret } from '../secret.ts'
import type { World } from '../world.ts'
import { type Form, formsOf } from './forms.ts'
import { FragmentFinder, needsMoreOutput } from './fragment-finder.ts'
import { fragmentLength } from './text-redactor.ts'

const stars = Buffer.from('***')

/** Milliseconds of silence after which a short beginning of a secret is shown, because it may be the end of a prompt. */
const silence = 30

/** Hides secrets in the output of the command of `exec`, whatever their encoding and however the output is cut into writes. */
export class OutputRedactor {
  readonly #forms = new Map<string, Form>()
  #finder: FragmentFinder | undefined

  /** Adds a secret. Streams that exist already hide it too, from their next output on. */
  add(secret: Secret): void {
    // A run adds the encoded forms of each secret as secrets too. To encode these again would take most of the start-up.
    if (this.#forms.has(Buffer.from(secret.reveal(), 'utf8').toString('latin1'))) return
    for (const form of formsOf(secret)) {
      const key = form.bytes.toString('latin1')
      if (this.#forms.has(key)) continue
      this.#forms.set(key, form)
      this.#finder = undefined
    }
  }

  /** What to search for now. */
  get finder(): FragmentFinder {
    this.#finder ??= new FragmentFinder([...this.#forms.values()])
    return this.#finder
  }

  /** Returns a stream that replaces secrets by `***` and passes everything else unchanged. */
  stream(world: Pick<World, 'sleep'>): Transform {
    return new RedactingStream(this, world)
  }
}

class RedactingStream extends Transform {
  readonly #world: Pick<World, 'sleep'>
  readonly #output: RedactedOutput
  #wait: AbortController | undefined

  constructor(redactor: OutputRedactor, world: Pick<World, 'sleep'>) {
    super()
    this.#world = world
    this.#output = new RedactedOutput(redactor)
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: (error?: Error) => void): void {
    this.#wait?.abort()
    this.#wait = undefined
    this.#show(this.#output.add(chunk))
    if (this.#output.mayShowRest) this.#showRestAfterSilence()
    done()
  }

  override _flush(done: (error?: Error) => void): void {
    this.#wait?.abort()
    this.#show(this.#output.showRest())
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#wait?.abort()
    done(error)
  }

  #show(parts: readonly Buffer[]): void {
    for (const part of parts) this.push(part)
  }

  #showRestAfterSilence(): void {
    const wait = new AbortController()
    this.#wait = wait
    this.#world.sleep(silence, wait.signal).then(
      () => this.#show(this.#output.showRest()),
      () => {},
    )
  }
}

/** One output. Shows a byte as soon as it is certain that it is not part of a secret, and replaces the others. */
class RedactedOutput {
  readonly #redactor: OutputRedactor
  #finder: FragmentFinder
  /** First a few bytes that are already shown, because a fragment can start in them. Then the output that is not shown yet. */
  #data: Buffer = Buffer.alloc(0)
  /** The first byte of the data that is not shown yet. */
  #at = 0
  /** The end of the fragments that were found so far. */
  #hiddenTo = 0
  /** All fragments that start before this place have been found. */
  #searchedTo = 0
  /** Whether the byte before `#at` was replaced as part of a fragment. Then the next byte of a fragment needs no stars of its own. */
  #isHiding = false
  /** Whether the bytes that are not shown are too few to tell anybody a secret. */
  mayShowRest = false

  constructor(redactor: OutputRedactor) {
    this.#redactor = redactor
    this.#finder = redactor.finder
  }

  /** Adds output. Returns what can be shown of it, and of what was held back. */
  add(chunk: Buffer): Buffer[] {
    this.#data = this.#data.length === 0 ? chunk : Buffer.concat([this.#data, chunk])
    return this.#advance(false)
  }

  /** Returns what was held back. More output may still follow. */
  showRest(): Buffer[] {
    return this.#advance(true)
  }

  #advance(isEnd: boolean): Buffer[] {
    if (this.#finder !== this.#redactor.finder) {
      this.#finder = this.#redactor.finder
      this.#searchedTo = 0
    }
    const shown: Buffer[] = []
    this.mayShowRest = false
    for (;;) {
      this.#searchTo(this.#at)
      if (this.#at >= this.#hiddenTo) {
        const start = this.#finder.nextFragment(this.#data, this.#at)
        // More output may turn the last bytes into a fragment.
        const end = this.#data.length - (isEnd ? 0 : this.#finder.possibleStartAtEnd(this.#data))
        if (start === -1 || start > Math.max(end, this.#at)) {
          this.#showTo(end, shown)
          this.mayShowRest = this.#at < this.#data.length
          break
        }
        this.#showTo(start, shown)
        this.#searchedTo = start
        this.#searchTo(start)
      }
      const length = this.#finder.wholeFormAt(this.#data, this.#at, isEnd)
      if (length === needsMoreOutput) {
        this.mayShowRest = this.#data.length - this.#at < fragmentLength
        break
      }
      if (length > 0 || !this.#isHiding) shown.push(stars)
      this.#isHiding = length === 0
      this.#at += Math.max(length, 1)
      // A fragment that starts before this place ends within the whole form, which is hidden anyway.
      this.#searchedTo = Math.max(this.#searchedTo, this.#at - this.#finder.longestFragment)
    }
    this.#forget()
    return shown
  }

  /** Finds the fragments that start at this place or before. */
  #searchTo(place: number): void {
    for (let start = this.#searchedTo; start <= place; start++) {
      this.#hiddenTo = Math.max(this.#hiddenTo, start + this.#finder.fragmentAt(this.#data, start))
      // A longer fragment may start at the same place, and end in output that is still to come.
      if (start + this.#finder.longestFragment <= this.#data.length) this.#searchedTo = start + 1
    }
  }

  #showTo(end: number, shown: Buffer[]): void {
    if (end <= this.#at) return
    shown.push(this.#data.subarray(this.#at, end))
    this.#at = end
    this.#isHiding = false
  }

  /** Keeps only what is not shown yet, and the last shown bytes, because a fragment can start in them. */
  #forget(): void {
    const from = Math.max(0, this.#at - this.#finder.longestFragment + 1)
    this.#data = this.#data.subarray(from)
    this.#at -= from
    this.#hiddenTo = Math.max(0, this.#hiddenTo - from)
    this.#searchedTo = Math.max(0, this.#searchedTo - from)
  }
}
