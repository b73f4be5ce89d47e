import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { OutputRedactor } from '../../src/redaction/output-redactor.ts'

/** A world in which output never pauses. */
export const neverSilent = { sleep: () => new Promise<void>(() => {}) }

/** Returns what a stream of the redactor makes of these writes. */
export function redact(redactor: OutputRedactor, writes: readonly Buffer[]): Promise<Buffer> {
  return buffer(Readable.from(writes, { objectMode: false }).pipe(redactor.stream(neverSilent)))
}
