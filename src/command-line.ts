import { parseArgs } from 'node:util'
import { TokenError } from './errors.ts'
import { type InputName, inputNames, inputValues, secretInputs, variableOf } from './inputs.ts'
import { closest } from './spelling.ts'

/** The commands, and what each does. */
export const commands = {
  acquire: 'Get a credential and hand it over to the job. This is the default command.',
  exec: 'Run a COMMAND with a credential, and without the secrets it came from.',
  print: 'Get a credential and write it to stdout.',
  check: 'Explain a credential: its kind, permissions and expiry, and any problem.',
  audit: 'Find uses of what Bitbucket has removed or will remove, and secrets in files.',
  cleanup: 'Remove the files that earlier runs left on the disk.',
  'git-credential': "Speak git's credential helper protocol: get, store or erase.",
  authorize: 'Get the first refresh token: a person grants access in a browser on this machine.',
  sandbox: 'Run an embedded Bitbucket on this machine, or a COMMAND against it.',
} as const satisfies Record<string, string>

export type CommandName = keyof typeof commands
export const commandNames = Object.keys(commands) as CommandName[]

/** The values of `print --format`. The first is the default. */
export const printFormats = ['token', 'authorization', 'sh', 'dotenv', 'powershell', 'json', 'netrc'] as const
export type PrintFormat = (typeof printFormats)[number]

/** The values of `check --format`. The first is the default. */
const checkFormats = ['text', 'json'] as const
export type CheckFormat = (typeof checkFormats)[number]

/** The values of `audit --format`. The first is the default. */
const auditFormats = ['text', 'json', 'sarif', 'gitlab'] as const
export type AuditFormat = (typeof auditFormats)[number]

/** The values of `audit --level`. There is no default: without it, everything is shown and only errors fail. */
const auditLevels = ['error', 'question'] as const
export type AuditLevel = (typeof auditLevels)[number]

/** The operations that git asks of a credential helper. */
export const gitOperations = ['get', 'store', 'erase'] as const
export type GitOperation = (typeof gitOperations)[number]

/** One row of the table below. */
interface CommandFlag {
  readonly help: string
  /** The commands that have this flag, each with the values it accepts there. The list of a switch is empty. */
  readonly commands: Partial<Readonly<Record<CommandName, readonly string[]>>>
  /** A placeholder for a value that is not one of a list: `PATH`. */
  readonly takes?: string
}

/** The flags that are not inputs: they exist only on the command line. */
const commandFlagTable = {
  format: {
    help: 'The output format.',
    commands: { print: printFormats, check: checkFormats, audit: auditFormats },
  },
  'dry-run': {
    help: 'Check the inputs and show what would happen. Sends nothing and writes nothing.',
    commands: { acquire: [] },
  },
  reuse: {
    help: 'Use the token that the processes of this job share. It is renewed only if it is about to expire.',
    commands: { print: [] },
  },
  redact: {
    help: "Replace the secrets in COMMAND's output by ***. This is the default if the CI cannot mask them.",
    commands: { exec: [] },
  },
  'no-redact': {
    help: "Pass COMMAND's output through unchanged.",
    commands: { exec: [] },
  },
  history: {
    help: "Also scan every version of every file in git's history.",
    commands: { audit: [] },
  },
  level: {
    help: 'Show only this level and above, and exit with 1 for each of them. Without it, show both levels, and exit with 1 only for errors.',
    commands: { audit: auditLevels },
  },
  all: {
    help: 'Also remove refresh tokens. There may be no other copy of them.',
    commands: { cleanup: [] },
  },
  callback: {
    help: "The OAuth client's callback URL, on this machine. The default is http://localhost:3000/oauth-callback.",
    commands: { authorize: [] },
    takes: 'URL',
  },
  'output-file': {
    help: 'Write only the token to this file. Only the owner can read the file.',
    commands: { authorize: [] },
    takes: 'PATH',
  },
  'show-token': {
    help: 'Write the token to stdout.',
    commands: { authorize: [] },
  },
  implicit: {
    help: 'Get an access token with the implicit grant. Needs no client secret and gives no refresh token.',
    commands: { authorize: [] },
  },
  'no-browser': {
    help: 'Do not open a browser. Show the address instead.',
    commands: { authorize: [] },
  },
} as const satisfies Record<string, CommandFlag>

export type CommandFlagName = keyof typeof commandFlagTable
export const commandFlagNames = Object.keys(commandFlagTable) as CommandFlagName[]
export const commandFlagOf = (name: CommandFlagName): CommandFlag => commandFlagTable[name]

/** The flags of `authorize`. */
export interface AuthorizeFlags {
  readonly callback: string
  readonly outputFile: string | undefined
  readonly showToken: boolean
  readonly implicit: boolean
  readonly openBrowser: boolean
}

/** The flags of `print`. */
export interface PrintFlags {
  readonly format: PrintFormat
  readonly reuse: boolean
}

