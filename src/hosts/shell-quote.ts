/** One word for any POSIX shell: nothing but the quote itself means anything inside single quotes. */
export const shellQuote = (value: string): string => `'${value.replaceAll("'", "'\\''")}'`
