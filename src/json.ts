/**
 * Parses JSON, also behind a byte order mark: some servers and editors write one, and a reader may skip it (RFC 8259, 8.1).
 * @throws {SyntaxError} if the text is not JSON
 */
export const parseJson = (text: string): unknown => JSON.parse(text.replace(/^\uFEFF/, ''))
