import { TokenError } from './errors.ts'
import { definitionOf, type InputName, inputNames, variableOf } from './inputs.ts'
import { closest } from './spelling.ts'

/** The verbs there are, and what each does. */
export const verbs = {
  acquire: 'Get a credential and hand it over to the job. The verb when none is given.',
  print: 'Get a credential and write it to stdout, and nothing else there.',
  check: 'Say what a credential is, what it may do, until when, and what is wrong with it.',
  audit: 'Find what Bitbucket refuses or soon will, and secrets that are written down.',
  cleanup: 'Remove what runs have left on the disk.',
  'git-credential': "Speak git's credential helper protocol: get, store or erase.",
  authorize: "Get the first refresh token, by a person's consent in a browser on this machine.",
  sandbox: 'Run an embedded Bitbucket on loopback; with -- COMMAND, run that against it.',
} as const satisfies Record<string, string>

export type Verb = keyof typeof verbs
export const verbNames = Object.keys(verbs) as Verb[]

/** What `print --format` takes; the first is the default. */
export const printFormats = ['token', 'authorization', 'sh', 'dotenv', 'powershell', 'json', 'netrc'] as const
export type PrintFormat = (typeof printFormats)[number]

/** What `check --format` takes; the first is the default. */
export const checkFormats = ['text', 'json'] as const
export type CheckFormat = (typeof checkFormats)[number]

/** What `audit --format` takes; the first is the default. */
export const auditFormats = ['text', 'json', 'sarif'] as const
export type AuditFormat = (typeof auditFormats)[number]

/** What git asks of a credential helper. */
export const gitOperations = ['get', 'store', 'erase'] as const
export type GitOperation = (typeof gitOperations)[number]

/** One row of the table below. */
export interface CommandFlag {
  readonly help: string
  /** The verbs that have it, each with what it takes there; an empty list for a switch, which takes nothing. */
  readonly verbs: Partial<Readonly<Record<Verb, readonly string[]>>>
  /** What it takes where that is no choice among words: `PATH`. */
  readonly takes?: string
}

/** The flags that are no inputs: they exist on the command line alone. */
const commandFlagTable = {
  format: {
    help: 'How the answer is written.',
    verbs: { print: printFormats, check: checkFormats, audit: auditFormats },
  },
  'dry-run': {
    help: 'Check the inputs and show what would be done; send nothing, write nothing.',
    verbs: { acquire: [] },
  },
  history: {
    help: "Look at every version of every file in git's history too.",
    verbs: { audit: [] },
  },
  all: {
    help: 'Also remove refresh tokens, which may exist nowhere else.',
    verbs: { cleanup: [] },
  },
  callback: {
    help: "The consumer's callback URL, on loopback; http://localhost:3000/oauth-callback unless given.",
    verbs: { authorize: [] },
    takes: 'URL',
  },
  'output-file': {
    help: 'Write the token into this file, and nothing else; its owner alone may read it.',
    verbs: { authorize: [] },
    takes: 'PATH',
  },
  'show-token': {
    help: 'Write the token to stdout.',
    verbs: { authorize: [] },
  },
  implicit: {
    help: 'Get an access token by the implicit grant, with no client secret and no refresh token.',
    verbs: { authorize: [] },
  },
  'no-browser': {
    help: 'Open no browser; say where to go.',
    verbs: { authorize: [] },
  },
} as const satisfies Record<string, CommandFlag>

export type CommandFlagName = keyof typeof commandFlagTable
export const commandFlagNames = Object.keys(commandFlagTable) as CommandFlagName[]
export const commandFlagOf = (name: CommandFlagName): CommandFlag => commandFlagTable[name]

/** What `authorize` is told beside the inputs. */
export interface AuthorizeFlags {
  readonly callback: string
  readonly outputFile: string | undefined
  readonly showToken: boolean
  readonly implicit: boolean
  readonly openBrowser: boolean
}

/** What was said beside the inputs. */
export type Command =
  | { readonly verb: 'help'; readonly about: Verb | undefined }
  | { readonly verb: 'version' }
  | { readonly verb: 'acquire'; readonly dryRun: boolean }
  | { readonly verb: 'print'; readonly format: PrintFormat }
  | { readonly verb: 'check'; readonly format: CheckFormat }
  | { readonly verb: 'audit'; readonly format: AuditFormat; readonly history: boolean }
  | { readonly verb: 'cleanup'; readonly all: boolean }
  | { readonly verb: 'authorize'; readonly how: AuthorizeFlags }
  | { readonly verb: 'git-credential'; readonly operation: GitOperation }
  | { readonly verb: 'sandbox' }

export type CommandLine = Command & {
  /** The inputs among the flags. */
  readonly flags: ReadonlyMap<InputName, string>
  /** What stands behind the verb, where it takes something: the path of `audit`. */
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
  const commandFlags = new Map<CommandFlagName, string>()
  let verb: Command['verb'] | undefined
  let operand: string | undefined

  for (let index = 0; index < own.length; index++) {
    const argument = own[index] ?? ''
    if (argument === '--help' || argument === '-h') {
      return { verb: 'help', about: aboutOf(verb, operand), flags, operand, command }
    }
    if (argument === '--version') return { verb: 'version', flags, operand, command }
    if (argument.startsWith('-')) {
      const [, name, inline] = /^--([^=]*)(?:=(.*))?$/s.exec(argument) ?? []
      if (name === undefined) throw noSuchFlag(argument.slice(1))
      const flag = flagNamed(name)
      if (isCommandFlag(flag) && isSwitch(flag)) {
        if (inline !== undefined) throw wrong(`--${flag} takes no value.`, `Write --${flag}.`)
        commandFlags.set(flag, '')
        continue
      }
      const value = inline ?? own[++index]
      if (value === undefined) throw wrong(`--${flag} has no value.`, `Write --${flag} VALUE.`)
      if (isCommandFlag(flag)) commandFlags.set(flag, value)
      else flags.set(flag, value)
    } else if (verb === undefined) verb = verbNamed(argument)
    else if ((verb === 'git-credential' || verb === 'audit' || verb === 'help') && operand === undefined)
      operand = argument
    else throw wrong('There is one argument too many.', 'Give one verb, then flags: --flag value.')
  }
  return { ...commandOf(verb ?? 'acquire', operand, commandFlags), flags, operand, command }
}

