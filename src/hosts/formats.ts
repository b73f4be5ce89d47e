import { TokenError } from '../errors.ts'
import { inertJson } from '../inert.ts'
import { Secret } from '../secret.ts'
import { type Results, revealed } from './host.ts'

type Variables = Results['variables']

/** One line that is a secret and nothing else, for `TOKEN=$(…)`. */
export const bareLine = (secret: Secret): Secret => secret.derive((value) => `${value}\n`)

/**
 * PowerShell, for `… | Out-String | Invoke-Expression`. Inside single quotes nothing but the quote means anything,
 * and it is written twice; PowerShell takes four typographic quotes for it too (about_Quoting_Rules;
 * PowerShell: CharExtensions.IsSingleQuote). A variable that is set to nothing is removed.
 */
export function powershell(variables: Variables): Secret {
  const quote = (value: string) => `'${value.replace(/['‘’‚‛]/g, '$&$&')}'`
  return lines(variables, (name, value) => `$env:${name} = ${quote(value)}`)
}

/**
 * `NAME=value`, of which every reader makes the same: `docker run --env-file` (all behind the first `=`, quotes
 * included), Compose and the dotenv libraries (quotes, `$` and `#` mean something), GitLab's report, `set -a; . file`.
 * So nothing is quoted, and a value that would need it is refused rather than read wrongly by one of them.
 * @throws {TokenError} `input`
 */
export function dotenv(variables: Variables): Secret {
  return lines(variables, (name, value) => {
    if (!/^(?!~)(?:[\w@%+=.,/-]|:(?!~)|~)*$/.test(value)) throw cannotCarry('dotenv', name)
    return `${name}=${value}`
  })
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

function lines(variables: Variables, line: (name: string, value: string) => string): Secret {
  return new Secret([...variables].map(([name, value]) => `${line(name, revealed(value))}\n`).join(''))
}

const cannotCarry = (format: string, name: string) =>
  new TokenError(
    'input',
    `${name} contains a character that not every reader of ${format} takes as it is.`,
    'Use --format json, or sh.',
  )
