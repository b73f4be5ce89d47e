/**
 * Patterns as gitignore(5) has them. They come from whoever wrote the audited files, so matching is bounded: it goes back to
 * the last `*` or `**` only, which takes the length of the path times that of the pattern, where a regular expression
 * made from `a/**` many times would take their power. test/audit/gitignore.test.ts compares it with git's own answers.
 *
 * Names are strings of bytes (latin1), because git compares bytes.
 */

/** One `.gitignore`. */
export interface Patterns {
  /** The directory that they are relative to, as a number of names from the top. */
  readonly depth: number
  readonly patterns: readonly Pattern[]
}

interface Pattern {
  readonly isNegated: boolean
  readonly onlyDirectories: boolean
  /** Compared with the last name alone, wherever it is. */
  readonly isAnywhere: boolean
  readonly names: readonly (NamePattern | typeof anyNames)[]
}

/** `**` between slashes: any number of names. */
const anyNames = Symbol('**')

/** A name without wildcards, or its parts. */
type NamePattern = string | readonly Part[]

type Part = string | typeof star | typeof anyCharacter | ((character: string) => boolean)
const star = Symbol('*')
const anyCharacter = Symbol('?')

/** Longer patterns are left out, because each costs time for each path. No path is longer in Linux (PATH_MAX). */
const longest = 4_096

/** @returns the patterns, and how many were left out because they are too long */
export function parsePatterns(
  text: string,
  { ignoreCase }: { readonly ignoreCase: boolean },
): { readonly patterns: readonly Pattern[]; readonly tooLong: number } {
  const lines = text.replace(/^\u00ef\u00bb\u00bf/, '').split('\n')
  const fitting = lines.filter((line) => line.length <= longest)
  return {
    patterns: fitting.flatMap((line) => parsePattern(ignoreCase ? lowerCase(line) : line) ?? []),
    tooLong: lines.length - fitting.length,
  }
}

/** Of ASCII letters alone, as git does. */
export const lowerCase = (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())

function parsePattern(line: string): Pattern | undefined {
  if (line.startsWith('#')) return undefined
  const trimmed = withoutTrailingSpaces(line.replace(/\r$/, ''))
  const isNegated = trimmed.startsWith('!')
  const whole = isNegated ? trimmed.slice(1) : trimmed
  const onlyDirectories = whole.endsWith('/')
  const text = onlyDirectories ? whole.slice(0, -1) : whole
  const isAnywhere = !text.includes('/')
  const names = parseNames(text.startsWith('/') ? text.slice(1) : text, isAnywhere)
  if (names === undefined || text === '') return undefined
  return { isNegated, onlyDirectories, isAnywhere, names }
}

/** Spaces at the end do not count unless a backslash stands before them. */
function withoutTrailingSpaces(line: string): string {
  let end = line.length
  while (line[end - 1] === ' ') end--
  let backslashes = 0
  while (line[end - 1 - backslashes] === '\\') backslashes++
  return line.slice(0, backslashes % 2 === 1 ? end + 1 : end)
}

/** @returns undefined for a pattern that matches nothing: a bracket that does not end, a backslash at the end */
function parseNames(text: string, isAnywhere: boolean): Pattern['names'] | undefined {
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
      const bracket = parseBracket(text, at + 1)
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
    } else parts.push(character)
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

/** What stands between `[` and `]` (git: wildmatch.c). It never matches a slash, because names have none. */
function parseBracket(
  text: string,
  from: number,
): { readonly holds: (character: string) => boolean; readonly end: number } | undefined {
  let at = from
  const isNegated = text[at] === '!' || text[at] === '^'
  if (isNegated) at++
  const tests: ((character: string) => boolean)[] = []
  let before: string | undefined
  for (let isFirst = true; isFirst || text[at] !== ']'; isFirst = false, at++) {
    let character = text[at]
    if (character === undefined) return undefined
    const end = text[at + 1]
    if (character === '-' && before !== undefined && end !== undefined && end !== ']') {
      at++
      let last = end
      if (last === '\\') {
        last = text[++at] ?? ''
        if (last === '') return undefined
      }
      const first = before
      tests.push((other) => first <= other && other <= last)
      before = undefined
      continue
    }
    if (character === '[' && end === ':') {
      const close = text.indexOf(']', at + 2)
      if (close < 0) return undefined
      if (text[close - 1] === ':' && close - 1 >= at + 2) {
        const known = classes.get(text.slice(at + 2, close - 1))
        if (known === undefined) return undefined
        tests.push((other) => known.test(other))
        at = close
        before = undefined
        continue
      }
    }
    if (character === '\\') {
      character = text[++at]
      if (character === undefined) return undefined
    }
    const one = character
    tests.push((other) => other === one)
    before = one
  }
  return { holds: (character) => tests.some((test) => test(character)) !== isNegated, end: at }
}

/** Counts comparisons, so that patterns made to be slow are noticed. */
export interface Effort {
  steps: number
}

/**
 * What the last pattern that matches says of a path.
 * @param path its names, from the top
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

function matchesPath(
  names: Pattern['names'],
  path: readonly string[],
  depth: number,
  effort: Effort,
): boolean {
  let [at, to] = [0, depth]
  /** Behind the last `**`, and the name where that ends for now. */
  let retry: { readonly at: number; to: number } | undefined
  while (to < path.length) {
    effort.steps++
    const name = names[at]
    if (name === anyNames) {
      // At the end it is at least one name: `a/**` does not match `a`.
      if (at === names.length - 1) return true
      retry = { at: ++at, to }
    } else if (name !== undefined && matchesName(name, path[to] ?? '', effort)) {
      at++
      to++
    } else if (retry !== undefined) {
      at = retry.at
      to = ++retry.to
    } else return false
  }
  return at === names.length
}

function matchesName(pattern: NamePattern | typeof anyNames, name: string, effort: Effort): boolean {
  if (pattern === anyNames) return true
  if (typeof pattern === 'string') return pattern === name
  let [at, to] = [0, 0]
  let retry: { readonly at: number; to: number } | undefined
  while (to < name.length) {
    effort.steps++
    const part = pattern[at]
    if (part === star) {
      if (at === pattern.length - 1) return true
      retry = { at: ++at, to }
    } else if (part !== undefined && isOne(part, name[to] ?? '')) {
      at++
      to++
    } else if (retry !== undefined) {
      at = retry.at
      to = ++retry.to
    } else return false
  }
  while (pattern[at] === star) at++
  return at === pattern.length
}

function isOne(part: Exclude<Part, typeof star>, character: string): boolean {
  if (typeof part === 'string') return part === character
  return part === anyCharacter || part(character)
}
