import type { Candidate } from './rule.ts'

/** Placeholders for a secret: `your_password`, `<token>`, `app-password`, `…`. */
const placeholderWords =
  /^(?:my|your|the|some|bb|bitbucket|app|api|access|oauth|client|consumer|repo|repository|project|workspace|user|new|old|[ _.-])*(?:password|passwd|pass|pwd|token|secret|key|credentials?)s?$/i
const placeholderMarks = /[$%{}<>()[\]…*]|\.\.\.|x{6}|example|placeholder|redacted|change-?me|dummy|fake/i
/** A text that consists of filler (`xxx-xxx`, `00000`). A random token may contain `xxx` too: one in 200 does. */
const filler = /^[x0#._-]{3,}$/i
const isRepetitive = (value: string, distinct: number) => new Set(value).size < distinct

/** Whether a value is a real value, not a variable, a template, a placeholder or shorter than any password. */
export function isLiteral(value: string): boolean {
  return (
    value.length >= 6 &&
    !placeholderMarks.test(value.replace(/%[0-9a-f]{2}/gi, '')) &&
    !placeholderWords.test(value) &&
    !filler.test(value) &&
    !isRepetitive(value, 3)
  )
}

/**
 * Whether letters change their case as often as in random text. Of 32 random letters and digits, one in 40 has a single
 * digit, and of 18, one in 5.
 */
function isScrambled(value: string): boolean {
  const changes = value.match(/[a-z](?=[A-Z\d])|[A-Z](?=[a-z\d])|\d(?=[a-zA-Z])/g)?.length ?? 0
  const isLongEnough = value.length >= (/\d/.test(value) ? 16 : 24)
  return isLongEnough && /^[a-z0-9]+$/i.test(value) && changes > 0.42 * value.length
}

/** Whether a value looks random, as tokens and client secrets do, and not like a name, a path or a word. */
export function isRandom(value: string): boolean {
  const digits = value.replace(/\D/g, '').length
  const isMixed = /[a-z]/.test(value) && /[A-Z]/.test(value)
  // Longer secrets of one case have more digits than names have.
  const isLong = value.length >= 24 && digits >= 4 && /^[a-z0-9]+$/i.test(value)
  const looksRandom = (isMixed && digits >= 2) || isLong || isScrambled(value)
  return isLiteral(value) && looksRandom && !isRepetitive(value, 10)
}

/** Returns what a match in Base64 means, with the Base64 in front of it. */
export function decoded({ source: { text }, start, end }: Candidate): string {
  const [before = ''] = /[\w+/]*$/.exec(text.slice(Math.max(0, start - 400), start)) ?? []
  return Buffer.from(before + text.slice(start, end), 'base64').toString('latin1')
}
