import { TokenError } from './errors.ts'
import { definitionOf, type InputName, inputNames, variableOf } from './inputs.ts'

/** The verbs there are, and what each does. */
export const verbs = {
  acquire: 'Get a credential and hand it over to the job. The verb when none is given.',
  'git-credential': "Speak git's credential helper protocol: get, store or erase.",
  sandbox: 'Run an embedded Bitbucket on loopback; with -- COMMAND, run that against it.',
} as const satisfies Record<string, string>

export type Verb = keyof typeof verbs

export interface CommandLine {
  readonly verb: Verb | 'help' | 'version'
  readonly flags: ReadonlyMap<InputName, string>
  /** What stands behind the verb, where it takes something: the operation of `git-credential`. */
  readonly operand: string | undefined
  /** What stands behind `--`. */
  readonly command: readonly string[]
}

/**
 * Reads `[verb [operand]] [--flag value | --flag=value]… [-- command…]`.
 *
 * No error repeats an argument that could be a secret: a person may have typed one in the wrong place.
 * @throws {TokenError} `input`
 */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const end = args.includes('--') ? args.indexOf('--') : args.length
  const own = args.slice(0, end)
  const command = args.slice(end + 1)
  const flags = new Map<InputName, string>()
  let verb: CommandLine['verb'] | undefined
  let operand: string | undefined

  for (let index = 0; index < own.length; index++) {
    const argument = own[index] ?? ''
    if (argument === '--help' || argument === '-h') return { verb: 'help', flags, operand, command }
    if (argument === '--version') return { verb: 'version', flags, operand, command }
    if (argument.startsWith('--')) {
      const [, name = '', inline] = /^--([^=]*)(?:=(.*))?$/s.exec(argument) ?? []
      const input = flagNamed(name)
      const value = inline ?? own[++index]
      if (value === undefined) throw wrong(`--${input} has no value.`, `Write --${input} VALUE.`)
      flags.set(input, value)
    } else if (verb === undefined) verb = verbNamed(argument)
    else if (verb === 'git-credential' && operand === undefined) operand = argument
    else throw wrong('There is one argument too many.', 'Give one verb, then flags: --flag value.')
  }
  return { verb: verb ?? 'acquire', flags, operand, command }
}

const wrong = (message: string, nextStep: string) =>
  new TokenError('input', message, `${nextStep} See bitbucket-token --help.`)

function flagNamed(name: string): InputName {
  const input = inputNames.find((candidate) => candidate === name)
  if (input === undefined) throw wrong(`There is no flag ${printable(name, '--')}.`, 'Check its name.')
  if (definitionOf(input).secret) {
    throw wrong(
      `--${input} is not a flag.`,
      `Set ${variableOf(input)}: a process list shows arguments to everybody on the machine.`,
    )
  }
  return input
}

function verbNamed(word: string): CommandLine['verb'] {
  if (word === 'help' || word === 'version') return word
  if (Object.hasOwn(verbs, word)) return word as Verb
  throw wrong(`There is no verb ${printable(word, '')}.`, `The verbs are: ${Object.keys(verbs).join(', ')}.`)
}

/** A word is repeated only if it looks like one: short, lower case, no digits. */
const printable = (word: string, prefix: string): string =>
  /^[a-z]+(-[a-z]+){0,3}$/.test(word) && word.length <= 24 ? `${prefix}${word}` : 'of that name'