/** A command with its own flags. */
export type Command =
  | { readonly name: 'help'; readonly about: CommandName | undefined }
  | { readonly name: 'version' }
  | { readonly name: 'acquire'; readonly dryRun: boolean }
  | { readonly name: 'exec'; readonly redact: boolean | undefined }
  | ({ readonly name: 'print' } & PrintFlags)
  | { readonly name: 'check'; readonly format: CheckFormat }
  | {
      readonly name: 'audit'
      readonly format: AuditFormat
      readonly history: boolean
      readonly level: AuditLevel | undefined
    }
  | { readonly name: 'cleanup'; readonly all: boolean }
  | { readonly name: 'authorize'; readonly how: AuthorizeFlags }
  | { readonly name: 'git-credential'; readonly operation: GitOperation }
  | { readonly name: 'sandbox' }

type CommandLine = Command & {
  /** The inputs that were given as flags. */
  readonly flags: ReadonlyMap<InputName, string>
  /** The argument after the command, if the command has one: the path of `audit`. */
  readonly operand: string | undefined
  /** The arguments after `--`. */
  readonly command: readonly string[]
}

/** The values that {@link parseArgs} found, by flag. A switch has the value `true`. */
type FlagValues = Readonly<Record<string, unknown>>

/** The commands that run another command, which comes after `--`. */
const withCommand: readonly Command['name'][] = ['exec', 'sandbox']

/** The commands that accept an argument, such as the path of `audit`. */
const withOperand: readonly Command['name'][] = ['git-credential', 'audit', 'help']

