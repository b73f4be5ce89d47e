import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

const { inputs: declared } = parse(readFileSync(new URL('../../action.yml', import.meta.url), 'utf8')) as {
  inputs: Readonly<Record<string, { readonly default?: string }>>
}

/**
 * Returns the variables of a `uses:` step. The runner sets every input of action.yml: the given value, else the default,
 * else an empty text. It upper-cases the name and keeps its hyphens (actions/runner, ActionManifestManager.cs and
 * ActionRunner.cs).
 */
export function inputVariables(given: Readonly<Record<string, string>>): Record<string, string> {
  const unknown = Object.keys(given).filter((name) => !Object.hasOwn(declared, name))
  if (unknown.length > 0) throw new Error(`unknown input: ${unknown}`)
  return Object.fromEntries(
    Object.entries(declared).map(([name, input]) => [
      `INPUT_${name.toUpperCase()}`,
      given[name] ?? input.default ?? '',
    ]),
  )
}
