/**
 * Matches patterns as gitignore(5) defines them.
 *
 * No library is used, because ignore, minimatch and picomatch turn patterns into regular expressions, and an attacker's
 * pattern such as `a/**` twelve times keeps such an expression busy for hours. This matcher goes back only to the last `*`
 * or `**`, so its time is at most the length of the path times the length of the pattern. test/audit/gitignore.test.ts
 * compares it with git.
 *
 * Names are strings of bytes (latin1), because git compares bytes.
 */

/** The patterns of one `.gitignore`. */
export interface Patterns {
  /** The depth of the directory to which the patterns are relative, as a number of names from the top. */
  readonly depth: number
  readonly patterns: readonly Pattern[]
}

interface Pattern {
  readonly isNegated: boolean
  readonly onlyDirectories: boolean
  /** Whether the pattern is compared with the last name only, at any depth. */
  readonly isAnywhere: boolean
  readonly names: readonly (NamePattern | typeof anyNames)[]
}

/** `**` between slashes, which matches any number of names. */
const anyNames = Symbol('**')

/** A name without wildcards, or the parts of a name with wildcards. */
type NamePattern = string | readonly Part[]

type Part = string | typeof star | typeof anyCharacter | ((character: string) => boolean)
const star = Symbol('*')
const anyCharacter = Symbol('?')

/** The longest pattern that is used, because long patterns cost time for each path. Linux allows no longer path (PATH_MAX). */
const maxPatternLength = 4_096

/** Returns the patterns, and how many are not used because they are too long. */
export function parsePatterns(
  text: string,
  { ignoreCase }: { readonly ignoreCase: boolean },
): { readonly patterns: readonly Pattern[]; readonly tooLong: number } {
  const lines = text.replace(/^\u00ef\u00bb\u00bf/, '').split('\n')
  const used = lines.filter((line) => line.length <= maxPatternLength)
  return {
    patterns: used.flatMap((line) => parsePattern(line, ignoreCase) ?? []),
    tooLong: lines.length - used.length,
  }
}

/** Converts only ASCII letters, as git does. */
export const lowerCase = (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())

function parsePattern(line: string, ignoreCase: boolean): Pattern | undefined {
  if (line.startsWith('#')) return undefined
  const trimmed = withoutTrailingSpaces(line.replace(/\r$/, ''))
  const isNegated = trimmed.startsWith('!')
  const whole = isNegated ? trimmed.slice(1) : trimmed
  const onlyDirectories = whole.endsWith('/')
  const text = onlyDirectories ? whole.slice(0, -1) : whole
  const isAnywhere = !text.includes('/')
  const names = parseNames(text.startsWith('/') ? text.slice(1) : text, { isAnywhere, ignoreCase })
  if (names === undefined || text === '') return undefined
  return { isNegated, onlyDirectories, isAnywhere, names }
}

/** Removes spaces at the end, except one after a backslash. */
function withoutTrailingSpaces(line: string): string {
  let end = line.length
  while (line[end - 1] === ' ') end--
  let backslashes = 0
  while (line[end - 1 - backslashes] === '\\') backslashes++
  return line.slice(0, backslashes % 2 === 1 ? end + 1 : end)
}

/**
 * Returns undefined for a pattern that matches nothing: one with an unclosed bracket or a backslash at the end. If case is
 * ignored, names have no capital letters. Like git, this then changes only characters outside of brackets that follow no
 * backslash (git: wildmatch.c).
 */
function parseNames(
  text: string,
  { isAnywhere, ignoreCase }: { readonly isAnywhere: boolean; readonly ignoreCase: boolean },
): Pattern['names'] | undefined {
  const names: (NamePattern | typeof anyNames)[] = []
  let parts: Part[] = []
  let begin = 0
  const endName = (end: number) => {
    const written = text.slice(begin, end)
    if (!isAnywhere && /^\*{2,}$/.test(written)) {
      if (names.at(-1) !== anyNames) names.push(anyNames)
    } else names.push(parts.every((part) => typeof part === 'string') ? parts.join('') : parts)
    parts = []
  }
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? ''
    if (character === '/') {
      endName(at)
      begin = at + 1
    } else if (character === '*') {
      if (parts.at(-1) !== star) parts.push(star)
    } else if (character === '?') parts.push(anyCharacter)
    else if (character === '[') {
      const bracket = parseBracket(text, at + 1, ignoreCase)
      if (bracket === undefined) return undefined
      parts.push(bracket.holds)
      at = bracket.end
    } else if (character === '\\') {
      const next = text[++at]
      if (next === undefined) return undefined
      if (next === '/') {
        endName(at - 1)
        begin = at + 1
      } else parts.push(next)
    } else parts.push(ignoreCase ? lowerCase(character) : character)
  }
  endName(text.length)
  return names
}

