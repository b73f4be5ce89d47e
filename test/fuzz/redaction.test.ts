import fc from 'fast-check'
import { expect } from 'vitest'
import { formsOf } from '../../src/redaction/forms.ts'
import { OutputRedactor } from '../../src/redaction/output-redactor.ts'
import { Secret } from '../../src/secret.ts'
import { redact } from '../redaction/redact.ts'
import { redactSlowly } from '../redaction/reference.ts'
import { anySecret, property } from './property.ts'

/** Secrets that overlap themselves and each other, and secrets of every length and character. */
const anyUnlucky = fc.oneof(
  anySecret,
  fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 20 }),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 24 }),
  fc.string({ unit: 'grapheme', minLength: 4, maxLength: 24 }),
  fc.string({ unit: fc.constantFrom(...'xyz$^*\\('), maxLength: 12 }).map((end) => `ATATT3xFfGF0${end}`),
)

/** Output of whole secrets, pieces of them in every form, and other bytes. */
function outputOf(secrets: readonly string[]): fc.Arbitrary<Buffer> {
  const forms = secrets.flatMap((secret) => formsOf(new Secret(secret)).map(({ bytes }) => bytes))
  const form = fc.constantFrom(...forms)
  const piece = fc
    .tuple(form, fc.nat(60), fc.nat(60))
    .map(([bytes, from, length]) => bytes.subarray(from % bytes.length, (from % bytes.length) + length))
  const other = fc.oneof(
    fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
    fc.string({ unit: fc.constantFrom('a', 'b', '\n', '='), maxLength: 12 }).map((text) => Buffer.from(text)),
  )
  return fc.array(fc.oneof(form, piece, other), { maxLength: 12 }).map((parts) => Buffer.concat(parts))
}

const anyCase = fc.array(anyUnlucky, { minLength: 1, maxLength: 3 }).chain((secrets) =>
  fc.record({
    secrets: fc.constant(secrets),
    output: outputOf(secrets),
    writes: fc.array(fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 40 })), {
      minLength: 1,
      maxLength: 20,
    }),
  }),
)

property(
  'what comes out is the output with each occurrence replaced, for any secrets, bytes and writes',
  anyCase,
  async ({ secrets, output, writes }) => {
    const redactor = new OutputRedactor()
    for (const secret of secrets) redactor.add(new Secret(secret))
    const shown = await redact(redactor, cut(output, writes))
    expect(shown.toString('latin1')).toBe(redactSlowly(output, secrets).toString('latin1'))
  },
  { cost: 2 },
)

/** Cuts output into writes of these lengths, again and again. */
function cut(output: Buffer, lengths: readonly number[]): Buffer[] {
  const writes: Buffer[] = []
  for (let at = 0; at < output.length; at += writes.at(-1)?.length ?? 0) {
    writes.push(output.subarray(at, at + (lengths[writes.length % lengths.length] ?? 1)))
  }
  return writes
}
