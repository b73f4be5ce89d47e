/** The text that rules search: a file, or a part of a large file with some text around it. */
export interface Source {
  /** With slashes, as in git. */
  readonly path: string
  readonly text: string
  readonly isWholeFile: boolean
}

/**
 * How certain a finding is. An error is something that Bitbucket certainly refuses, or a secret. A question is probably one of
 * these, but a person must look.
 */
export type Level = 'error' | 'question'

/** Where a rule matched. It contains no text of the file other than `name`, because that text may be secret. */
export interface Match {
  /** Offsets in the text, in UTF-16 code units. */
  readonly start: number
  readonly end: number
  /** The variable or endpoint that was found. Never a secret. */
  readonly name?: string
  /** The replacement for this match, if it differs from that of the rule. */
  readonly instead?: string
  /** If it differs from that of the rule. */
  readonly level?: Level
}

/** One row of the table of rules, which is also the table in docs/audit.md. */
export interface Rule {
  readonly id: string
  readonly level: Level
  /** What is wrong, in a sentence. */
  readonly what: string
  /** What to do instead, in a sentence. */
  readonly instead: string
  /** Whether the rule finds secrets. If two such rules find the same secret, the first in the table reports it. */
  readonly isSecret?: true
  /** Whether `--history` uses the rule too. Something that is only obsolete does no harm in an old commit. */
  readonly inHistory?: true
  /** Whether the recipe for the language of the line replaces the match (recipes.ts). */
  readonly hasRecipe?: true
  readonly find: (source: Source) => Iterable<Match>
}

/** A match of a pattern, for a further check. */
export interface Candidate {
  readonly groups: Readonly<Record<string, string | undefined>>
  readonly source: Source
  readonly start: number
  readonly end: number
}

/**
 * Finds all matches of a pattern, ignoring case, that `accepts` also accepts. The pattern's group `name` becomes the name
 * of the match. If the pattern has the flag `d`, the match starts at its group `key`. A secret with text on other lines
 * before it starts on its own line. `accepts` may return the level.
 *
 * Every pattern must start with a literal and limit each repetition, so that no text makes it slow.
 */
export function matching(
  pattern: RegExp,
  accepts: (found: Candidate) => boolean | Level = () => true,
): Rule['find'] {
  const everywhere = new RegExp(pattern, `gi${pattern.hasIndices ? 'd' : ''}`)
  return function* find(source) {
    for (const { 0: all, index: start, indices, groups = {} } of source.text.matchAll(everywhere)) {
      const end = start + all.length
      const { name } = groups
      const verdict = accepts({ groups, source, start, end })
      if (verdict === false) continue
      const from =
        indices?.groups?.['key']?.[0] ?? (groups['secret'] === undefined ? start : end - lastLine(all).length)
      yield {
        start: from,
        end,
        ...(name !== undefined && { name }),
        ...(verdict !== true && { level: verdict }),
      }
    }
  }
}

/** Returns the last line of a text without its indentation, or the whole text if it is one line. */
function lastLine(text: string): string {
  const line = text.slice(text.lastIndexOf('\n') + 1)
  return line === text ? text : line.trimStart()
}

/** Combines several finders into one. */
export function anyOf(...finders: readonly Rule['find'][]): Rule['find'] {
  return function* find(source) {
    for (const finder of finders) yield* finder(source)
  }
}
