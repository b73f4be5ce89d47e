/** A file as the rules see it, or a part of a large one with what surrounds it. */
export interface Source {
  /** With slashes, as git has it. */
  readonly path: string
  readonly text: string
  readonly isWholeFile: boolean
}
/** Where a rule found something. A match shows nothing of the file but its name: what surrounds it may be secret. */
export interface Match {
  /** Offsets in the text, in UTF-16 code units. */
  readonly start: number
  readonly end: number
  /** What was found, where that is no secret: a variable, an endpoint. */
  readonly name?: string
  /** The replacement for this one, where the rule knows one better than its own. */
  readonly instead?: string
}

/** One row of the table of rules, which is also the table in docs/audit.md. */
export interface Rule {
  readonly id: string
  /** `error` where it fails today or a secret is known; `warning` where it mostly fails. */
  readonly level: 'error' | 'warning'
  /** What is wrong, in a sentence. */
  readonly what: string
  /** The replacement, in a sentence. */
  readonly instead: string
  /** A secret is written down. Where two such rules find the same one, the first of the table tells. */
  readonly isSecret: boolean
  /** Whether `--history` looks for it too. What is merely obsolete does no harm in an old commit. */
  readonly inHistory: boolean
  readonly find: (source: Source) => Iterable<Match>
}

/** What a pattern has found, for a closer look. */
export interface Found {
  readonly groups: Readonly<Record<string, string | undefined>>
  readonly source: Source
  readonly start: number
  readonly end: number
}

/**
 * Finds each place where a pattern holds, in capitals or not, and a closer look agrees. Its group `name` becomes the
 * name of the match.
 *
 * A pattern begins with something literal and bounds every repetition, so that no text makes it slow.
 */
export function matching(pattern: RegExp, isOne: (found: Found) => boolean = () => true): Rule['find'] {
  const everywhere = new RegExp(pattern, 'gi')
  return function* find(source) {
    for (const { 0: all, index: start, groups = {} } of source.text.matchAll(everywhere)) {
      const end = start + all.length
      const { name } = groups
      if (isOne({ groups, source, start, end })) yield { start, end, ...(name !== undefined && { name }) }
    }
  }
}

/** All that several ways of looking find. */
export function anyOf(...ways: readonly Rule['find'][]): Rule['find'] {
  return function* find(source) {
    for (const way of ways) yield* way(source)
  }
}
