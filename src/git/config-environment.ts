import { Secret } from '../secret.ts'

/** One entry of git's configuration, such as `credential.https://bitbucket.org.helper` and its value. */
export type GitConfigEntry = readonly [key: string, value: string]

/** Splits a key into section, subsection (undefined if it has none) and name ("git-config, Syntax"). */
export function partsOfKey(key: string): { section: string; subsection: string | undefined; name: string } {
  const [, section = '', subsection, name = ''] = /^([^.]+)\.(?:(.*)\.)?([^.]+)$/s.exec(key) ?? []
  return { section, subsection, name }
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Returns the variables that add entries to those of an environment: a complete `GIT_CONFIG_COUNT` family (git 2.31 and
 * later: "git-config, ENVIRONMENT"), which overrides every configuration file. It repeats the existing entries, because
 * a shell may have exported them for this step only, and git fails in a later step if one is missing. It does not add
 * our entries again if they already exist.
 * @param isCarried whether an entry reaches the later step unchanged; other entries are left out
 */
export function addedToEnvironment(
  entries: readonly GitConfigEntry[],
  env: Environment,
  isCarried: (entry: GitConfigEntry) => boolean = () => true,
): Map<string, string> {
  if (entries.length === 0) return new Map()
  const before = entriesIn(env)
  // `docker run` often gets only the count. The entries still exist in the environment that will get these variables.
  if (before.length === 0) return toVariables(entries.filter(isCarried), countIn(env))
  return toVariables(merged(before.filter(isCarried), entries.filter(isCarried)))
}

/** Returns the variables that add the entries for a process that inherits this whole environment. */
export function addedToWholeEnvironment(
  entries: readonly GitConfigEntry[],
  env: Environment,
): Map<string, string> {
  return entries.length === 0 ? new Map() : toVariables(merged(entriesIn(env), entries))
}

/**
 * Returns the variables that replace those of an environment if some of its entries are left out: the others with new
 * numbers, because git fails if a number is missing. Empty if no entry is left out.
 */
export function withoutEntries(
  env: Environment,
  isLeftOut: (entry: GitConfigEntry) => boolean,
): Map<string, string> {
  const entries = entriesIn(env)
  return entries.some(isLeftOut) ? toVariables(entries.filter((entry) => !isLeftOut(entry))) : new Map()
}

/** Returns the entries in an environment, up to the first missing one, where git stops too. */
export function entriesIn(env: Environment): GitConfigEntry[] {
  const entries: GitConfigEntry[] = []
  for (let index = 0; index < countIn(env); index++) {
    const [key, value] = [env[`GIT_CONFIG_KEY_${index}`], env[`GIT_CONFIG_VALUE_${index}`]]
    if (key === undefined || value === undefined) break
    entries.push([key, value])
  }
  return entries
}

/** Returns GIT_CONFIG_COUNT, or 0 for a value that git rejects ("bogus count"). */
function countIn(env: Environment): number {
  const count = env['GIT_CONFIG_COUNT'] ?? ''
  return /^\d{1,6}$/.test(count) ? Number(count) : 0
}

function toVariables(entries: readonly GitConfigEntry[], first = 0): Map<string, string> {
  const variables = new Map<string, string>()
  for (const [index, [key, value]] of entries.entries()) {
    variables.set(`GIT_CONFIG_KEY_${first + index}`, key)
    variables.set(`GIT_CONFIG_VALUE_${first + index}`, value)
  }
  return variables.set('GIT_CONFIG_COUNT', String(first + entries.length))
}

/**
 * Returns the existing entries, then ours unless all of them exist already. Our empty entry removes all helpers before it,
 * because for helpers only the order counts (git: credential.c, `select_all`). So the existing helpers for more specific
 * URLs than ours are repeated at the end.
 */
function merged(before: readonly GitConfigEntry[], ours: readonly GitConfigEntry[]): GitConfigEntry[] {
  let found = 0
  for (const [key, value] of before) {
    if (key === ours[found]?.[0] && value === ours[found]?.[1]) found++
  }
  if (found === ours.length) return [...before]
  const prefixes = specificPrefixes(ours)
  return [...before, ...ours, ...before.filter(([key]) => prefixes.some((prefix) => key.startsWith(prefix)))]
}

/** Returns the key prefixes of more specific URLs, such as `credential.https://bitbucket.org/`. */
function specificPrefixes(ours: readonly GitConfigEntry[]): string[] {
  return ours.filter(isReset).map(([key]) => `${key.slice(0, -helperKey.length)}/`)
}

const helperKey = '.helper'
const isReset = ([key, value]: GitConfigEntry): boolean => value === '' && key.endsWith(helperKey)

/**
 * Returns POSIX sh that adds the entries to those that exist when it runs. It adds nothing if it is sourced again, even
 * in a nested shell.
 */
export function addedByShell(entries: readonly GitConfigEntry[], quote: (value: string) => string): string {
  if (entries.length === 0) return ''
  const words = entries.map(([key, value]) => `${quote(key)} ${quote(value)}`).join(' \\\n  ')
  const prefixes = specificPrefixes(entries).map((prefix) => `${quote(prefix)}*`)
  const again =
    prefixes.length === 0
      ? ''
      : `    bitbucket_token_i=0
    while [ "$bitbucket_token_i" -lt "$bitbucket_token_n" ]; do
      eval "set -- \\"\\$GIT_CONFIG_KEY_$bitbucket_token_i\\" \\"\\$GIT_CONFIG_VALUE_$bitbucket_token_i\\""
      case $1 in ${prefixes.join(' | ')})
        export "GIT_CONFIG_KEY_$GIT_CONFIG_COUNT=$1" "GIT_CONFIG_VALUE_$GIT_CONFIG_COUNT=$2"
        GIT_CONFIG_COUNT=$((GIT_CONFIG_COUNT + 1)) ;;
      esac
      bitbucket_token_i=$((bitbucket_token_i + 1))
    done
`
  return `bitbucket_token_add_to_git() {
  case \${GIT_CONFIG_COUNT:=0} in *[!0-9]* | ???????*) GIT_CONFIG_COUNT=0 ;; esac
  bitbucket_token_n=0
  while [ "$bitbucket_token_n" -lt "$GIT_CONFIG_COUNT" ]; do
    eval "[ \\"\\\${GIT_CONFIG_KEY_$bitbucket_token_n+x}\\" ] && [ \\"\\\${GIT_CONFIG_VALUE_$bitbucket_token_n+x}\\" ]" || break
    export "GIT_CONFIG_KEY_$bitbucket_token_n" "GIT_CONFIG_VALUE_$bitbucket_token_n"
    bitbucket_token_n=$((bitbucket_token_n + 1))
  done
  export GIT_CONFIG_COUNT="$bitbucket_token_n"
  if (
    bitbucket_token_i=0
    while [ "$#" -gt 0 ] && [ "$bitbucket_token_i" -lt "$bitbucket_token_n" ]; do
      if eval "[ \\"\\$GIT_CONFIG_KEY_$bitbucket_token_i\\" = \\"\\$1\\" ] && [ \\"\\$GIT_CONFIG_VALUE_$bitbucket_token_i\\" = \\"\\$2\\" ]"; then
        shift 2
      fi
      bitbucket_token_i=$((bitbucket_token_i + 1))
    done
    [ "$#" -gt 0 ]
  ); then
    while [ "$#" -gt 0 ]; do
      export "GIT_CONFIG_KEY_$GIT_CONFIG_COUNT=$1" "GIT_CONFIG_VALUE_$GIT_CONFIG_COUNT=$2"
      GIT_CONFIG_COUNT=$((GIT_CONFIG_COUNT + 1))
      shift 2
    done
${again}  fi
}
bitbucket_token_add_to_git \\
  ${words}
unset -f bitbucket_token_add_to_git
unset bitbucket_token_n bitbucket_token_i
`
}

/**
 * Returns the secrets in an environment's entries of other programs: headers, passwords in addresses, and values of keys such
 * as `token`. They must be masked before the entries are exported, because a runner shows the variables of each step.
 */
export function gitConfigSecrets(env: Environment): Secret[] {
  const found = entriesIn(env).flatMap(([key, value]) => {
    const passwords = [...`${key}\n${value}`.matchAll(/:\/\/[^/@\s:]*:([^/@\s]+)@/g)].map(([, text]) => text)
    const header = /\.extraheader$/i.test(key) ? [value, value.split(/\s/).at(-1)] : []
    const named = /(?:pass(?:word)?|token|secret)$/i.test(key) ? [value] : []
    return [...passwords, ...header, ...named]
  })
  // Masking shorter texts would hide half of the log.
  return [...new Set(found)].flatMap((text) => (text && text.length >= 6 ? [new Secret(text)] : []))
}
