/** Makes and reads the files and the output of a step as GitHub's runner does, written from the source of actions/runner. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The variables that name the files of a step. */
export const fileVariables = ['GITHUB_ENV', 'GITHUB_OUTPUT', 'GITHUB_STATE', 'GITHUB_STEP_SUMMARY'] as const
export type FileVariable = (typeof fileVariables)[number]

/** Makes the empty files of a step in a directory, each with the name of its variable. Returns the variables. */
export function makeStepFiles(directory: string): Record<FileVariable, string> {
  mkdirSync(directory, { recursive: true })
  const files = fileVariables.map((name) => [name, join(directory, name)] as const)
  for (const [, file] of files) writeFileSync(file, '')
  return Object.fromEntries(files) as Record<FileVariable, string>
}

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
