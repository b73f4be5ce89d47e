import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { cutLines, TokenError } from '../../src/errors.ts'
import { Redactor, Secret, travelingForms } from '../../src/secret.ts'

/** Cases for each property: thousands in `npm test` together, hundreds of thousands each in the nightly script. */
const runs = Number(process.env['FUZZ_RUNS'] ?? 1_000)

interface Options<T> {
  /** What has failed once. */
  readonly examples?: [T][]
  /** How many cheap cases one of these costs: those that touch the disk or start a process are fewer. */
  readonly cost?: number
}

const table: { property: string; runs: number; seconds: number; MB: number }[] = []
afterAll(() => console.table(table))

/** A test that this holds for every case; how long it took, and how much the process has grown, ends in a table. */
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

/** Text of every kind: words, control characters, halves of pairs, what means something to a CI or to JavaScript. */
export const anyText = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom(
      'a',
      '"',
      "'",
      '\\',
      '$',
      '{',
      '}',
      '%',
      ':',
      '=',
      '#',
      '[',
      ' ',
      '\n',
      '\r',
      '\t',
      ',',
    ),
  }),
  fc.constantFrom(
    '__proto__',
    'constructor',
    'toString',
    'null',
    'NaN',
    '1e999',
    '-0',
    '0x10',
    '\0',
    '\uD800',
    '',
  ),
)

/** What can stand in a header or a variable: secrets have blanks, quotes and percent signs in them too. */
export const anySecret = fc
  .string({ unit: fc.constantFrom(...'abcXYZ0189-_.~+/=%&!*()\'"#[ :'), minLength: 16, maxLength: 60 })
  .map((text) => text.trim())
  .filter((text) => text.length >= 16)

/** JSON as a server in its worst hour gives it; `__proto__` and numbers beyond all bounds included. */
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

/** The outcome, which is a value or an error of ours; nothing else may come out. */
export async function outcomeOf<T>(work: () => T | Promise<T>): Promise<T | TokenError> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof TokenError) return error
    throw error
  }
}

/** What a person is shown of an error, as main.ts shows it. */
export function shown(error: TokenError, secret: string, users: readonly string[] = []): string {
  const redactor = new Redactor()
  for (const form of travelingForms(new Secret(secret), users)) redactor.add(form)
  return cutLines(redactor.clean(`${error.message}\n${error.nextStep}`))
}

/** A message that a log can hold: a few lines, no control characters, no command of a CI, and not the secret. */
export function expectHarmless(text: string, secret: string): void {
  expect(text.length).toBeLessThan(12_000)
  expect(text).not.toMatch(/(?!\n)\p{Cc}|##\w*\[/u)
  expect(text.includes(secret), 'the secret is shown').toBe(false)
}
