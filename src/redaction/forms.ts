import { formEncode, percentEncode, type Secret } from '../secret.ts'
import { base64Cores, shortestEncoded } from './text-redactor.ts'

/** How a secret can appear in the output of a program. */
export interface Form {
  readonly bytes: Buffer
  /** How many bytes of this form stand for one byte of the secret; 1 if that varies. */
  readonly width: number
}

const lowerHex = (text: string): string => text.replace(/%../g, (code) => code.toLowerCase())

const inJson = (value: string): string => JSON.stringify(value).slice(1, -1)

/** Writes each UTF-16 unit that matches as its code. */
const byUnit =
  (units: RegExp, write: (hex: string) => string) =>
  (value: string): string =>
    value.replace(units, (unit) => write(unit.charCodeAt(0).toString(16).padStart(4, '0')))

/** Writes each character except letters and digits as its code. */
const byCode =
  (write: (code: number) => string) =>
  (value: string): string =>
    value.replace(/[^A-Za-z0-9]/gu, (character) => write(character.codePointAt(0) ?? 0))

/** Writes characters with a meaning in HTML by their names. */
const named =
  (names: Readonly<Record<string, string>>) =>
  (value: string): string =>
    value.replace(/[^A-Za-z0-9]/g, (character) => names[character] ?? character)

const namesInText = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** Encodings that keep the order of the characters. Most programs use one of these. */
const byCharacter: readonly ((value: string) => string)[] = [
  (value) => value,
  // Percent-encoding and HTML forms.
  percentEncode,
  (value) => encodeURIComponent(value.toWellFormed()),
  formEncode,
  (value) => lowerHex(percentEncode(value)),
  (value) => lowerHex(formEncode(value)),
  (value) => percentEncode(percentEncode(value)),
  // JSON: of JavaScript, inside other JSON, of Python (ASCII only), of PHP (`\/`) and of Go (`<` as a code).
  inJson,
  (value) => inJson(inJson(value)),
  (value) => byUnit(/[^ -~]/g, (hex) => `\\u${hex}`)(inJson(value)),
  (value) => inJson(value).replaceAll('/', '\\/'),
  (value) => byUnit(/[<>&]/g, (hex) => `\\u${hex}`)(inJson(value)),
  byUnit(/[^A-Za-z0-9]/g, (hex) => `\\u${hex}`),
  byCode((code) => `\\x${code.toString(16).padStart(2, '0')}`),
  // HTML and XML.
  byCode((code) => `&#${code};`),
  byCode((code) => `&#x${code.toString(16)};`),
  byCode((code) => `&#x${code.toString(16).toUpperCase()};`),
  named(namesInText),
  named({ ...namesInText, "'": '&apos;' }),
  named({ ...namesInText, "'": '&#39;' }),
  named({ ...namesInText, "'": '&#x27;' }),
  named({ ...namesInText, '"': '&#34;', "'": '&#39;' }),
  named({ ...namesInText, "'": '&apos;', '+': '&plus;', '/': '&sol;', '=': '&equals;' }),
  // Quoted-printable.
  (value) => percentEncode(value).replaceAll('%', '='),
  // Shells: inside '…' of POSIX (also as bash's `set -x` writes it) and of PowerShell, inside "…", and with backslashes (`printf %q`).
  (value) => value.replaceAll("'", "'\\''"),
  (value) => value.replaceAll("'", `'"'"'`),
  (value) => value.replaceAll("'", "''"),
  (value) => value.replace(/["$`\\]/g, '\\$&'),
  (value) => value.replace(/[^\w\-.,:/@%+=]/g, '\\$&'),
]

/** Encodings of bytes, each with the width of one byte. */
const byByte: readonly [width: number, encode: (bytes: Buffer) => string][] = [
  [2, (bytes) => bytes.toString('hex')],
  [2, (bytes) => bytes.toString('hex').toUpperCase()],
  [3, (bytes) => bytes.toString('hex').replace(/../g, '%$&')],
  [3, (bytes) => bytes.toString('hex').toUpperCase().replace(/../g, '%$&')],
  [4, (bytes) => bytes.toString('hex').replace(/../g, '\\x$&')],
]

/**
 * Returns every form in which the secret can appear: plain, percent-encoded, JSON, HTML, shells, quoted-printable, Base64
 * behind any text, hexadecimal and UTF-16. HTTP Basic is Base64 behind a user name.
 */
export function formsOf(secret: Secret): Form[] {
  const value = secret.reveal()
  const bytes = Buffer.from(value, 'utf8')
  if (value.length < shortestEncoded) return value === '' ? [] : [{ bytes, width: 1 }]
  const base64 = base64Cores(value)
  const narrow = [
    ...byCharacter.map((encode) => encode(value)),
    ...base64,
    ...base64.flatMap((core) => [percentEncode(core), lowerHex(percentEncode(core))]),
  ].filter((text) => text.length >= shortestEncoded)
  return [
    ...[...new Set(narrow)].map((text) => ({ bytes: Buffer.from(text, 'utf8'), width: 1 })),
    ...byByte.map(([width, encode]) => ({ bytes: Buffer.from(encode(bytes), 'latin1'), width })),
    { bytes: Buffer.from(value, 'utf16le'), width: 2 },
  ]
}
