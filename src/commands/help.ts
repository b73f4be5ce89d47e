import {
  auditFormats,
  type CommandFlagName,
  checkFormats,
  commandFlagNames,
  commandFlagOf,
  printFormats,
  type Verb,
  verbNames,
  verbs,
} from '../command-line.ts'
import { inputHelp } from '../input-help.ts'
import { definitionOf, type InputName, inputNames, variableOf } from '../inputs.ts'
import { type Paint, painter } from '../terminal.ts'
import type { World } from '../world.ts'

/** What a verb's help says beside the tables. */
interface VerbHelp {
  readonly usage: string
  readonly text: string
  readonly examples: readonly string[]
  /** Which inputs mean something to it. */
  readonly uses: (input: InputName) => boolean
}

/** Inputs that say what becomes of a credential, and mean nothing where it is not handed over to a job. */
const handingOver: readonly InputName[] = [
  'export-env',
  'git-credentials',
  'configure-git',
  'rewrite-ssh-urls',
  'output-dir',
  'summary',
]
/** Inputs that a person's consent takes. */
const authorizing: readonly InputName[] = [
  'client-id',
  'client-secret',
  'repository',
  'save-refresh-token',
  'github-token',
  'gitlab-token',
  'url',
  'api-url',
  'timeout',
  'retries',
  'debug',
]
const except = (names: readonly InputName[]) => (input: InputName) => !names.includes(input)

const verbHelp: Readonly<Record<Verb, VerbHelp>> = {
  acquire: {
    usage: '[acquire] [--dry-run] [--flag value]…',
    text: 'Runs the grant, or checks the token that was given; masks it, exports it to later steps, writes the git-credentials file.',
    examples: [
      'bitbucket-token && . .bitbucket-token/env.sh',
      'bitbucket-token --dry-run --scopes repository:write',
    ],
    uses: () => true,
  },
  print: {
    usage: `print [--format ${printFormats.join('|')}] [--flag value]…`,
    text: 'stdout holds the data alone, people read stderr; no file is written, and nothing is masked. sh is what acquire writes to env.sh.',
    examples: [
      'TOKEN=$(bitbucket-token print)',
      'eval "$(bitbucket-token print --format sh || echo exit $?)"',
      'bitbucket-token print --format json | jq --raw-output .expires_at',
    ],
    uses: (input) => input === 'configure-git' || input === 'rewrite-ssh-urls' || except(handingOver)(input),
  },
  check: {
    usage: `check [--format ${checkFormats.join('|')}] [--flag value]…`,
    text: 'Always asks Bitbucket, changes nothing, and never shows the credential. A refresh token would be spent by it, so that is refused.',
    examples: [
      'bitbucket-token check --repository acme/website --scopes repository:write',
      'bitbucket-token check --format json | jq .may_push',
    ],
    uses: except([...handingOver, 'verify']),
  },
  audit: {
    usage: `audit [PATH] [--format ${auditFormats.join('|')}] [--history]`,
    text: 'Looks at the files below PATH (the working directory), without those that git ignores; changes nothing and asks nobody. Never shows a value. Exit status 1 if it finds something, 6 if the audit itself failed.',
    examples: [
      'bitbucket-token audit',
      'bitbucket-token audit --history',
      'bitbucket-token audit --format sarif > audit.sarif',
    ],
    uses: () => false,
  },
  cleanup: {
    usage: 'cleanup [--all] [--output-dir DIRECTORY]',
    text: 'Removes env.sh, git-credentials and the tokens that git-credential keeps. A refresh token stays unless --all is given. Removes nothing that it did not make, and may be run again.',
    examples: ['bitbucket-token cleanup'],
    uses: (input) => input === 'output-dir' || input === 'ci' || input === 'debug',
  },
  'git-credential': {
    usage: 'git-credential get|store|erase',
    text: 'For git to call. Answers for the host of BITBUCKET_URL alone, with a token that is renewed in time and shared by all git processes of the job.',
    examples: ["git config credential.https://bitbucket.org.helper '!bitbucket-token git-credential'"],
    uses: except([...handingOver, 'verify', 'scopes', 'repository', 'ci']),
  },
  authorize: {
    usage: 'authorize [--output-file PATH] [--show-token] [--implicit] [--callback URL] [--no-browser]',
    text: `For a person, not for CI. Serves a page on this machine alone, lets Bitbucket ask for consent, and puts the refresh
token where save-refresh-token or --output-file says. The consumer needs the callback URL that --callback names.
On a machine without a browser, forward its port and open the page at home: ssh -L 3000:localhost:3000 HOST`,
    examples: [
      'bitbucket-token authorize --output-file refresh-token',
      'bitbucket-token authorize --save-refresh-token github-secret',
    ],
    uses: (input) => authorizing.includes(input),
  },
  sandbox: {
    usage: 'sandbox [-- COMMAND…]',
    text: 'No account and no network; all its credentials are made up. The command gets them as variables.',
    examples: ["bitbucket-token sandbox -- sh -c 'bitbucket-token print'"],
    uses: () => false,
  },
}

