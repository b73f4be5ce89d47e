/** A line of git configuration: `credential.https://bitbucket.org.helper` and its value. */
export type GitConfigEntry = readonly [key: string, value: string]

/**
 * The `GIT_CONFIG_COUNT` family that adds entries to those in an environment (git 2.31 and later: "git-config,
 * ENVIRONMENT"). It has the last word over every configuration file.
 */
export function addedToEnvironment(
  entries: readonly GitConfigEntry[],
  env: Readonly<Record<string, string | undefined>>,
): Map<string, string> {
  const count = env['GIT_CONFIG_COUNT'] ?? ''
  const first = /^\d{1,6}$/.test(count) ? Number(count) : 0
  const variables = new Map<string, string>()
  if (entries.length === 0) return variables
  for (const [index, [key, value]] of entries.entries()) {
    variables.set(`GIT_CONFIG_KEY_${first + index}`, key)
    variables.set(`GIT_CONFIG_VALUE_${first + index}`, value)
  }
  return variables.set('GIT_CONFIG_COUNT', String(first + entries.length))
}

/** The same as POSIX sh, which finds out what is there already only when it runs. */
export function addedByShell(entries: readonly GitConfigEntry[], quote: (value: string) => string): string {
  if (entries.length === 0) return ''
  const lines = entries.map(
    ([key, value]) =>
      `export GIT_CONFIG_KEY_$GIT_CONFIG_COUNT=${quote(key)} GIT_CONFIG_VALUE_$GIT_CONFIG_COUNT=${quote(value)}\n` +
      'GIT_CONFIG_COUNT=$((GIT_CONFIG_COUNT + 1))\n',
  )
  return `export GIT_CONFIG_COUNT="\${GIT_CONFIG_COUNT:-0}"\n${lines.join('')}`
}
