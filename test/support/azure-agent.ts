/** Reads the output of a step as the agent of Azure Pipelines does. */

export interface Command {
  readonly name: string
  readonly properties: Readonly<Record<string, string>>
  readonly data: string
}

/** Does what `Unescape` does (microsoft/azure-pipelines-agent, 42bde98, CommandStringConvertor.cs). */
const unescaped = (text: string): string =>
  text
    .replaceAll('%3B', ';')
    .replaceAll('%0D', '\r')
    .replaceAll('%0A', '\n')
    .replaceAll('%5D', ']')
    .replaceAll('%AZP25', '%')

/** Parses as `TryParse` does (Command.cs): a command may be anywhere in a line, and its data is the rest of the line. */
function parse(line: string): Command | undefined {
  const start = line.indexOf('##vso[')
  const end = line.indexOf(']', start)
  if (start < 0 || end < 0) return undefined
  const [name = '', ...rest] = line.slice(start + '##vso['.length, end).split(' ')
  const properties = rest
    .join(' ')
    .split(';')
    .flatMap((property) => {
      const [, key, value] = /^([^=]+)=(.+)$/s.exec(property) ?? []
      return key === undefined || value === undefined ? [] : [[key, unescaped(value)] as const]
    })
  return { name, properties: Object.fromEntries(properties), data: unescaped(line.slice(end + 1)) }
}

/** Returns the commands in an output. The agent splits lines at CR and at LF (.NET: StreamReader.ReadLine). */
export const commandsIn = (output: string): Command[] =>
  output.split(/\r\n|\r|\n/).flatMap((line) => parse(line) ?? [])

export const setVariables = (output: string) =>
  commandsIn(output).filter(({ name }) => name === 'task.setvariable')
