/**
 * Parses a boolean by the rules of YAML 1.1, ignoring case and surrounding spaces, because pipes parse their variables this
 * way (bitbucket_pipes_toolkit).
 * @returns undefined if the text is not a boolean
 */
export function parseBoolean(text: string): boolean | undefined {
  const word = text.trim().toLowerCase()
  if (['true', 'yes', 'on', '1'].includes(word)) return true
  return ['false', 'no', 'off', '0'].includes(word) ? false : undefined
}
