import { TokenError } from '../errors.ts'
import { inertJson } from '../inert.ts'
import { Secret } from '../secret.ts'
import { type Results, revealed } from './host.ts'
import { shellQuote } from './shell-quote.ts'

type Variables = Results['variables']

/** One line that is a secret and nothing else, for `TOKEN=$(…)`. */
export const bareLine = (secret: Secret): Secret => secret.derive((value) => `${value}\n`)

/**
 * PowerShell that sets the variables and adds git's configuration, for `… | Out-String | Invoke-Expression`. A variable
 * that is set to nothing is removed (but in PowerShell 7.5 and later it is there, and empty). Tracing goes off first, as
 * in {@link shellScript}.
 */
export function powershell(variables: Variables, gitConfig: Results['gitConfig']): Secret {
  const assignments = [...variables].map(
    ([name, value]) => `$env:${name} = ${powershellQuote(revealed(value))}\n`,
  )
  return new Secret(`Set-PSDebug -Trace 0\n${assignments.join('')}${addedByPowershell(gitConfig)}`)
}

/**
 * Inside single quotes nothing but the quote means anything, and it is written twice; PowerShell takes four typographic
 * quotes for it too (about_Quoting_Rules; PowerShell: CharExtensions.IsSingleQuote).
 */
const powershellQuote = (value: string): string => `'${value.replace(/['‘’‚‛]/g, '$&$&')}'`

/**
 * Adds to the `GIT_CONFIG_COUNT` family that is there when it runs; one line, so that `Invoke-Expression` may get the script
 * line by line. Before PowerShell 7.5 no variable can be empty (about_Environment_Variables), and one of the values is:
 * there the entries go into the variable in which `git -c` hands its entries to the processes that it starts
 * (git: config.c, `CONFIG_DATA_ENVIRONMENT`).
 */
function addedByPowershell(entries: Results['gitConfig']): string {
  if (entries.length === 0) return ''
  const pairs = entries.flat().map(powershellQuote).join(', ')
  const parameters = entries.map(([key, value]) => shellQuote(`${key}=${value}`)).join(' ')
  const statements = [
    'param([string[]]$pairs, [string]$parameters)',
    "Set-Item Env:BITBUCKET_EMPTY ''",
    `if (Test-Path Env:BITBUCKET_EMPTY) { ${[
      'Remove-Item Env:BITBUCKET_EMPTY',
      '$count = 0',
      "if ($env:GIT_CONFIG_COUNT -match '^[0-9]{1,6}$') { $count = [int]$env:GIT_CONFIG_COUNT }",
      `for ($i = 0; $i -lt $pairs.Length; $i += 2) { ${[
        'Set-Item "Env:GIT_CONFIG_KEY_$count" ($pairs[$i])',
        'Set-Item "Env:GIT_CONFIG_VALUE_$count" ($pairs[$i + 1])',
        '$count += 1',
      ].join('; ')} }`,
      '$env:GIT_CONFIG_COUNT = [string]$count',
    ].join('; ')} } else { $env:GIT_CONFIG_PARAMETERS = "$env:GIT_CONFIG_PARAMETERS $parameters".Trim() }`,
  ]
  return `& { ${statements.join('; ')} } @(${pairs}) ${powershellQuote(parameters)}\n`
}

/**
 * `NAME=value`, of which every reader makes the same: `docker run --env-file` (all behind the first `=`, quotes
 * included), Compose and the dotenv libraries (quotes, `$` and `#` mean something), GitLab's report, `set -a; . file`.
 * So nothing is quoted, and a value that would need it is refused rather than read wrongly by one of them.
 * @throws {TokenError} `input`
 */
export function dotenv(variables: Variables): Secret {
  const lines = [...variables].map(([name, secret]) => {
    const value = revealed(secret)
    if (!/^(?!~)(?:[\w@%+=.,/-]|:(?!~)|~)*$/.test(value)) throw cannotCarry('dotenv', name)
    return `${name}=${value}\n`
  })
  return new Secret(lines.join(''))
}

export interface NetrcEntry {
  readonly machine: string
  readonly login: string
  readonly password: Secret
}

/**
 * A netrc file, one machine a line. Its readers (curl, git, Go, Python, ftp) agree on no way to quote or escape.
 * @throws {TokenError} `input` for a value that would need it
 */
export function netrc(entries: readonly NetrcEntry[]): Secret {
  const text = entries.map(({ machine, login, password }) => {
    const value = revealed(password)
    for (const [name, field] of Object.entries({ login, password: value })) {
      if (!/^(?!#)[\x21\x23-\x5b\x5d-\x7e]+$/.test(field)) throw cannotCarry('netrc', name)
    }
    return `machine ${machine} login ${login} password ${value}\n`
  })
  return new Secret(text.join(''))
}

/** An object in one line; what is not known is left out. */
export function jsonLine(
  values: Readonly<Record<string, Secret | string | number | readonly string[] | undefined>>,
): Secret {
  const plain = Object.entries(values).map(([name, value]) => [
    name,
    value instanceof Secret ? revealed(value) : value,
  ])
  return new Secret(`${inertJson(Object.fromEntries(plain))}\n`)
}

const cannotCarry = (format: string, name: string) =>
  new TokenError(
    'input',
    `${name} contains a character that some readers of ${format} would change.`,
    'Use --format json or --format sh.',
  )
