import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { cutLines, TokenError } from '../../src/errors.ts'
import { TextRedactor } from '../../src/redaction/text-redactor.ts'
import { encodedForms, Secret } from '../../src/secret.ts'

/** How many cases to try for each property. `npm test fuzz` tries many more. */
const runs = Number(process.env['FUZZ_RUNS'] ?? 1_000)

interface Options<T> {
  /** Cases that failed once. */
  readonly examples?: [T][]
  /** How many cheap cases one case costs. Fewer cases are tried if they use the disk or start a process. */
  readonly cost?: number
}

const table: { property: string; runs: number; seconds: number; MB: number }[] = []
afterAll(() => console.table(table))

/** Makes a test that a property holds for every case. A table at the end shows the time and the memory of the process. */
export function property<T>(
  name: string,
  cases: fc.Arbitrary<T>,
  holds: (value: T) => void | Promise<void>,
  { examples = [], cost = 1 }: Options<T> = {},
): void {
  const numRuns = Math.max(10, Math.ceil(runs / cost))
  test(name, { timeout: 20_000 + numRuns * 100 }, async () => {
    const started = performance.now()
    let done = 0
    const counted = fc.asyncProperty(cases, async (value) => {
      done++
      await holds(value)
    })
    await fc.assert(counted, { numRuns, examples })
    table.push({
      property: name,
      runs: done,
      seconds: Math.round((performance.now() - started) / 100) / 10,
      MB: Math.round(process.memoryUsage.rss() / 1e6),
    })
  })
}

/** Text of every kind: words, control characters, lone surrogates, and text with a meaning for a CI or JavaScript. */
export const anyText = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom(...'a"\'\\{}$%:=#[ \n\r\t,'),
  }),
  fc.constantFrom('\0', '\uD800', '', ...'__proto__ constructor toString null NaN 1e999 -0 0x10'.split(' ')),
)

/** Secrets that fit into a header or a variable. They can contain spaces, quotes and percent signs. */
export const anySecret = fc
  .string({ unit: fc.constantFrom(...'abcXYZ0189-_.~+/=%&!*()\'"#[ :'), minLength: 16, maxLength: 60 })
  .map((text) => text.trim())
  .filter((text) => text.length >= 16)

/** JSON from a failing server, including `__proto__`, huge numbers and text that is not JSON. */
export const anyJson = (interesting: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<string> =>
  fc.oneof(
    fc.record(interesting, { requiredKeys: [] }).map((value) => JSON.stringify(value)),
    fc.json(),
    fc.json().map((text) => text.slice(0, -1)),
    fc.nat(2_000).map((depth) => '['.repeat(depth) + ']'.repeat(depth)),
    fc.constantFrom(
      '{"__proto__":{"access_token":"x"}}',
      '1e999',
      '\uFEFF{}',
      'null',
      '"text"',
      '',
      '<html>',
    ),
    anyText,
  )

/** Returns the value or our own error. Throws any other error. */
export async function outcomeOf<T>(work: () => T | Promise<T>): Promise<T | TokenError> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof TokenError) return error
    throw error
  }
}

/** Returns the text of an error as report.ts shows it. */
export function shown(error: TokenError, secret: string, users: readonly string[] = []): string {
  const redactor = new TextRedactor()
  for (const form of encodedForms(new Secret(secret), users)) redactor.add(form)
  return cutLines(redactor.clean(`${error.message}\n${error.nextStep}`))
}

/** Expects a message that is safe to log: short, without control characters, CI commands and the secret. */
export function expectHarmless(text: string, secret: string): void {
  expect(text.length).toBeLessThan(12_000)
  expect(text).not.toMatch(/(?!\n)\p{Cc}|##\w*\[/u)
  expect(text.includes(secret), 'the secret is shown').toBe(false)
}