const classes = new Map<string, RegExp>(
  Object.entries({
    alnum: /[a-zA-Z0-9]/,
    alpha: /[a-zA-Z]/,
    blank: /[ \t]/,
    cntrl: /[\0-\x1f\x7f]/,
    digit: /\d/,
    graph: /[!-~]/,
    lower: /[a-z]/,
    print: /[ -~]/,
    punct: /[!-/:-@[-`{-~]/,
    space: /[ \t\n\v\f\r]/,
    upper: /[A-Z]/,
    xdigit: /[0-9a-fA-F]/,
  }),
)

/** A bracket, or a range, class or character in it. */
interface CharacterSet {
  readonly holds: (character: string) => boolean
  /** The position where its text ends. */
  readonly end: number
  /** The only character, if it is written as one. It can begin a range. */
  readonly character?: string
}

/** Parses the text between `[` and `]` (git: wildmatch.c). A bracket never matches a slash, because names contain none. */
function parseBracket(text: string, from: number, ignoreCase: boolean): CharacterSet | undefined {
  const isNegated = text[from] === '!' || text[from] === '^'
  const begin = isNegated ? from + 1 : from
  const members: CharacterSet[] = []
  let at = begin
  while (at === begin || text[at] !== ']') {
    const member = parseMember(text, at, members.at(-1)?.character)
    if (member === undefined) return undefined
    members.push(member)
    at = member.end + 1
  }
  /** If case is ignored, a name has no capital letters, so ranges and classes also try these. */
  const capital = (other: string) => (ignoreCase && /[a-z]/.test(other) ? other.toUpperCase() : other)
  const isMember = (other: string) =>
    members.some(({ holds, character }) => holds(other) || (character === undefined && holds(capital(other))))
  return { holds: (other) => isMember(other) !== isNegated, end: at }
}

/** @param before the character before this member, if that can begin a range */
function parseMember(text: string, at: number, before: string | undefined): CharacterSet | undefined {
  const next = text[at + 1]
  if (text[at] === '-' && before !== undefined && next !== undefined && next !== ']') {
    const last = readCharacter(text, at + 1)
    return last && { holds: (other) => before <= other && other <= last.character, end: last.end }
  }
  if (text[at] === '[' && next === ':') {
    const close = text.indexOf(']', at + 2)
    if (close < 0) return undefined
    if (text[close - 1] === ':' && close - 1 >= at + 2) {
      const known = classes.get(text.slice(at + 2, close - 1))
      return known && { holds: (other) => known.test(other), end: close }
    }
  }
  const one = readCharacter(text, at)
  return one && { ...one, holds: (other) => other === one.character }
}

/** Reads a character, or the one after a backslash. Returns it with its position, or undefined at the end of the text. */
function readCharacter(text: string, at: number) {
  const end = text[at] === '\\' ? at + 1 : at
  const character = text[end]
  return character === undefined ? undefined : { character, end }
}

/** Counts comparisons, to notice patterns that are made to be slow. */
export interface Effort {
  steps: number
}

/**
 * Returns whether the last matching pattern excludes the path.
 * @param path the names from the top
 * @returns undefined if none matches
 */
export function isExcluded(
  { depth, patterns }: Patterns,
  path: readonly string[],
  isDirectory: boolean,
  effort: Effort,
): boolean | undefined {
  const last = path.at(-1) ?? ''
  for (let index = patterns.length - 1; index >= 0; index--) {
    const pattern = patterns[index]
    effort.steps++
    if (pattern === undefined || (pattern.onlyDirectories && !isDirectory)) continue
    const [first] = pattern.names
    const matches = pattern.isAnywhere
      ? first !== undefined && matchesName(first, last, effort)
      : matchesPath(pattern.names, path, depth, effort)
    if (matches) return !pattern.isNegated
  }
  return undefined
}

/** A `**` at the end needs at least one name: `a/**` does not match `a`. */
const matchesPath = (names: Pattern['names'], path: readonly string[], depth: number, effort: Effort) =>
  matchInOrder(names, path, depth, anyNames, (part, name) => matchesName(part, name, effort), effort) ===
  names.length

function matchesName(pattern: NamePattern | typeof anyNames, name: string, effort: Effort): boolean {
  if (pattern === anyNames) return true
  if (typeof pattern === 'string') return pattern === name
  let end = matchInOrder(pattern, name, 0, star, matchesCharacter, effort)
  while (end !== undefined && pattern[end] === star) end++
  return end === pattern.length
}

const matchesCharacter = (part: Part, character: string): boolean =>
  typeof part === 'function' ? part(character) : part === anyCharacter || part === character

/**
 * Matches items with parts in the same order.
 * @param from the position of the first item to match
 * @param wildcard the part that matches any number of items. After a mismatch, the search continues at the last one
 * @returns how many parts match all of the items, or undefined if the items do not match
 */
function matchInOrder<Part>(
  parts: readonly Part[],
  items: ArrayLike<string>,
  from: number,
  wildcard: symbol,
  matches: (part: Part, item: string) => boolean,
  effort: Effort,
): number | undefined {
  let [at, to] = [0, from]
  /** The position after the last wildcard, and the item up to which that wildcard matches so far. */
  let retry: { readonly at: number; to: number } | undefined
  while (to < items.length) {
    effort.steps++
    const part = parts[at]
    if (part === wildcard) {
      if (at === parts.length - 1) return parts.length
      retry = { at: ++at, to }
    } else if (part !== undefined && matches(part, items[to] ?? '')) {
      at++
      to++
    } else if (retry !== undefined) {
      at = retry.at
      to = ++retry.to
    } else return undefined
  }
  return at
}
