import {
  type CommandFlagName,
  type CommandName,
  commandFlagNames,
  commandFlagOf,
  commandNames,
  commands,
} from '../command-line.ts'
import { credentialInputs, inputsOfKind, kinds } from '../credentials/index.ts'
import { definitionOf, type InputName, inputNames, variableOf } from '../inputs.ts'
import { storeTokens } from '../stores/context.ts'
import { type Paint, painter } from '../terminal.ts'
import type { World } from '../world.ts'

/** What the help for one command says besides the tables. */
interface CommandHelp {
  readonly usage: string
  readonly text: string
  /** Each is one line, or several lines of one shell command. */
  readonly examples: readonly string[]
  /** The inputs that matter most for the command, in the order of the help. */
  readonly inputs: readonly InputName[]
  /** The inputs that the command ignores or rejects. The help lists all the rest under "Other inputs". */
  readonly ignores: readonly InputName[]
  /** Only for a command that does not have those of the other commands. */
  readonly exitStatuses?: readonly (readonly [status: string, meaning: string])[]
}

const legacyInputs = kinds.filter(({ isLegacy }) => isLegacy).flatMap(({ kind }) => inputsOfKind(kind))

/** The inputs of the credentials that users create today. */
const credentials: readonly InputName[] = credentialInputs.filter((name) => !legacyInputs.includes(name))

/** The inputs that only matter if the credential is handed over to later steps of a job. */
const handover: readonly InputName[] = [
  'export-env',
  'git-credentials',
  'configure-git',
  'rewrite-ssh-urls',
  'output-dir',
  'summary',
]

/** The inputs that matter most for `authorize`. */
const forAuthorize: readonly InputName[] = [
  'client-id',
  'client-secret',
  'save-refresh-token',
  ...storeTokens,
  'repository',
]

const except = (names: readonly InputName[]) => inputNames.filter((name) => !names.includes(name))

