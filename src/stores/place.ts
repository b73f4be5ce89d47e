import { TokenError } from '../errors.ts'

/** The level at which a variable or secret is defined. */
export type Scope =
  | { readonly level: 'repository' | 'workspace' | 'organization' }
  | { readonly level: 'deployment' | 'environment'; readonly environment: string }

export interface ScopedName {
  readonly scope: Scope
  readonly name: string
}

/** A store that `save-refresh-token` names. */
export type StorePlace =
  | ({ readonly kind: 'bitbucket-variable' | 'github-secret' } & ScopedName)
  | { readonly kind: 'gitlab-variable'; readonly name: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'command'; readonly command: string }

/**
 * The default name: the variable of the input `refresh-token`, so that the next run finds the token without configuration.
 */
const defaultName = 'BITBUCKET_REFRESH_TOKEN'

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
 * Reads `kind[:details]`. The details of a variable or secret are `[scope/]NAME`. The scope is a word, or a word and the
 * name of an environment. The scope and the name are both optional.
 * @param what how to name the input to the user
 * @throws {TokenError} `input`
 */
export function parseStorePlace(text: string, what: string): StorePlace {
  const [, kind = '', details] = /^([^:]*)(?::(.*))?$/s.exec(text) ?? []
  const wrong = (why: string) =>
    new TokenError(
      'input',
      `${what} ${why}.`,
      [
        'Write one of:',
        ...forms.map((form) => `- ${form}`),
        'To use another name, add it at the end: github-secret:NAME, github-secret:organization/NAME.',
      ].join('\n'),
    )
  switch (kind) {
    case 'bitbucket-variable':
    case 'github-secret': {
      const parts = details?.split('/') ?? []
      const [scope, rest] = readScope(kind, parts)
      if (scope === undefined) throw wrong('names no environment')
      if (rest.length > 1) throw wrong('has too many parts')
      if (parts.length === 1 && rest.length === 1 && isScopeWord(parts[0] ?? ''))
        throw wrong(`names "${parts[0]}", which is not a scope of ${kind}`)
      return { kind, scope, name: readName(kind, rest[0], wrong) }
    }
    case 'gitlab-variable':
      if (isScopeWord(details ?? ''))
        throw wrong('names a scope, but only variables of the project are supported on GitLab')
      return { kind, name: readName(kind, details, wrong) }
    case 'file':
      if (!details?.trim()) throw wrong('names no file')
      if (/^~(\/|\\|$)/.test(details))
        throw wrong('names a path that begins with ~, which only a shell can replace')
      return { kind, path: details.trim() }
    case 'command':
      if (!details?.trim()) throw wrong('names no command')
      return { kind, command: details }
    default:
      throw wrong('names an unknown kind of store')
  }
}

/** Words that people write for a scope, also if they fit another kind of store or have another spelling. */
const scopeWords =
  /^(repositor(y|ies)|repo|workspaces?|deployments?|organi[sz]ations?|org|environments?|env|projects?|groups?)$/i

/** Whether a text is a word for a scope. Without this check, it would silently become the name of a variable. */
const isScopeWord = (text: string): boolean => scopeWords.test(text.trim())

function readScope(
  kind: keyof typeof levels,
  parts: readonly string[],
): [scope: Scope | undefined, rest: readonly string[]] {
  const [first, ...others] = parts
  const level = levels[kind].find((candidate) => candidate === first)
  if (level === undefined) return [{ level: 'repository' }, parts]
  if (level !== 'deployment' && level !== 'environment') return [{ level }, others]
  const [part = '', ...rest] = others
  const environment = decode(part)
  // `.` or `..` in the path of a URL would lead to another place.
  const isName = environment.trim() !== '' && !/^\.{1,2}$/.test(environment)
  return [isName ? { level, environment } : undefined, rest]
}

/** Decodes the name of an environment. A slash in a name is written as `%2F` here. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const withoutFirstDigit = /^[A-Za-z_][A-Za-z0-9_]*$/
const badCharacters = 'contains other characters than A-Z, 0-9 and _'

/** The rules for names: a pattern, and what is wrong with a name that does not match it. */
const nameRules = {
  /** Atlassian support, "Variables and secrets": ASCII letters, digits and underscores, not beginning with a digit. */
  'bitbucket-variable': [
    [withoutFirstDigit, `names a variable that ${badCharacters} or begins with a digit`],
  ],
  /** docs.github.com, "Secrets reference: Naming your secrets". GitHub stores the name in capitals. */
  'github-secret': [
    [withoutFirstDigit, `names a secret that ${badCharacters} or begins with a digit`],
    [/^(?!github_)/i, 'names a secret that begins with GITHUB_, which GitHub does not allow'],
  ],
  /** docs.gitlab.com, "Project-level CI/CD variables API": at most 255 characters of `A-Za-z0-9_`. */
  'gitlab-variable': [
    [/^[A-Za-z0-9_]+$/, `names a variable that ${badCharacters}`],
    [/^.{1,255}$/, 'names a variable that is longer than 255 characters'],
  ],
} as const satisfies Record<string, readonly (readonly [RegExp, string])[]>

/**
 * Names that are used for something else: the other inputs of this program, and PATH, which every shell needs to find its
 * programs (Atlassian support, "Variables and secrets", warns of PATH).
 */
const reserved =
  /^(BITBUCKET_(CLIENT_(ID|SECRET)|EMAIL|API_TOKEN|ACCESS_TOKEN|CONNECT_\w+|GIT(HUB|LAB)_TOKEN|SAVE_REFRESH_TOKEN|(API_)?URL)|PATH)$/i

function readName(
  kind: keyof typeof nameRules,
  name: string | undefined,
  wrong: (why: string) => TokenError,
): string {
  if (name === undefined || name === '') return defaultName
  for (const [pattern, why] of nameRules[kind]) if (!pattern.test(name)) throw wrong(why)
  if (reserved.test(name)) throw wrong(`names ${name}, which is used for something else`)
  return name
}
