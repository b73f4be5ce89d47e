/**
 * Returns a script that makes a shell fail if it evaluates our stdout. `eval "$(bitbucket-token print --format sh)"` has the
 * exit status of the evaluated text, so without this script it would succeed after a failure (POSIX, 2.14, `eval`).
 *
 * It also accepts invalid command lines, such as one with an unknown flag. It runs on every Node (old-node.ts).
 * @returns a script that ends with this status; empty if stdout is not evaluated
 */
export function failureScript(args: readonly string[], status: number): string {
  const end = args.indexOf('--')
  const [format] = (end === -1 ? args : args.slice(0, end)).map(formatAt).filter(Boolean).slice(-1)
  if (format === 'sh') return `(exit ${status})\n`
  if (format === 'powershell')
    return `$global:LASTEXITCODE = ${status}; throw 'bitbucket-token failed with exit status ${status}'\n`
  return ''
}

/** Returns the format in an argument (`--format=sh`), or in an argument after `--format`. The flag may be misspelt. */
function formatAt(
  argument: string,
  index: number,
  args: readonly string[],
): 'sh' | 'powershell' | 'data' | undefined {
  const flag = `${/^--?f\w*$/.test(args[index - 1] || '') ? '--format=' : ''}${argument}`
  const match = /^--?f\w*=(.*)$/.exec(flag)
  if (match === null) return undefined
  const word = match[1] || ''
  if (/^(?:[bdkz]?a?sh|shell|posix|export)$/i.test(word)) return 'sh'
  return /^(?:powershell|pwsh|ps1?)$/i.test(word) ? 'powershell' : 'data'
}