const commandHelp: Readonly<Record<CommandName, CommandHelp>> = {
  acquire: {
    usage: '[acquire] [--dry-run] [--flag value]…',
    text: 'Requests a token, or checks the one in the inputs. Masks it, exports it to later steps and writes the git-credentials file.',
    examples: [
      'bitbucket-token && . .bitbucket-token/env.sh',
      'bitbucket-token --dry-run --scopes repository:write',
    ],
    inputs: [
      ...credentials,
      'scopes',
      'repository',
      'save-refresh-token',
      'export-env',
      'git-credentials',
      'configure-git',
      'git-path',
      'rewrite-ssh-urls',
      'output-dir',
    ],
    ignores: [],
  },
  exec: {
    usage: 'exec [--redact | --no-redact] [--flag value]… -- COMMAND…',
    text: "COMMAND gets BITBUCKET_ACCESS_TOKEN, the related variables and git's configuration, but no client secret, refresh token or other secret input. git, and print --reuse inside COMMAND, get a new token in time. No file is written. The exit status is COMMAND's: 126 if it cannot be run, 127 if it was not found, 128 plus the signal number after a signal.",
    examples: [
      'bitbucket-token exec -- git clone https://bitbucket.org/acme/website.git',
      'bitbucket-token exec -- sh -c \\\n  \'curl -H "Authorization: $BITBUCKET_AUTHORIZATION" "$URL"\'',
    ],
    inputs: [
      ...credentials,
      'scopes',
      'repository',
      'save-refresh-token',
      'configure-git',
      'git-path',
      'rewrite-ssh-urls',
    ],
    ignores: ['export-env', 'git-credentials', 'output-dir'],
  },
  print: {
    usage: 'print [--format FORMAT] [--flag value]…',
    text: 'stdout holds only the data. Messages for people go to stderr. No file is written and nothing is masked. The format sh is what acquire writes to env.sh.',
    examples: [
      'TOKEN=$(bitbucket-token print)',
      'eval "$(bitbucket-token print --format sh || echo exit $?)"',
      'bitbucket-token print --format json | jq --raw-output .expires_at',
    ],
    inputs: [...credentials, 'scopes', 'repository', 'save-refresh-token'],
    ignores: ['export-env', 'git-credentials', 'output-dir', 'summary'],
  },
  check: {
    usage: 'check [--format FORMAT] [--flag value]…',
    text: 'Always asks Bitbucket, changes nothing and never shows the credential. It does not accept a refresh token, because the check would use it up.',
    examples: [
      'bitbucket-token check --repository acme/website --scopes repository:write',
      'bitbucket-token check --format json | jq .may_push',
    ],
    inputs: [...credentials.filter((name) => name !== 'refresh-token'), 'scopes', 'repository'],
    ignores: [...handover, 'verify', 'refresh-token', 'save-refresh-token', ...storeTokens],
  },
  audit: {
    usage: 'audit [PATH] [--history] [--flag value]…',
    text: 'Scans the files below PATH (default: the working directory), except those that git ignores. Changes nothing, sends nothing and never shows a value.',
    examples: [
      'bitbucket-token audit',
      'bitbucket-token audit --history',
      'bitbucket-token audit --format sarif > audit.sarif',
    ],
    inputs: [],
    ignores: inputNames,
    exitStatuses: [
      ['0', 'it found no errors (with --level question: nothing)'],
      ['1', 'it found errors (with --level question: anything)'],
      ['2', 'the command line is wrong'],
      ['6', 'the audit itself failed; it still reports what it found'],
    ],
  },
  cleanup: {
    usage: 'cleanup [--all] [--output-dir DIRECTORY]',
    text: 'Removes env.sh, git-credentials and the tokens that git-credential keeps. Keeps refresh tokens unless --all is given. Removes only what this program made. You can run it again.',
    examples: ['bitbucket-token cleanup'],
    inputs: ['output-dir'],
    ignores: except(['output-dir', 'ci', 'debug']),
  },
  'git-credential': {
    usage: 'git-credential get|store|erase',
    text: 'git runs this command. It answers only for the host of BITBUCKET_URL. All git processes of a job share one token, which is renewed before it expires.',
    examples: ["git config credential.https://bitbucket.org.helper \\\n  '!bitbucket-token git-credential'"],
    inputs: [...credentials, 'save-refresh-token', 'git-path'],
    ignores: [...handover, 'verify', 'scopes', 'repository', 'expires-on', 'warn-before', 'ci'],
  },
  authorize: {
    usage: 'authorize [--flag value]…',
    text: "For a person, not for CI. Serves a page on this machine only, opens Bitbucket's consent page, and stores the refresh token where save-refresh-token or --output-file says. The OAuth client needs the callback URL that --callback names. On a machine without a browser, forward the port and open the page on your own machine: ssh -L 3000:localhost:3000 HOST",
    examples: [
      'bitbucket-token authorize --output-file refresh-token',
      'bitbucket-token authorize --save-refresh-token github-secret',
    ],
    inputs: forAuthorize,
    ignores: except([...forAuthorize, 'url', 'api-url', 'timeout', 'retries', 'debug']),
  },
  sandbox: {
    usage: 'sandbox [-- COMMAND…]',
    text: 'Needs no account and no network. All its credentials are made up, and COMMAND gets them as variables. Without COMMAND, it prints these variables and runs until Ctrl-C.',
    examples: ["bitbucket-token sandbox -- sh -c 'bitbucket-token print'"],
    inputs: [],
    ignores: inputNames,
    exitStatuses: [
      ['0', 'Ctrl-C stopped it, or COMMAND ended with 0'],
      ['1', 'it could not start'],
      ['2', 'the command line is wrong'],
      ['…', 'any other: the exit status of COMMAND'],
    ],
  },
}

const usualExitStatuses = [
  ['0', 'done'],
  ['1', 'any other error'],
  ['2', 'an input is missing, invalid or contradicts another'],
  ['3', 'Bitbucket refused the credential'],
  [
    '4',
    'the credential is valid, but a scope or access to the repository is missing, or the new refresh token cannot be saved',
  ],
  ['5', 'Bitbucket could not be reached or kept failing'],
] as const

type HelpWorld = Pick<World, 'env' | 'isTerminal' | 'terminalWidth'>

/** How to write the help: in which style, and within how many columns. */
interface Layout {
  readonly paint: Paint
  readonly width: number
}

/** Returns the text of `--help`, from the same tables that the program uses. It fits the terminal, or 80 columns. */
export function helpText(about: CommandName | undefined, world: HelpWorld): string {
  const width = Math.min(Math.max(world.terminalWidth() ?? 80, 40), 100)
  const layout = { paint: painter(world, 'stdout'), width }
  const sections = about === undefined ? generalHelp(layout) : helpOn(about, layout)
  return `${sections.join('\n\n')}\n`
}

