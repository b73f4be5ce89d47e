/** How many encodings may lie one inside the other. */
const deepest = 3

/** Characters of all readings together; a text that has more of them was made to be hard to read. */
const mostReadings = 262_144

/**
 * Returns what a text says, as it is and in every encoding in which a server could repeat what it was sent, also where one
 * encoding lies inside another: percent-encoding, HTML form, JSON and JavaScript escapes, HTML entities, quoted-printable,
 * Base64 and hexadecimal from any character on, and all of these folded over lines.
 * @returns undefined if there are too many readings
 */
export function readingsOf(text: string): ReadonlySet<string> | undefined {
  const readings = new Set([text])
  let length = text.length
  let latest = [text]
  for (let depth = 0; depth < deepest && latest.length > 0; depth++) {
    const next: string[] = []
    for (const reading of latest.flatMap((one) => decoders.flatMap((decode) => decode(one)))) {
      if (reading.length < shortest || readings.has(reading)) continue
      length += reading.length
      if (length > mostReadings) return undefined
      readings.add(reading)
      next.push(reading)
    }
    latest = next
  }
  return readings
}

/** Without blanks and what cannot be seen: line ends of wrapped text, the zero bytes of UTF-16. */
export const withoutGaps = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Z}]+/gu, '')

/** Characters; a shorter reading tells nothing. */
const shortest = 4

type Decode = (text: string) => string[]

/** Bytes that were written as two hexadecimal digits each, behind a sign: what is no byte stays. */
const bytesBehind =
  (sign: string): Decode =>
  (text) => {
    const run = new RegExp(`(?:\\${sign}[\\dA-Fa-f]{2})+`, 'g')
    return [text.replace(run, (bytes) => Buffer.from(bytes.replaceAll(sign, ''), 'hex').toString('utf8'))]
  }

const percent = bytesBehind('%')
const quotedPrintableBytes = bytesBehind('=')
/** As C, Python and shells write bytes. */
const backslashX = bytesBehind('\\x')

const form: Decode = (text) => percent(text.replaceAll('+', ' '))

const quotedPrintable: Decode = (text) => quotedPrintableBytes(text.replace(/=[ \t]*\r?\n/g, ''))

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f', v: '\v' }

/** JSON's, those that only JavaScript and shells have, and `%u002b` of JavaScript's old `escape`. */
const backslashes: Decode = (text) => [
  text.replace(
    /\\(?:u\{([\dA-Fa-f]{1,6})\}|u([\dA-Fa-f]{4})|x([\dA-Fa-f]{2})|([0-3]?[0-7]{2})|([^ux]))|%u([\dA-Fa-f]{4})/g,
    (_, braced?: string, four?: string, two?: string, octal?: string, one?: string, old?: string) => {
      const hex = braced ?? four ?? two ?? old
      if (hex !== undefined) return characterOf(Number.parseInt(hex, 16))
      if (octal !== undefined) return characterOf(Number.parseInt(octal, 8))
      return escapes[one ?? ''] ?? one ?? ''
    },
  ),
]

/** Of HTML's names those of what is no letter or digit in ASCII, for any other character is left as it is. */
const entities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  excl: '!',
  num: '#',
  dollar: '$',
  percnt: '%',
  lpar: '(',
  rpar: ')',
  ast: '*',
  midast: '*',
  plus: '+',
  comma: ',',
  hyphen: '-',
  dash: '-',
  period: '.',
  sol: '/',
  colon: ':',
  semi: ';',
  equals: '=',
  quest: '?',
  commat: '@',
  lsqb: '[',
  lbrack: '[',
  bsol: '\\',
  rsqb: ']',
  rbrack: ']',
  hat: '^',
  lowbar: '_',
  grave: '`',
  lcub: '{',
  lbrace: '{',
  verbar: '|',
  vert: '|',
  rcub: '}',
  rbrace: '}',
  tilde: '~',
  tab: '\t',
  newline: '\n',
}

const html: Decode = (text) => [
  text.replace(
    /&(?:#[xX]([\dA-Fa-f]{1,6})|#(\d{1,7})|([A-Za-z]+));?/g,
    (whole, hex?: string, decimal?: string, name = '') => {
      if (hex !== undefined) return characterOf(Number.parseInt(hex, 16))
      if (decimal !== undefined) return characterOf(Number(decimal))
      return entities[name.toLowerCase()] ?? whole
    },
  ),
]

/** A text may begin in the middle of what was encoded, so each of the ways to group its characters is tried. */
function groups(alphabet: RegExp, size: number, encoding: 'base64' | 'hex'): Decode {
  return (text) => {
    const runs = text.match(alphabet) ?? []
    return Array.from({ length: size }, (_, start) =>
      runs.map((run) => Buffer.from(run.slice(start), encoding).toString('utf8')).join('\n'),
    )
  }
}

/** Both of Base64's alphabets; eight characters hold six bytes. */
const base64 = groups(/[A-Za-z0-9+/_-]{8,}/g, 4, 'base64')
const hexadecimal = groups(/[\dA-Fa-f]{16,}/g, 2, 'hex')

const decoders: readonly Decode[] = [
  (text) => [withoutGaps(text)],
  percent,
  form,
  backslashes,
  backslashX,
  html,
  quotedPrintable,
  base64,
  hexadecimal,
]

const characterOf = (code: number): string => (code <= 0x10ffff ? String.fromCodePoint(code) : '')
