/**
 * Parses JSON. Skips a byte order mark, which some servers and editors write and a parser may ignore (RFC 8259, 8.1).
 * @throws {SyntaxError} if the text is not JSON
 */
export const parseJson = (text: string): unknown => JSON.parse(text.replace(/^\uFEFF/, ''))