function generalHelp(layout: Layout): string[] {
  const flags = [
    ...commandFlagNames.map((name) => flagRow(name)),
    ['--help, --version', 'Show this help, or the version.'] as const,
  ]
  return [
    usageLine('[command] [--flag value]… [-- command…]', layout),
    wrap('Gets a Bitbucket Cloud credential in a CI job, checks it, masks it and hands it over.', layout),
    section('Commands', table(Object.entries(commands), layout), layout),
    wrap('For help with one command: bitbucket-token help COMMAND', layout),
    section('Flags', table(flags, layout), layout),
    ...inputSection('Inputs', inputNames, layout),
    exitStatusSection(layout),
  ]
}

function helpOn(command: CommandName, layout: Layout): string[] {
  const { usage, text, examples, inputs, ignores, exitStatuses } = commandHelp[command]
  const flags = commandFlagNames.filter((name) => commandFlagOf(name).commands[command] !== undefined)
  const rows = flags.map((name) => flagRow(name, command))
  const shown = examples.map((example) => `  ${example.replaceAll('\n', '\n  ')}`)
  return [
    usageLine(usage, layout),
    wrap(commands[command], layout),
    wrap(text, layout),
    ...(rows.length === 0 ? [] : [section('Flags', table(rows, layout), layout)]),
    section('Examples', shown.join('\n'), layout),
    ...inputSection('Inputs', inputs, layout),
    ...inputSection('Other inputs', except([...inputs, ...ignores]), layout),
    exitStatusSection(layout, exitStatuses),
  ]
}

const usageLine = (usage: string, layout: Layout) =>
  `${layout.paint('bold', 'Usage:')} ${wrap(`bitbucket-token ${usage}`, layout, 7).trimStart()}`

const section = (heading: string, content: string, { paint }: Layout) =>
  `${paint('bold', `${heading}:`)}\n${content}`

const exitStatusSection = (layout: Layout, statuses: CommandHelp['exitStatuses'] = usualExitStatuses) =>
  section('Exit status', table(statuses, layout), layout)

/** Returns what a flag does, for one command or for every command that has it. */
function flagRow(name: CommandFlagName, only?: CommandName): readonly [string, string] {
  const { help, commands: owners, takes } = commandFlagOf(name)
  const values = commandNames
    .filter((command) => owners[command] !== undefined && (only === undefined || command === only))
    .map((command) => {
      const list = owners[command]?.join(', ') ?? ''
      if (only !== undefined) return list && `One of: ${list}.`
      return list ? `For ${command}: ${list}.` : `For ${command}.`
    })
  return [
    takes === undefined ? `--${name}` : `--${name} ${takes}`,
    [help, ...values].filter(Boolean).join(' '),
  ]
}

function inputSection(heading: string, names: readonly InputName[], layout: Layout): string[] {
  if (names.length === 0) return []
  const rows = names.map((name) => [variableOf(name), describe(name)] as const)
  const hint =
    'Set inputs as variables. An input that is not secret is also a flag: --client-id for BITBUCKET_CLIENT_ID.'
  const content = table(rows, layout)
  return [section(heading, heading === 'Inputs' ? `${wrap(hint, layout)}\n${content}` : content, layout)]
}

function describe(name: InputName): string {
  const { secret, default: usual, help } = definitionOf(name)
  const text = help.replaceAll('`', '')
  return `${text}${secret ? ' Secret.' : ''}${usual === undefined ? '' : ` Default: ${usual}.`}`
}

/** The narrowest column of text that is still readable. */
const narrowest = 30

/** Puts names and texts side by side, or one below the other if there is not enough room for the texts. */
function table(rows: readonly (readonly [string, string])[], layout: Layout): string {
  const names = Math.max(...rows.map(([name]) => name.length))
  const isNarrow = layout.width - names - 4 < narrowest
  const indent = isNarrow ? 6 : names + 4
  return rows
    .map(([name, text]) => {
      const lines = wrap(text, layout, indent)
      return isNarrow ? `  ${name}\n${lines}` : `  ${name.padEnd(names)}  ${lines.trimStart()}`
    })
    .join('\n')
}

/** Breaks a text into lines that fit, each with an indent. A longer word stays whole. */
function wrap(text: string, { width }: Layout, indent = 0): string {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const line = lines.at(-1)
    if (line !== undefined && indent + line.length + 1 + word.length <= width)
      lines.push(`${lines.pop()} ${word}`)
    else lines.push(word)
  }
  return lines.map((line) => ' '.repeat(indent) + line).join('\n')
}