/** The text of `--help`, made from the same tables that the program works from. */
export function helpText(about: Verb | undefined, world: Pick<World, 'env' | 'isTerminal'>): string {
  const paint = painter(world, 'stdout')
  return about === undefined ? generalHelp(paint) : helpOn(about, paint)
}

function generalHelp(paint: Paint): string {
  return `${paint('bold', 'Usage:')} bitbucket-token [verb] [--flag value]… [-- command…]

Gets a Bitbucket Cloud credential in a CI job, checks it, masks it, hands it over.

${paint('bold', 'Verbs:')}
${rows(Object.entries(verbs))}
  For more about one: bitbucket-token help VERB, or bitbucket-token VERB --help.

${paint('bold', 'Flags of the command line:')}
${rows([...commandFlagNames.map((name) => flagRow(name)), ['--help, --version', 'What they say.']])}

${inputsFor(() => true, paint)}

${exitStatus}
`
}

function helpOn(verb: Verb, paint: Paint): string {
  const { usage, text, examples, uses } = verbHelp[verb]
  const flags = commandFlagNames.filter((name) => commandFlagOf(name).verbs[verb] !== undefined)
  const sections = [
    `${paint('bold', 'Usage:')} bitbucket-token ${usage}`,
    `${verbs[verb]}\n${text}`,
    ...(flags.length === 0
      ? []
      : [`${paint('bold', 'Flags:')}\n${rows(flags.map((name) => flagRow(name, verb)))}`]),
    `${paint('bold', 'Examples:')}\n${examples.map((example) => `  ${example}`).join('\n')}`,
    ...(inputNames.some(uses) ? [inputsFor(uses, paint)] : []),
    exitStatus,
  ]
  return `${sections.join('\n\n')}\n`
}

const exitStatus = `Exit status: 0 done, 2 input, 3 Bitbucket refused the credential, 4 valid but a scope or access to the
repository is missing, or the new refresh token cannot be saved, 5 Bitbucket could not be reached or kept
failing, 1 anything else.`

function rows(pairs: readonly (readonly [string, string])[]): string {
  const width = Math.max(...pairs.map(([name]) => name.length))
  return pairs.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`).join('\n')
}

/** What a flag does: for one verb, or for every verb that has it. */
function flagRow(name: CommandFlagName, only?: Verb): readonly [string, string] {
  const { help, verbs: owners, takes } = commandFlagOf(name)
  const values = verbNames
    .filter((verb) => owners[verb] !== undefined && (only === undefined || verb === only))
    .map((verb) => {
      const list = owners[verb]?.length ? ` ${owners[verb]?.join(', ')}` : ''
      return only === undefined ? `For ${verb}${list && `:${list}`}.` : list.trim() && `One of:${list}.`
    })
  return [
    takes === undefined ? `--${name}` : `--${name} ${takes}`,
    [help, ...values].filter(Boolean).join(' '),
  ]
}

function inputsFor(uses: (input: InputName) => boolean, paint: Paint): string {
  const table = inputNames.filter(uses).map((name) => [variableOf(name), describe(name)] as const)
  return `${paint('bold', 'Inputs, as variables.')} Those that are not secret are flags too: --some-name for BITBUCKET_SOME_NAME.
${rows(table)}`
}

function describe(name: InputName): string {
  const { secret, default: usual } = definitionOf(name)
  const text = inputHelp[name].replaceAll('`', '')
  return `${text}${secret ? ' Secret: no flag.' : ''}${usual === undefined ? '' : ` Default: ${usual}.`}`
}
