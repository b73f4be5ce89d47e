import { cutLines, reasonOf } from '../errors.ts'
import { logSafeText } from '../log-safe.ts'

/** Matches a token in the name of a file or a variable. */
const token = /AT(?:BB|[AC]TT)[\w=+-]{8,}/g

export const withoutTokens = (text: string): string => text.replace(token, '***')

/** Decodes bytes as UTF-8. Returns undefined if they are not UTF-8. */
function utf8(bytes: Buffer): string | undefined {
  const text = bytes.toString('utf8')
  return Buffer.from(text, 'utf8').equals(bytes) ? text : undefined
}

/**
 * Returns a path for programs, on one line and without tokens. A path that is not plain text is quoted as git and C do:
 * `"line\nbreak"`, `"\377"`.
 */
export function pathAsData(path: Buffer): string {
  const text = utf8(path)
  const isPlain = text !== undefined && !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}"\\]/u.test(text)
  return isPlain ? withoutTokens(text) : quoted(path)
}

/** Returns a path for people. It also quotes a name that a CI would read as a command (`"\043#vso[…]"`). */
export function shownPath(path: Buffer): string {
  const text = pathAsData(path)
  return logSafeText(text) === text && !text.startsWith('"') ? text : quoted(path)
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

/** Returns a path as a relative reference (RFC 3986), with all of its bytes but without tokens. */
export function uriOf(path: Buffer): string {
  const latin1 = withoutTokens(path.toString('latin1'))
  const encoded = [...Buffer.from(latin1, 'latin1')].map((byte) => {
    const character = String.fromCharCode(byte)
    return /[\w.~/-]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  })
  return encoded.join('')
}

/** Returns the reason of an error, shortened and without tokens: Node's errors contain paths, which may be long or hold a token. */
export const failureOf = (error: unknown): string => cutLines(withoutTokens(reasonOf(error)))
