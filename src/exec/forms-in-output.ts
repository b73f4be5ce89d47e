import { base64Cores, percentEncode } from '../secret.ts'

/** Writes every character except letters and digits as its code. */
const escaped = (value: string, write: (code: number) => string): string =>
  value.replace(/[^A-Za-z0-9]/gu, (character) => write(character.codePointAt(0) ?? 0))

const hexadecimal = (code: number, digits = 0): string => code.toString(16).padStart(digits, '0')

const lowerCaseCodes = (encoded: string): string =>
  encoded.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())

const formEncode = (value: string): string => new URLSearchParams({ v: value }).toString().slice(2)

const entities: Readonly<Record<string, string>> = {
  '&': 'amp',
  '<': 'lt',
  '>': 'gt',
  '"': 'quot',
  "'": 'apos',
}

/** How programs write a value that they got: as it is, or in an encoding that keeps the order of its characters. */
const encodings: readonly ((value: string) => string)[] = [
  (value) => value,
  percentEncode,
  (value) => encodeURIComponent(value.toWellFormed()),
  formEncode,
  (value) => lowerCaseCodes(percentEncode(value)),
  (value) => lowerCaseCodes(formEncode(value)),
  (value) => percentEncode(percentEncode(value)),
  // JSON, and JSON in JSON.
  (value) => JSON.stringify(value).slice(1, -1),
  (value) => JSON.stringify(JSON.stringify(value)).slice(3, -3),
  (value) => escaped(value, (code) => `\\u${hexadecimal(code, 4)}`),
  (value) => escaped(value, (code) => `\\x${hexadecimal(code, 2)}`),
  // The quotes of shells: 'a'\''b' and a\ b.
  (value) => value.replaceAll("'", "'\\''"),
  (value) => value.replace(/[^\w@%+=:,./-]/g, '\\$&'),
  // HTML.
  (value) => value.replace(/[&<>"']/g, (character) => `&${entities[character]};`),
  (value) =>
    value.replace(/[&<>"']/g, (character) => (character === "'" ? '&#39;' : `&${entities[character]};`)),
  (value) => escaped(value, (code) => `&#${code};`),
  (value) => escaped(value, (code) => `&#x${hexadecimal(code)};`),
  (value) => escaped(value, (code) => `&#x${hexadecimal(code).toUpperCase()};`),
  // Quoted-printable.
  (value) => percentEncode(value).replaceAll('%', '='),
  (value) => Buffer.from(value).toString('hex'),
  (value) => Buffer.from(value).toString('hex').toUpperCase(),
]

/** Returns every form in which a program may write a secret. Base64 is found in the Base64 of a longer text too. */
export function formsInOutput(secret: string): ReadonlySet<string> {
  const base64 = base64Cores(secret).flatMap((core) => [core, percentEncode(core)])
  return new Set([...encodings.map((encode) => encode(secret)), ...base64])
}
