/** Quotes a value as one word for any POSIX shell. Inside single quotes only the quote itself is special. */
export const shellQuote = (value: string): string => `'${value.replaceAll("'", "'\\''")}'`
