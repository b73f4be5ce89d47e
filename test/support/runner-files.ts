/** Decodes files and output as GitHub's runner does, written from the source of actions/runner. */

/** Returns the pairs in a GITHUB_ENV, GITHUB_OUTPUT or GITHUB_STATE file (FileCommandManager.cs, on Linux). */
export function decodeFile(text: string): [name: string, value: string][] {
  const pairs: [string, string][] = []
  const lines = text.split('\n')
  if (lines.pop() !== '') throw new Error('the last line has no line break')
  for (let index = 0; index < lines.length; ) {
    const line = lines[index++] ?? ''
    if (line === '') continue
    const heredoc = line.indexOf('<<')
    const equals = line.indexOf('=')
    if (equals === 0 || heredoc === 0) throw new Error(`no name in ${line}`)
    if (equals >= 0 && (heredoc < 0 || equals < heredoc)) {
      pairs.push([line.slice(0, equals), line.slice(equals + 1)])
      continue
    }
    if (heredoc < 0) throw new Error(`invalid format: ${line}`)
    const end = lines.indexOf(line.slice(heredoc + 2), index)
    if (end < 0) throw new Error(`no end delimiter for ${line}`)
    pairs.push([line.slice(0, heredoc), lines.slice(index, end).join('\n')])
    index = end + 1
  }
  return pairs
}

/**
 * Whether a runner treats this line of output as a command (ActionCommand.cs): `::name …::` at its beginning after
 * optional white space, or `##[name …]` anywhere.
 */
export function isCommand(line: string): boolean {
  return /^[\p{White_Space}]*::[^:]/u.test(line) || /##\[/.test(line)
}

/** Splits an output into lines as a runner does: at LF and at CR. */
export const linesOf = (output: string): string[] => output.split(/[\r\n]+/)