/**
 * Parses `[command [operand]] [--flag value | --flag=value]… [-- command…]`.
 *
 * No error repeats an argument that could be a secret, because a user may have typed one in the wrong place.
 * @throws {TokenError} `input`
 */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const end = args.includes('--') ? args.indexOf('--') : args.length
  const own = args.slice(0, end).map((argument) => (argument === '-h' ? '--help' : argument))
  // Not strict, because node's own errors repeat the argument.
  const { values, positionals, tokens } = parseArgs({
    args: own,
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  for (const token of tokens) if (token.kind === 'option') checkFlag(token, own[token.index] ?? '')
  const [word, operand, ...more] = positionals
  const named = word === undefined ? undefined : commandNamed(word)
  const name = named ?? 'acquire'
  // checkFlag has refused every flag without a value.
  const flags = inputValues((input) => values[input] as string | undefined)
  const rest = { flags, operand, command: args.slice(end + 1) }
  if (values['help']) return { name: 'help', about: aboutOf(named, operand), ...rest }
  if (values['version']) return { name: 'version', ...rest }
  if (name === 'exec') requireCommand(operand, rest.command)
  if (more.length > 0 || (operand !== undefined && !withOperand.includes(name))) {
    throw wrong('Too many arguments.', 'Give one command, then flags: --flag value.')
  }
  if (rest.command.length > 0 && !withCommand.includes(name)) {
    throw wrong(`${name} runs no command after --.`, 'Write bitbucket-token exec -- COMMAND.')
  }
  if (name === 'sandbox' && rest.command[0] === '') {
    throw wrong('The command of sandbox is empty.', 'Write bitbucket-token sandbox -- COMMAND.')
  }
  return { ...commandOf(name, operand, values), ...rest }
}

function commandOf(name: Command['name'], operand: string | undefined, values: FlagValues): Command {
  for (const flag of commandFlagNames.filter((one) => values[one] !== undefined)) {
    const owners = Object.keys(commandFlagOf(flag).commands)
    if (!owners.includes(name)) {
      throw wrong(`--${flag} does not work with ${name}.`, `It works with: ${owners.join(', ')}.`)
    }
  }
  const isSet = (flag: CommandFlagName) => values[flag] === true
  const textOf = (flag: CommandFlagName) => values[flag] as string | undefined
  const formatIn = <Format extends string>(formats: readonly [Format, ...Format[]]) =>
    choiceOf('format', formats, textOf('format')) ?? formats[0]
  switch (name) {
    case 'help':
      return { name, about: aboutOf(name, operand) }
    case 'acquire':
      return { name, dryRun: isSet('dry-run') }
    case 'exec':
      return { name, redact: redactionOf(isSet('redact'), isSet('no-redact')) }
    case 'print':
      return { name, format: formatIn(printFormats), reuse: isSet('reuse') }
    case 'check':
      return { name, format: formatIn(checkFormats) }
    case 'audit':
      return {
        name,
        format: formatIn(auditFormats),
        history: isSet('history'),
        level: choiceOf('level', auditLevels, textOf('level')),
      }
    case 'cleanup':
      return { name, all: isSet('all') }
    case 'authorize':
      return {
        name,
        how: {
          callback: textOf('callback') ?? 'http://localhost:3000/oauth-callback',
          outputFile: textOf('output-file') || undefined,
          showToken: isSet('show-token'),
          implicit: isSet('implicit'),
          openBrowser: !isSet('no-browser'),
        },
      }
    case 'git-credential':
      return { name, operation: operationOf(operand) }
    case 'version':
    case 'sandbox':
      return { name }
  }
}

function requireCommand(operand: string | undefined, [file]: readonly string[]): void {
  if (operand === undefined && file) return
  throw wrong(
    operand === undefined ? 'exec needs a command.' : 'The command of exec must come after --.',
    'Write bitbucket-token exec -- COMMAND.',
  )
}

/** Returns whether to redact; undefined if the CI decides. */
function redactionOf(redact: boolean, noRedact: boolean): boolean | undefined {
  if (redact && noRedact) throw wrong('--redact contradicts --no-redact.', 'Remove one of the two.')
  return redact === noRedact ? undefined : redact
}

/**
 * Parses git's operation. gitcredentials.txt asks helpers to ignore unknown operations, but git has had the same three from
 * 1.7.9 to 2.55 and ignores a helper's exit status. So an error harms nobody, and it helps a person who mistypes one.
 */
function operationOf(operand: string | undefined): GitOperation {
  const operation = choiceOf('operation', gitOperations, operand)
  if (operation !== undefined) return operation
  throw wrong('git-credential needs an operation.', `The operations are: ${gitOperations.join(', ')}.`)
}

const wrong = (message: string, nextStep: string) =>
  new TokenError('input', message, `${nextStep} See bitbucket-token --help.`)

/** Returns the command whose help the user asks for: `check --help`, `help check`. */
function aboutOf(name: Command['name'] | undefined, operand: string | undefined): CommandName | undefined {
  const about = name === 'help' ? operand && commandNamed(operand) : name
  return commandNames.find((one) => one === about)
}

/** @param what the name of the values: `format` */
function choiceOf<Choice extends string>(
  what: string,
  choices: readonly Choice[],
  text: string | undefined,
): Choice | undefined {
  const choice = choices.find((name) => name === text)
  if (choice !== undefined || text === undefined) return choice
  const meant = closest(text, choices)
  throw wrong(
    `Unknown ${what}${printable(text, meant)}.`,
    `${suggestion(meant)}The ${what}s are: ${choices.join(', ')}.`,
  )
}

/** Every flag, as {@link parseArgs} needs them. A secret input has none. */
const options: Readonly<Record<string, { readonly type: 'boolean' | 'string' }>> = {
  help: { type: 'boolean' },
  version: { type: 'boolean' },
  ...Object.fromEntries(
    inputNames.filter((name) => !secretInputs.includes(name)).map((name) => [name, { type: 'string' }]),
  ),
  ...Object.fromEntries(
    commandFlagNames.map((name) => [name, { type: isSwitch(name) ? 'boolean' : 'string' }]),
  ),
}

function isSwitch(name: CommandFlagName): boolean {
  const { commands: owners, takes } = commandFlagOf(name)
  return takes === undefined && Object.values(owners).every((values) => values.length === 0)
}

interface FlagToken {
  readonly name: string
  readonly rawName: string
  readonly value: string | undefined
}

function checkFlag({ name, rawName, value }: FlagToken, argument: string): void {
  if (!rawName.startsWith('--')) throw unknownFlag(argument.slice(1), '-')
  const secret = secretInputs.find((input) => input === name)
  if (secret !== undefined) throw noSecretFlag(`--${secret} is not a flag.`, secret)
  const option = Object.hasOwn(options, name) ? options[name] : undefined
  if (option === undefined) throw unknownFlag(name)
  if (option.type === 'string' && value === undefined) {
    throw wrong(`--${name} needs a value.`, `Write --${name} VALUE.`)
  }
  if (option.type === 'boolean' && value !== undefined) {
    throw wrong(`--${name} takes no value.`, `Write --${name}.`)
  }
}

function unknownFlag(name: string, dashes = '--'): TokenError {
  const meant = closest(name, [...inputNames, ...commandFlagNames, 'help', 'version'])
  const message = `Unknown flag${printable(name, meant, dashes)}.`
  const secret = secretInputs.find((input) => input === meant)
  if (secret !== undefined) return noSecretFlag(message, secret)
  return wrong(message, meant === undefined ? 'Check its spelling.' : `Did you mean --${meant}?`)
}

const noSecretFlag = (message: string, input: InputName) =>
  wrong(
    message,
    `Set ${variableOf(input)} instead, because every user of the machine can read the arguments of a process.`,
  )

function commandNamed(word: string): Command['name'] {
  if (word === 'help' || word === 'version') return word
  if (Object.hasOwn(commands, word)) return word as CommandName
  const meant = closest(word, [...commandNames, 'help', 'version'])
  throw wrong(
    `Unknown command${printable(word, meant)}.`,
    `${suggestion(meant)}The commands are: ${commandNames.join(', ')}.`,
  )
}

/** Returns ` word` if it is close to a known word, otherwise nothing, because it could be a secret in the wrong place. */
const printable = (word: string, meant: string | undefined, prefix = ''): string =>
  meant !== undefined && /^[a-z-]+$/i.test(word) ? ` ${prefix}${word}` : ''

const suggestion = (meant: string | undefined): string =>
  meant === undefined ? '' : `Did you mean ${meant}? `
