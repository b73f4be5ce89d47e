import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { quoteForLog } from '../../src/errors.ts'
import { TextRedactor } from '../../src/redaction/text-redactor.ts'
import { encodedForms, Secret } from '../../src/secret.ts'
import { encodings, percent } from '../support/encodings.ts'

/** Returns a redactor that knows a secret in all forms, as in the program. */
function knowing(...values: string[]): TextRedactor {
  const redactor = new TextRedactor()
  for (const value of values)
    for (const form of encodedForms(new Secret(value), ['the-user'])) redactor.add(form)
  return redactor
}

const notShown = '[not shown because it contains part of a secret]'

const secretOf = (characters: string) =>
  fc.string({ unit: fc.constantFrom(...characters), minLength: 12, maxLength: 80 })

const anySecret = fc.oneof(
  secretOf('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'),
  secretOf('ABCDEFabcdef0123456789+/=-_.~!*()\'"&<>%@: '),
  secretOf('aé€😀ß0+/= '),
)

const words = fc.oneof(
  fc.constantFrom('', 'Invalid token: ', '<b>', '{"was":"', 'grant '),
  fc.string({ maxLength: 30 }),
)

describe.each(Object.entries(encodings))('a piece of a secret, %s', (_, encode) => {
  test('drops the text', () => {
    fc.assert(
      fc.property(anySecret, fc.nat(), fc.nat(), words, words, (secret, from, more, before, after) => {
        const characters = [...secret]
        const start = from % (characters.length - 7)
        const length = 8 + (more % (characters.length - start - 7))
        const piece = characters.slice(start, start + length).join('')
        // A piece of only spaces stays spaces in a log, and a whole secret is replaced.
        fc.pre(piece.replace(/[\p{Z}\p{Cc}]/gu, '').length >= 8 && length < characters.length)
        const quoted = knowing(secret).quote(`${before} ${encode(piece)} ${after}`)
        if (quoted.includes('***')) expect(quoted).not.toContain(piece.trim())
        else expect(quoted).toBe(notShown)
      }),
      { numRuns: 150 },
    )
  })
})

test.each(Object.entries(encodings))('a whole secret, %s, is not shown', (_, encode) => {
  fc.assert(
    fc.property(anySecret, words, (secret, around) => {
      fc.pre(secret.replace(/[\p{Z}\p{Cc}]/gu, '').length >= 8)
      const quoted = knowing(secret).quote(`${around} ${encode(secret)} ${around}`)
      const seamless = quoted.replace(/[\p{Z}\p{Cf}]/gu, '')
      expect(seamless.includes(encode(secret).replace(/[\p{Z}\p{Cf}\p{Cc}]/gu, ''))).toBe(false)
      if (quoted !== notShown) expect(quoted).toContain('***')
    }),
    { numRuns: 60 },
  )
})

test('an encoding that was cut in the middle also drops the text', () => {
  const secret = 'uTHbNYGSp5ShOSz5cJxF'
  const encoded = Buffer.from(`the-user:${secret}`).toString('base64')
  for (let start = 0; start < encoded.length - 20; start++) {
    const cut = encoded.slice(start + 12, start + 24)
    if (cut.length >= 12) expect(knowing(secret).quote(`was ${cut}, sorry`), cut).toBe(notShown)
  }
})

test('Base64 of UTF-16, as PowerShell writes it, drops the text', () => {
  const encoded = Buffer.from('the secret is uTHbNYGSp5Sh', 'utf16le').toString('base64')
  expect(knowing('uTHbNYGSp5ShOSz5cJxF').quote(encoded)).toBe(notShown)
})

test('known cases', () => {
  const secret = 's3cr3t+hunter/two=&yes'
  const redactor = knowing(secret)
  for (const said of [
    `secret ${secret.slice(0, -2)}`,
    `secret ${percent(secret).replaceAll('%3D', '%3d')}`,
    `secret ${secret.replace('&', '&amp;')}`,
    Buffer.from(secret).toString('base64'),
  ])
    expect(redactor.quote(said)).toBe(notShown)
})