function commandOf(
  verb: Command['verb'],
  operand: string | undefined,
  flags: ReadonlyMap<CommandFlagName, string>,
): Command {
  for (const name of flags.keys()) {
    const owners = Object.keys(commandFlagOf(name).verbs)
    if (!owners.includes(verb)) {
      throw wrong(`--${name} is no flag of ${verb}.`, `It belongs to: ${owners.join(', ')}.`)
    }
  }
  switch (verb) {
    case 'help':
      return { verb, about: aboutOf(verb, operand) }
    case 'version':
      return { verb }
    case 'acquire':
      return { verb, dryRun: flags.has('dry-run') }
    case 'print':
      return { verb, format: formatOf(printFormats, flags) }
    case 'check':
      return { verb, format: formatOf(checkFormats, flags) }
    case 'audit':
      return { verb, format: formatOf(auditFormats, flags), history: flags.has('history') }
    case 'cleanup':
      return { verb, all: flags.has('all') }
    case 'authorize':
      return {
        verb,
        how: {
          callback: flags.get('callback') ?? 'http://localhost:3000/oauth-callback',
          outputFile: flags.get('output-file') || undefined,
          showToken: flags.has('show-token'),
          implicit: flags.has('implicit'),
          openBrowser: !flags.has('no-browser'),
        },
      }
    case 'git-credential':
      return { verb, operation: operationOf(operand) }
    case 'sandbox':
      return { verb }
  }
}

/**
 * git asks helpers to ignore operations that they do not know (gitcredentials.txt), but has had the same three from 1.7.9 to
 * 2.55, and takes no notice of a helper's exit status. A person who mistypes one needs to hear of it.
 */
function operationOf(operand: string | undefined): GitOperation {
  const known = `Use one of: ${gitOperations.join(', ')}.`
  if (operand === undefined) throw wrong('git-credential needs an operation.', known)
  const operation = gitOperations.find((name) => name === operand)
  if (operation !== undefined) return operation
  const meant = closest(operand, gitOperations)
  throw wrong(meant === undefined ? 'Unknown operation.' : `Unknown operation ${operand}.`, known)
}

const wrong = (message: string, nextStep: string) =>
  new TokenError('input', message, `${nextStep} See bitbucket-token --help.`)

/** The verb that help is asked about: `check --help`, `help check`. */
function aboutOf(verb: Command['verb'] | undefined, operand: string | undefined): Verb | undefined {
  const about = verb === 'help' ? operand && verbNamed(operand) : verb
  return verbNames.find((name) => name === about)
}

function formatOf<Format extends string>(
  formats: readonly [Format, ...Format[]],
  flags: ReadonlyMap<CommandFlagName, string>,
): Format {
  const given = flags.get('format')
  if (given === undefined) return formats[0]
  const format = formats.find((name) => name === given)
  if (format !== undefined) return format
  const meant = closest(given, formats)
  throw wrong(
    `There is no format ${printable(given, meant)}.`,
    `${suggestion(meant)}The formats are: ${formats.join(', ')}.`,
  )
}

const isCommandFlag = (name: string): name is CommandFlagName => Object.hasOwn(commandFlagTable, name)

function isSwitch(name: CommandFlagName): boolean {
  const { verbs: owners, takes } = commandFlagOf(name)
  return takes === undefined && Object.values(owners).every((values) => values.length === 0)
}

function flagNamed(name: string): InputName | CommandFlagName {
  if (isCommandFlag(name)) return name
  const input = inputNames.find((candidate) => candidate === name)
  if (input === undefined) throw noSuchFlag(name)
  if (definitionOf(input).secret) throw noSecretFlag(`--${input} is not a flag.`, input)
  return input
}

function noSuchFlag(name: string): TokenError {
  const meant = closest(name, [...inputNames, ...commandFlagNames, 'help', 'version'])
  const message = `There is no flag ${printable(name, meant, '--')}.`
  const secret = inputNames.find((candidate) => candidate === meant && definitionOf(candidate).secret)
  if (secret !== undefined) return noSecretFlag(message, secret)
  return wrong(message, meant === undefined ? 'Check its name.' : `Did you mean --${meant}?`)
}

const noSecretFlag = (message: string, input: InputName) =>
  wrong(message, `Set ${variableOf(input)}: a process list shows arguments to everybody on the machine.`)

function verbNamed(word: string): Command['verb'] {
  if (word === 'help' || word === 'version') return word
  if (Object.hasOwn(verbs, word)) return word as Verb
  const meant = closest(word, [...verbNames, 'help', 'version'])
  throw wrong(
    `There is no verb ${printable(word, meant)}.`,
    `${suggestion(meant)}The verbs are: ${verbNames.join(', ')}.`,
  )
}

/** A word is repeated only if it is close to one of ours: anything else could be a secret in the wrong place. */
const printable = (word: string, meant: string | undefined, prefix = ''): string =>
  meant !== undefined && /^[a-z-]+$/i.test(word) ? `${prefix}${word}` : 'of that name'

const suggestion = (meant: string | undefined): string =>
  meant === undefined ? '' : `Did you mean ${meant}? `
