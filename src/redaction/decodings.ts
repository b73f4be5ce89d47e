import { replaceUnseen } from '../log-safe.ts'

/** How many nested encodings are decoded. */
const deepest = 3

/** Characters of all readings together. A text with more was made to be hard to decode. */
const maxReadings = 262_144

/**
 * Decodes a text from every encoding in which a server could repeat what it received, also nested ones: percent-encoding,
 * HTML form, JSON and JavaScript escapes, HTML entities, quoted-printable, Base64 and hexadecimal from any position, and all
 * of these if they are wrapped over several lines.
 * @returns the text itself and all its readings
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
      if (length > maxReadings) return undefined
      readings.add(reading)
      next.push(reading)
    }
    latest = next
  }
  return readings
}

/** Removes white space and invisible characters, such as the line ends of wrapped text and the zero bytes of UTF-16. */
export const withoutGaps = (text: string): string => replaceUnseen(text, '').replace(/\s+/g, '')

/** Characters. A shorter reading is useless. */
const shortest = 4

type Decode = (text: string) => string[]

/** Returns a decoder for bytes that are written as a sign and two hexadecimal digits. It does not change anything else. */
const bytesBehind =
  (sign: string): Decode =>
  (text) => {
    const run = new RegExp(`(?:\\${sign}[\\dA-Fa-f]{2})+`, 'g')
    return [text.replace(run, (bytes) => Buffer.from(bytes.replaceAll(sign, ''), 'hex').toString('utf8'))]
  }

const percent = bytesBehind('%')
const quotedPrintableBytes = bytesBehind('=')
/** The notation of C, Python and shells for bytes. */
const backslashX = bytesBehind('\\x')

const form: Decode = (text) => percent(text.replaceAll('+', ' '))

const quotedPrintable: Decode = (text) => quotedPrintableBytes(text.replace(/=[ \t]*\r?\n/g, ''))

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f', v: '\v' }

/** Decodes the escapes of JSON, JavaScript and shells, and `%u002b` of JavaScript's old `escape`. */
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

/** HTML's names of ASCII characters that are not letters or digits. Servers do not encode other characters. */
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

/** Returns a decoder that tries every way to group the characters, because a text may start in the middle of a group. */
function groups(alphabet: RegExp, size: number, encoding: 'base64' | 'hex'): Decode {
  return (text) => {
    const runs = text.match(alphabet) ?? []
    return Array.from({ length: size }, (_, start) =>
      runs.map((run) => Buffer.from(run.slice(start), encoding).toString('utf8')).join('\n'),
    )
  }
}

/** Both alphabets of Base64. Eight characters are six bytes. */
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