describe('a text without a piece of a secret is shown', () => {
  test('seven characters of a secret', () => {
    expect(knowing('uTHbNYGSp5ShOSz5').quote('it began with uTHbNYG, did it not?')).toBe(
      'it began with uTHbNYG, did it not?',
    )
  })

  test('any text, if the secret is random', () => {
    fc.assert(
      fc.property(fc.lorem({ maxCount: 60 }), fc.webUrl(), (text, url) => {
        const said = `${text} ${url} invalid_grant "Basic" %2F &amp; \\u002b`
        expect(knowing('uTHbNYGSp5ShOSz5cJxFAN3kqq0TnYsD').quote(said)).toBe(quoteForLog(said))
      }),
      { numRuns: 200 },
    )
  })

  test('any text, before there is a secret', () => {
    expect(new TextRedactor().quote('Bad\nrequest')).toBe('Bad request')
  })
})

test('our own messages are cleaned and not dropped, even if the secret contains common words', () => {
  expect(knowing('my-client-secret-value').clean('Missing: client-secret')).toBe('Missing: client-secret')
})

describe('a text that was made to be hard to decode', () => {
  const secret = 'uTHbNYGSp5ShOSz5cJxF'
  test.each([
    ['megabytes', 'a1+/'.repeat(500_000)],
    [
      'Base64 in Base64',
      Array.from({ length: 12 }).reduce<string>((text) => Buffer.from(text).toString('base64'), secret),
    ],
    ['backslashes', '\\'.repeat(100_000)],
    ['entities', '&#x'.repeat(50_000)],
    ['percent signs', '%25'.repeat(50_000)],
  ])('%s takes limited time', (_, text) => {
    const began = performance.now()
    knowing(secret).quote(text)
    expect(performance.now() - began).toBeLessThan(5_000)
  })
})

describe('the redactor', () => {
  const redactor = (...secrets: string[]) => {
    const made = new TextRedactor()
    for (const known of secrets) made.add(new Secret(known))
    return made
  }

  test('replaces every occurrence', () => {
    expect(redactor('hunter2').clean('hunter2, then hunter2hunter2')).toBe('***, then ******')
  })

  test('replaces a longer secret first, so that no end of it remains', () => {
    expect(redactor('key', 'key-and-more').clean('key-and-more key')).toBe('*** ***')
    expect(redactor('key-and-more', 'key').clean('key-and-more key')).toBe('*** ***')
  })

  test('does not treat a secret as a pattern', () => {
    expect(redactor('a.c', '$&').clean('abc a.c $&')).toBe('abc *** ***')
  })

  test('reports whether a secret is new, and ignores an empty one', () => {
    const made = new TextRedactor()
    expect(made.add(new Secret('one'))).toBe(true)
    expect(made.add(new Secret('one'))).toBe(false)
    expect(made.add(new Secret(''))).toBe(false)
    expect(made.clean('text')).toBe('text')
  })

  test('accepts a secret of only spaces', () => {
    expect(redactor(' \t ').clean('a text, a \t gap')).toBe('a text, a***gap')
  })

  test('leaves no known secret in any text', () => {
    const piece = fc.string({
      unit: fc.constantFrom('a', 'b', 'c', '%', '$', '.'),
      minLength: 1,
      maxLength: 6,
    })
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 5 }), fc.array(piece), (secrets, pieces) => {
        const cleaned = redactor(...secrets).clean(pieces.join(''))
        for (const known of secrets) expect(cleaned).not.toContain(known)
      }),
      { numRuns: 500 },
    )
  })
})

test('finds a secret in a text that was made safe for a log', () => {
  const redactor = new TextRedactor()
  redactor.add(new Secret('two  blanks and ##[ in it'))
  const said = 'it was two  blanks and ##[ in it!'
  expect(redactor.clean(quoteForLog(said))).toBe('it was ***!')
  expect(redactor.clean(said)).toBe('it was ***!')
})
