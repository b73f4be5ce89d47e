/** Writes each character except letters and digits as its code. */
export const byCode = (text: string, write: (code: string) => string, radix: 10 | 16 = 16): string =>
  text.replace(/[^A-Za-z0-9]/gu, (character) => write((character.codePointAt(0) ?? 0).toString(radix)))

const byUnit = (text: string, write: (code: string) => string): string =>
  text.replace(/[^A-Za-z0-9]/g, (unit) => write(unit.charCodeAt(0).toString(16).padStart(4, '0')))

/** Encodes all characters but RFC 3986's unreserved ones, which is more than `encodeURIComponent` does. */
export const percent = (text: string): string =>
  encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  )

export const entityNames: Readonly<Record<string, string>> = {
  '&': 'amp',
  '<': 'lt',
  '>': 'gt',
  '"': 'quot',
  "'": 'apos',
  '+': 'plus',
  '/': 'sol',
  '=': 'equals',
  '%': 'percnt',
  '@': 'commat',
  ':': 'colon',
  '.': 'period',
}

/** How a server may encode what it received. The encodings that do not encode each character by itself come last. */
export const encodings: Readonly<Record<string, (text: string) => string>> = {
  raw: (text) => text,
  'upper case': (text) => text.replace(/[a-z]/g, (letter) => letter.toUpperCase()),
  'percent-encoded': percent,
  'percent-encoded in lower case': (text) => percent(text).replace(/%../g, (code) => code.toLowerCase()),
  'percent-encoded in mixed case': (text) => percent(text).replace(/%(.)/g, (code) => code.toLowerCase()),
  'every character percent-encoded': (text) => Buffer.from(text).toString('hex').replace(/../g, '%$&'),
  'percent-encoded twice': (text) => percent(percent(text)),
  'percent-encoded three times': (text) => percent(percent(percent(text))),
  'a form value': (text) => new URLSearchParams({ v: text }).toString().slice(2),
  JSON: (text) => JSON.stringify(text).slice(1, -1),
  'JSON in JSON': (text) => JSON.stringify(JSON.stringify(text)).slice(3, -3),
  'JSON with \\u escapes': (text) => byUnit(text, (code) => `\\u${code}`),
  'JavaScript with \\u{} escapes': (text) => byCode(text, (code) => `\\u{${code}}`),
  'JavaScript with \\x escapes': (text) => Buffer.from(text).toString('hex').replace(/../g, '\\x$&'),
  "JavaScript's old escape": (text) => byUnit(text, (code) => `%u${code}`),
  'named entities': (text) => text.replace(/[&<>"'+/=%@:.]/g, (c) => `&${entityNames[c]};`),
  'decimal entities': (text) => byCode(text, (code) => `&#${code};`, 10),
  'hexadecimal entities': (text) => byCode(text, (code) => `&#x${code};`),
  'hexadecimal entities in upper case': (text) => byCode(text, (code) => `&#X${code.toUpperCase()};`),
  'percent-encoded, then escaped for HTML': (text) => percent(text).replaceAll('%', '&#37;'),
  'quoted-printable': (text) => percent(text).replaceAll('%', '='),
  'quoted-printable with soft line breaks': (text) =>
    percent(text)
      .replaceAll('%', '=')
      .replace(/(?<!=.?)(.)(?!$)/g, '$1=\r\n'),
  hexadecimal: (text) => Buffer.from(text).toString('hex'),
  'hexadecimal with blanks': (text) => Buffer.from(text).toString('hex').replace(/../g, '$& '),
  Base64: (text) => Buffer.from(text).toString('base64'),
  'Base64 of user:secret': (text) => Buffer.from(`the-user:${text}`).toString('base64'),
  'Base64 one byte later': (text) => Buffer.from(`:${text}`).toString('base64'),
  'Base64 two bytes later': (text) => Buffer.from(`::${text}`).toString('base64'),
  Base64url: (text) => Buffer.from(`:${text}`).toString('base64url'),
  'Base64, percent-encoded': (text) => percent(Buffer.from(text).toString('base64')),
  'Base64 twice': (text) => Buffer.from(Buffer.from(text).toString('base64')).toString('base64'),
  'Base64 of JSON': (text) => Buffer.from(JSON.stringify({ secret: text })).toString('base64'),
  'over several lines': (text) => text.replace(/.{3}(?=.)/gsu, '$&\n'),
  'with invisible characters': (text) => [...text].join('\u200b'),
}
