/** Words that stand where a secret would: `your_password`, `<token>`, `app-password`, `…`. */
const words =
  /^(?:my|your|the|some|bb|bitbucket|app|api|access|oauth|client|repo|repository|project|workspace|user|new|old|[ _.-])*(?:password|passwd|pass|pwd|token|secret|key|credentials?)s?$/i
const marks = /[$%{}<>()[\]…*]|\.\.\.|xxx|example|placeholder|redacted|change-?me|dummy/i
const isAlike = (value: string, distinct: number) => new Set(value).size < distinct

/** Whether a value is written down, rather than a variable, a template or a word that stands for it. */
export function isLiteral(value: string): boolean {
  return (
    value.length >= 3 &&
    !marks.test(value.replace(/%[0-9a-f]{2}/gi, '')) &&
    !words.test(value) &&
    !isAlike(value, 3)
  )
}

/** Whether a value was made by chance, as tokens and consumers' secrets are: no name, no path, no word. */
export function isRandom(value: string): boolean {
  const digits = value.replace(/\D/g, '').length
  const isMixed = /[a-z]/.test(value) && /[A-Z]/.test(value)
  return isLiteral(value) && digits >= 2 && isMixed && !isAlike(value, 10)
}
