import type { TokenError } from '../errors.ts'
import { invalid } from '../read-value.ts'
import { closest } from '../spelling.ts'

/** Whether a caller gave a value. Undefined, null and empty text all mean that it is absent. */
export const isPresent = (value: unknown): boolean =>
  value !== undefined && value !== null && (typeof value !== 'string' || value.trim() !== '')

/** The rule for the value of one option. */
export interface Rule {
  /** What the value must be. It completes the message "… is not …". */
  readonly what: string
  /** What to do instead. */
  readonly nextStep: string
  accepts(value: unknown): boolean
}

/** One rule for each option. */
export type RulesFor<Options> = { readonly [Name in keyof Required<Options>]: Rule }

const typed = (type: string, what: string, nextStep: string): Rule => ({
  what,
  nextStep,
  accepts: (value) => typeof value === type,
})

export const text = typed('string', 'a string', 'Pass a string.')
export const number = typed('number', 'a number', 'Pass a number, without quotes.')
export const flag = typed('boolean', 'true or false', 'Pass a boolean, without quotes.')
export const callback = typed(
  'function',
  'a function',
  'Pass the function itself, not its result or its name.',
)

export const object: Rule = {
  what: 'an object',
  nextStep: 'Pass an object.',
  accepts: (value) => typeof value === 'object' && !Array.isArray(value),
}

/**
 * Reads the options that a caller gave, and leaves out those that are absent (see {@link isPresent}).
 * @param caller the name of the function that takes them, such as `getAccessToken`
 * @param instead advice for options that this function does not have, by their names
 * @throws {TokenError} `input` for an unknown option, or a value of the wrong type. It never shows a value.
 */
export function readOptions<Options extends object>(
  rawOptions: Options | null | undefined,
  caller: string,
  rules: RulesFor<Options>,
  instead: Readonly<Record<string, string>> = {},
): Options {
  if (!object.accepts(rawOptions ?? {})) {
    throw invalid(`The options of ${caller} are not an object.`, `Write ${caller}({ name: value }).`)
  }
  const present = Object.entries(rawOptions ?? {}).filter(([, value]) => isPresent(value))
  for (const [name, value] of present) {
    const rule = Object.hasOwn(rules, name) ? rules[name as keyof Options] : undefined
    if (rule === undefined) throw unknownOption(name, caller, Object.keys(rules), instead)
    if (!rule.accepts(value)) throw invalid(`${name} is not ${rule.what}.`, rule.nextStep)
  }
  return Object.fromEntries(present) as Options
}

function unknownOption(
  name: string,
  caller: string,
  names: readonly string[],
  instead: Readonly<Record<string, string>>,
): TokenError {
  // A key that does not look like a name could be a secret in the wrong place.
  const shown = /^[\w-]{1,40}$/.test(name) ? name : 'of that name'
  const plain = (text: string) => text.toLowerCase().replace(/^bitbucket|[^a-z0-9]/g, '')
  const meant = names.find((known) => plain(known) === plain(name)) ?? closest(name, names)
  const nextStep = Object.hasOwn(instead, name)
    ? instead[name]
    : meant === undefined
      ? `The options are: ${names.join(', ')}.`
      : `Did you mean ${meant}?`
  return invalid(`${caller} has no option ${shown}.`, nextStep ?? '')
}
