/** What a runner reads, written out from actions/runner's own source, to decode what was written for it. */

/** The pairs in a GITHUB_ENV, GITHUB_OUTPUT or GITHUB_STATE file (FileCommandManager.cs, on Linux). */
export function decodeFile(text: string): [name: string, value: string][] {
  const pairs: [string, string][] = []
  const lines = text.split('\n')
  if (lines.pop() !== '') throw new Error('the last line does not end')
  for (let index = 0; index < lines.length; ) {
    const line = lines[index++] ?? ''
    if (line === '') continue
    const heredoc = line.indexOf('<<')
    const equals = line.indexOf('=')
    if (equals >= 0 && (heredoc < 0 || equals < heredoc)) {
      pairs.push([line.slice(0, equals), line.slice(equals + 1)])
      continue
    }
    if (heredoc <= 0) throw new Error(`invalid format: ${line}`)
    const end = lines.indexOf(line.slice(heredoc + 2), index)
    if (end < 0) throw new Error(`no end to ${line}`)
    pairs.push([line.slice(0, heredoc), lines.slice(index, end).join('\n')])
    index = end + 1
  }
  return pairs
}

/**
 * Whether a runner would take this line of output for a command (ActionCommand.cs): `::name …::` at its beginning
 * but for blanks, or `##[name …]` anywhere in it.
 */
export function isCommand(line: string): boolean {
  return /^[\p{White_Space}]*::[^:]/u.test(line) || /##\[/.test(line)
}

/** The lines of an output; a runner splits at LF and CR alike. */
export const linesOf = (output: string): string[] => output.split(/[\r\n]+/)
