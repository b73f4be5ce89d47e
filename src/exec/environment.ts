import { addedToWholeEnvironment, withoutEntries } from '../git/config-environment.ts'
import type { GitConfiguration } from '../git/configuration.ts'
import { shellQuote } from '../hosts/shell-quote.ts'
import { variableOf, withoutCredentials } from '../inputs.ts'
import { exportedVariableTable } from '../outputs.ts'
import type { Run } from '../run.ts'
import { revealed, type Secret } from '../secret.ts'
import { isWindows } from '../windows.ts'
import type { World } from '../world.ts'

/** What a command gets in addition to the environment of this process. */
export interface Additions {
  readonly variables: ReadonlyMap<string, string | Secret>
  readonly git: GitConfiguration
}

/** Inputs that say how to get a credential. If the command runs this program again, it has no secrets for them. */
const credentialSettings = [variableOf('grant'), variableOf('save-refresh-token')]

/**
 * Returns the environment of a command: that of this process, without the secrets of the run, and with the credential.
 *
 * A variable is left out because of its name (the credential inputs, and what an earlier step exported) or because its value
 * contains a secret that the run knows. The second rule finds copies, such as `MY_SECRET` or a JSON text of all secrets.
 * @returns the environment, and the names of the variables that were left out because of their value
 */
export function environmentFor(
  { variables, git }: Additions,
  { world, redactor }: Pick<Run, 'world' | 'redactor'>,
): { readonly env: Record<string, string>; readonly leftOut: readonly string[] } {
  const ours = [...Object.keys(exportedVariableTable), ...credentialSettings]
  const inherited = Object.entries(withoutCredentials(world.env)).flatMap(([name, value]) =>
    value === undefined || ours.includes(name.toUpperCase()) ? [] : [[name, value] as const],
  )
  const leftOut = inherited.filter(([, value]) => redactor.isIn(value)).map(([name]) => name)
  const kept = Object.fromEntries([
    ...inherited.filter(([name]) => !leftOut.includes(name)),
    ...withoutEntries(world.env, (entry) => entry.some((text) => redactor.isIn(text))),
  ])
  const added = [...variables, ...git.variables, ...addedToWholeEnvironment(git.entries, kept)]
  return {
    env: { ...kept, ...Object.fromEntries(added.map(([name, value]) => [name, revealed(value)])) },
    leftOut,
  }
}

/**
 * Returns the command of a git helper that is this program. git runs it with a POSIX sh, on Windows too, where the paths of
 * node have backslashes.
 */
export function helperCommand({ program, platform }: Pick<World, 'program' | 'platform'>): string {
  const words = program.map((word) => (isWindows({ platform }) ? word.replaceAll('\\', '/') : word))
  return `!${words.map(shellQuote).join(' ')} git-credential`
}
