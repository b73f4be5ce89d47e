import { inertText } from '../inert.ts'

/** A token in the name of a file or a variable. */
const token = /AT(?:BB|[AC]TT)[\w=+-]{8,}/g

export const withoutTokens = (text: string): string => text.replace(token, '***')

/** The text of bytes that are UTF-8; undefined where they are not. */
function utf8(bytes: Buffer): string | undefined {
  const text = bytes.toString('utf8')
  return Buffer.from(text, 'utf8').equals(bytes) ? text : undefined
}

/**
 * Returns the name of a file for a program that reads it, in one line and without a token. One that is no plain text is
 * quoted as git and C quote it: `"line\nbreak"`, `"\377"`.
 */
export function pathAsData(path: Buffer): string {
  const text = utf8(path)
  const isPlain = text !== undefined && !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}"\\]/u.test(text)
  return isPlain ? withoutTokens(text) : quoted(path)
}

/** The same for a person: a name that a CI would take for a command is quoted too (`"\043#vso[…]"`). */
export function shownPath(path: Buffer): string {
  const text = pathAsData(path)
  return inertText(text) === text && !text.startsWith('"') ? text : quoted(path)
}

function quoted(path: Buffer): string {
  const octal = (code: number) => `\\${code.toString(8).padStart(3, '0')}`
  const text = [...path].map((byte) => {
    const character = String.fromCharCode(byte)
    if (character === '\n') return '\\n'
    if (character === '"' || character === '\\') return `\\${character}`
    return byte < 0x20 || byte > 0x7e ? octal(byte) : character
  })
  const inert = text
    .join('')
    .replace(/#(?=#)|:(?=:)|(?<=section|travis)_/g, (character) => octal(character.charCodeAt(0)))
  return `"${withoutTokens(inert)}"`
}

/** The name as a relative reference (RFC 3986), with every byte that it has; but without a token. */
export function uriOf(path: Buffer): string {
  const latin1 = withoutTokens(path.toString('latin1'))
  const encoded = [...Buffer.from(latin1, 'latin1')].map((byte) => {
    const character = String.fromCharCode(byte)
    return /[\w.~/-]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  })
  return encoded.join('')
}
