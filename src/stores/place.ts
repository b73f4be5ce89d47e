import { TokenError } from '../errors.ts'

/** Where a variable or secret is defined. */
export type Scope =
  | { readonly level: 'repository' | 'workspace' | 'organization' }
  | { readonly level: 'deployment' | 'environment'; readonly environment: string }

export interface ScopedName {
  readonly scope: Scope
  readonly name: string
}

/** What `save-refresh-token` names. */
export type StorePlace =
  | ({ readonly kind: 'bitbucket-variable' | 'github-secret' } & ScopedName)
  | { readonly kind: 'gitlab-variable'; readonly name: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'command'; readonly command: string }

/** The variable that the input `refresh-token` is read from, so that the next run finds it without a word. */
const usualName = 'BITBUCKET_REFRESH_TOKEN'

const levels = {
  'bitbucket-variable': ['repository', 'workspace', 'deployment'],
  'github-secret': ['repository', 'organization', 'environment'],
} as const

const forms = [
  'bitbucket-variable, bitbucket-variable:workspace, bitbucket-variable:deployment/Production',
  'github-secret, github-secret:organization, github-secret:environment/production',
  'gitlab-variable',
  'file:/path/to/refresh-token',
  'command:vault kv put -mount=secret bitbucket refresh-token=-',
]

/**
 * Reads `kind[:details]`. The details of a variable or secret are `[scope/]NAME`, where the scope is a word, or a word
 * and the name of an environment, and either part may be left out.
 * @param what how to name the input to the person who gave it
 * @throws {TokenError} `input`
 */
export function parseStorePlace(text: string, what: string): StorePlace {
  const [, kind = '', details] = /^([^:]*)(?::(.*))?$/s.exec(text) ?? []
  const wrong = (why: string) =>
    new TokenError(
      'input',
      `${what} ${why}.`,
      ['Write one of:', ...forms.map((form) => `- ${form}`), 'A name of your own comes last: /NAME.'].join(
        '\n',
      ),
    )
  switch (kind) {
    case 'bitbucket-variable':
    case 'github-secret': {
      const [scope, rest] = readScope(kind, details?.split('/') ?? [])
      if (scope === undefined) throw wrong('names no environment')
      if (rest.length > 1) throw wrong('has too many parts')
      return { kind, scope, name: readName(rest[0], wrong) }
    }
    case 'gitlab-variable':
      return { kind, name: readName(details, wrong) }
    case 'file':
      if (!details) throw wrong('names no file')
      return { kind, path: details }
    case 'command':
      if (!details?.trim()) throw wrong('names no command')
      return { kind, command: details }
    default:
      throw wrong('names no kind of store')
  }
}

function readScope(
  kind: keyof typeof levels,
  parts: readonly string[],
): [scope: Scope | undefined, rest: readonly string[]] {
  const [first, ...others] = parts
  const level = levels[kind].find((candidate) => candidate === first)
  if (level === undefined) return [{ level: 'repository' }, parts]
  if (level !== 'deployment' && level !== 'environment') return [{ level }, others]
  const [environment, ...rest] = others
  return [environment ? { level, environment: decode(environment) } : undefined, rest]
}

/** The name of an environment may have a slash in it; here that is `%2F`. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** All three services take no other names for variables and secrets. */
function readName(name: string | undefined, wrong: (why: string) => TokenError): string {
  if (name === undefined || name === '') return usualName
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
    throw wrong('names a variable by other characters than A-Z, 0-9 and _')
  return name
}
