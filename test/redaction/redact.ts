import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { Redaction } from '../../src/redaction/redaction.ts'

/** A world in which output never pauses. */
export const neverSilent = { sleep: () => new Promise<void>(() => {}) }

/** Returns what a stream of the redaction makes of these writes. */
export function redact(redaction: Redaction, writes: readonly Buffer[]): Promise<Buffer> {
  return buffer(Readable.from(writes, { objectMode: false }).pipe(redaction.stream(neverSilent)))
}
