/**
 * Reads a boolean as YAML 1.1 does, in any case and with blanks around it: pipes read their variables so
 * (bitbucket_pipes_toolkit).
 * @returns undefined if it is neither true nor false
 */
export function parseBoolean(text: string): boolean | undefined {
  const word = text.trim().toLowerCase()
  if (['true', 'yes', 'on', '1'].includes(word)) return true
  return ['false', 'no', 'off', '0'].includes(word) ? false : undefined
}
