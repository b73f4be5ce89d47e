import { TokenError } from '../errors.ts'
import { logSafeJson } from '../log-safe.ts'
import { revealed, Secret } from '../secret.ts'
import type { World } from '../world.ts'
import type { Results } from './host.ts'
import { shellQuote } from './shell-quote.ts'

type Variables = Results['variables']

/** Returns a line that contains only a secret, for `TOKEN=$(…)`. */
export const bareLine = (secret: Secret): Secret => secret.derive((value) => `${value}\n`)

/**
 * Returns PowerShell that sets the variables and adds git's configuration, for `… | Out-String | Invoke-Expression`.
 * PowerShell before 7.5 removes a variable that is set to an empty value; later versions keep it, empty. Turns tracing
 * off first, as {@link shellScript} does.
 */
export function powershell(variables: Variables, gitConfig: Results['gitConfig']): Secret {
  const assignments = [...variables].map(
    ([name, value]) => `$env:${name} = ${powershellQuote(revealed(value))}\n`,
  )
  return new Secret(`Set-PSDebug -Trace 0\n${assignments.join('')}${addedByPowershell(gitConfig)}`)
}

/**
 * Quotes a value for PowerShell. Inside single quotes only the quote itself is special, and is written twice.
 * PowerShell also accepts four typographic quotes (about_Quoting_Rules; PowerShell: CharExtensions.IsSingleQuote).
 */
const powershellQuote = (value: string): string => `'${value.replace(/['‘’‚‛]/g, '$&$&')}'`

/**
 * Returns PowerShell that adds the entries to the `GIT_CONFIG_COUNT` family that exists when it runs. It is one line,
 * so that `Invoke-Expression` can also get the script line by line. Before PowerShell 7.5 no variable can be empty
 * (about_Environment_Variables), but one of the values is. There the script uses the variable in which `git -c` passes
 * its entries to child processes (git: config.c, `CONFIG_DATA_ENVIRONMENT`).
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
 * Returns lines of `NAME=value` that all readers understand alike: `docker run --env-file` (which keeps quotes),
 * Compose and the dotenv libraries (which interpret quotes, `$` and `#`), GitLab's report, and `set -a; . file`. So
 * nothing is quoted.
 * @throws {TokenError} `input` for a value that would need quotes
 */
export function dotenv(variables: Variables): Secret {
  const lines = [...variables].map(([name, secret]) => {
    const value = revealed(secret)
    if (!/^(?!~)(?:[\w@%+=.,/-]|:(?!~)|~)*$/.test(value)) throw unsafeValue('dotenv', name)
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
 * Returns a netrc file, one machine per line. Its readers (curl, git, Go, Python, ftp) do not agree on how to quote.
 * @throws {TokenError} `input` for a value that would need quotes
 */
export function netrc(entries: readonly NetrcEntry[]): Secret {
  const text = entries.map(({ machine, login, password }) => {
    const value = revealed(password)
    for (const [name, field] of Object.entries({ login, password: value })) {
      if (!/^(?!#)[\x21\x23-\x5b\x5d-\x7e]+$/.test(field)) throw unsafeValue('netrc', name)
    }
    return `machine ${machine} login ${login} password ${value}\n`
  })
  return new Secret(text.join(''))
}

/** Returns an object as one line of JSON, without undefined values. */
export function jsonLine(
  values: Readonly<Record<string, Secret | string | number | readonly string[] | undefined>>,
): Secret {
  const plain = Object.entries(values).map(([name, value]) => [
    name,
    value instanceof Secret ? revealed(value) : value,
  ])
  return new Secret(`${logSafeJson(Object.fromEntries(plain))}\n`)
}

const unsafeValue = (format: string, name: string) =>
  new TokenError(
    'input',
    `${name} contains a character that some readers of ${format} would change.`,
    'Use --format json or --format sh.',
  )

/** Writes a secret to stdout, where another program reads it. */
export function writeData({ stdout }: Pick<World, 'stdout'>, data: Secret): void {
  stdout(data.reveal())
}
