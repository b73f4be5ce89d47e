/** A token in the name of a file or a variable. */
const token = /AT(?:BB|[AC]TT)[\w=+-]{8,}/g

export const withoutTokens = (text: string): string => text.replace(token, '***')

/** The text of bytes that are UTF-8; undefined where they are not. */
function utf8(bytes: Buffer): string | undefined {
  const text = bytes.toString('utf8')
  return Buffer.from(text, 'utf8').equals(bytes) ? text : undefined
}

/**
 * The name of a file as a person may see it, in one line and without a token. One that is no plain text is quoted as
 * git and C quote it: `"line\nbreak"`, `"\377"`.
 */
export function shownPath(path: Buffer): string {
  const text = utf8(path)
  if (text !== undefined && !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}"\\]/u.test(text)) return withoutTokens(text)
  const quoted = [...path].map((byte) => {
    const character = String.fromCharCode(byte)
    if (character === '\n') return '\\n'
    if (character === '"' || character === '\\') return `\\${character}`
    return byte < 0x20 || byte > 0x7e ? `\\${byte.toString(8).padStart(3, '0')}` : character
  })
  return `"${withoutTokens(quoted.join(''))}"`
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
