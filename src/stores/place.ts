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
      [
        'Write one of:',
        ...forms.map((form) => `- ${form}`),
        'A name of your own comes last: github-secret:NAME, github-secret:organization/NAME.',
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
        throw wrong('names a scope, but GitLab variables here belong to the project')
      return { kind, name: readName(kind, details, wrong) }
    case 'file':
      if (!details?.trim()) throw wrong('names no file')
      if (/^~(\/|\\|$)/.test(details)) throw wrong('names a file by ~, which only a shell replaces')
      return { kind, path: details.trim() }
    case 'command':
      if (!details?.trim()) throw wrong('names no command')
      return { kind, command: details }
    default:
      throw wrong('names no kind of store')
  }
}

/** Words that people write for a scope, of this kind of store or of another, or in other letters. */
const scopeWords =
  /^(repositor(y|ies)|repo|workspaces?|deployments?|organi[sz]ations?|org|environments?|env|projects?|groups?)$/i

/** Alone, such a word would become the name of a variable that nobody looks for. */
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
  // A path with a dot or two instead of a name would lead to another place.
  const isName = environment.trim() !== '' && !/^\.{1,2}$/.test(environment)
  return [isName ? { level, environment } : undefined, rest]
}

/** The name of an environment may have a slash in it; here that is `%2F`. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const withoutFirstDigit = /^[A-Za-z_][A-Za-z0-9_]*$/

/** What a name may be, and what is wrong with another one. */
const nameRules = {
  /** Atlassian support, "Variables and secrets": ASCII letters, digits and underscores, no digit first. */
  'bitbucket-variable': [[withoutFirstDigit, 'names a variable by other characters than A-Z, 0-9 and _']],
  /** docs.github.com, "Secrets reference: Naming your secrets". GitHub stores the name in capitals. */
  'github-secret': [
    [withoutFirstDigit, 'names a secret by other characters than A-Z, 0-9 and _'],
    [/^(?!github_)/i, 'names a secret that starts with GITHUB_, which GitHub does not allow'],
  ],
  /** docs.gitlab.com, "Project-level CI/CD variables API": at most 255 characters of `A-Za-z0-9_`. */
  'gitlab-variable': [
    [/^[A-Za-z0-9_]+$/, 'names a variable by other characters than A-Z, 0-9 and _'],
    [/^.{1,255}$/, 'names a variable by more than 255 characters'],
  ],
} as const satisfies Record<string, readonly (readonly [RegExp, string])[]>

/**
 * Names that would take the refresh token to another purpose: the other inputs of this program, and what every shell
 * looks for its programs with (Atlassian support, "Variables and secrets", warns of PATH).
 */
const taken =
  /^(BITBUCKET_(CLIENT_(ID|SECRET)|EMAIL|API_TOKEN|ACCESS_TOKEN|CONNECT_\w+|GIT(HUB|LAB)_TOKEN|SAVE_REFRESH_TOKEN|(API_)?URL)|PATH)$/i

function readName(
  kind: keyof typeof nameRules,
  name: string | undefined,
  wrong: (why: string) => TokenError,
): string {
  if (name === undefined || name === '') return usualName
  for (const [pattern, why] of nameRules[kind]) if (!pattern.test(name)) throw wrong(why)
  if (taken.test(name)) throw wrong(`names ${name}, which has another purpose`)
  return name
}
