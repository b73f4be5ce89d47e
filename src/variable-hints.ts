/** How a process gets its inputs: a `uses:` step from `INPUT_*`, a plugin step also from `PLUGIN_*`, others from `BITBUCKET_*`. */
type InputOrigin = 'action' | 'variables' | 'plugin'

type Environment = Readonly<Record<string, string | undefined>>

interface HintContext {
  readonly origin: InputOrigin
  /** The inputs, with other names that people give them, without prefix, `-` and `_`. */
  readonly inputs: Readonly<Record<string, { readonly otherNames?: readonly string[] }>>
  isRead(variable: string): boolean
  /** Returns the name under which the user sets an input. */
  nameOf(input: string): string
}

/** A longer list of hints would not help. */
const maxHints = 6

/**
 * Finds variables that look as if they were meant for an input, but that the program does not read.
 * @returns a sentence for each variable, which never contains a value
 */
export function variableHints(env: Environment, { origin, inputs, isRead, nameOf }: HintContext): string[] {
  const hints: string[] = []
  for (const [variable, value] of Object.entries(env)) {
    if (!value?.trim() || isRead(variable)) continue
    const [, prefix = '', word = ''] =
      /^(BITBUCKET_|BB_|ATLASSIAN_|INPUT_|PLUGIN_)?(.*)$/.exec(variable.toUpperCase()) ?? []
    const plain = word.replace(/[-_ ]/g, '').toLowerCase()
    const isPlain = (name: string) => plain === name.replaceAll('-', '')
    const input = Object.keys(inputs).find(
      (name) => isPlain(name) || inputs[name]?.otherNames?.includes(plain),
    )
    if (input === undefined) continue
    const isExact = isPlain(input) && variable.toUpperCase() !== 'EMAIL'
    // `TOKEN` or `EMAIL` without a prefix, or as an input's name, is more likely meant for another program.
    if (!isExact && prefix !== 'BITBUCKET_' && prefix !== 'BB_' && !isOwnPrefix(prefix, origin)) continue
    hints.push(`${variable} is set, but ${reasonFor(prefix, origin)}. Use ${nameOf(input)} instead.`)
  }
  return hints.slice(0, maxHints)
}

/** Whether the step itself sets every variable with this prefix. */
const isOwnPrefix = (prefix: string, origin: InputOrigin): boolean =>
  (prefix === 'INPUT_' && origin === 'action') || (prefix === 'PLUGIN_' && origin === 'plugin')

function reasonFor(prefix: string, origin: InputOrigin): string {
  if (isOwnPrefix(prefix, origin)) return 'no input has that name'
  if (origin === 'action') return 'a `uses:` step reads its inputs only from `with:`'
  if (prefix === 'INPUT_') return 'only a `uses:` step of the action reads `INPUT_` variables'
  if (prefix === 'PLUGIN_')
    return 'only plugin steps of Drone, Woodpecker and Harness read `PLUGIN_` variables'
  return 'no input has that name'
}
