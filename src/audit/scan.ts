import { withoutTokens } from './paths.ts'
import type { Match, Rule, Source } from './rule.ts'

/** What a rule found, and where. */
export interface Finding {
  readonly rule: Rule
  /** The bytes of its name, as git and the disk have them, with slashes. */
  readonly path: Buffer
  /** From 1. Columns count UTF-16 code units, as editors and SARIF do. */
  readonly line: number
  readonly column: number
  /** Not told of a secret, for it would tell how long that is. */
  readonly endColumn: number | undefined
  readonly name: string | undefined
  readonly instead: string
  /** Where it is a secret or a name in the history of a repository. */
  readonly commit?: string
}

/** One finding with the text that it was found in, which is never shown: it tells equal findings apart. */
export interface Hit extends Finding {
  readonly found: string
}

/** What came of one file. */
export interface Scanned {
  readonly hits: readonly Hit[]
  /** What a comment beside it told to leave out. */
  readonly ignored: readonly Hit[]
}

/** Larger files are left out, in bytes: nobody writes them. */
export const sizeLimit = 10 * 1024 * 1024

/**
 * What every finding has somewhere in its file, but for files that a rule knows by their name. One look at all of
 * them together is a hundred times faster than a look for each rule.
 */
const anchors = /bitbucket|bb[_.-]\w{0,20}app|ATBB|AT[AC]TT3/i
const namedFiles = /\.bitbucket-token\//

/** Whether it is text, by the rule that git has: no NUL in its first 8,000 bytes (git: buffer_is_binary). */
export const isBinary = (content: Buffer): boolean =>
  content.subarray(0, 8_000).includes(0) && !isUtf16(content)

/** Windows' own tools write it, with a mark at the beginning. */
const isUtf16 = (content: Buffer): boolean => content[0] === 0xff && content[1] === 0xfe

/** Looks for all that the rules know in one file. */
export function scan(path: Buffer, content: Buffer, rules: readonly Rule[]): Scanned {
  const name = path.toString('utf8')
  const nothing = { hits: [], ignored: [] }
  if (!isUtf16(content) && !anchors.test(content.toString('latin1')) && !namedFiles.test(name)) return nothing
  const source: Source = {
    path: name,
    text: isUtf16(content) ? content.toString('utf16le') : content.toString('utf8'),
  }
  const matches = matchesIn(source, rules)
  if (matches.length === 0) return nothing
  const lines = new Lines(source.text)
  const hits: Hit[] = []
  const ignored: Hit[] = []
  for (const { rule, match } of matches) {
    const to = lines.isIgnored(match.start) ? ignored : hits
    to.push({
      rule,
      path,
      ...lines.place(match, rule.isSecret),
      name: match.name && withoutTokens(match.name),
      instead: match.instead ?? rule.instead,
      found: source.text.slice(match.start, match.end),
    })
  }
  return { hits, ignored }
}

interface Matched {
  readonly rule: Rule
  readonly match: Match
}

/** In the order of the text; of two rules that find the same secret, the first. */
function matchesIn(source: Source, rules: readonly Rule[]): Matched[] {
  const all = rules.flatMap((rule) => [...rule.find(source)].map((match) => ({ rule, match })))
  const kept: Matched[] = []
  /** The last one of a rule, and of all the rules that look for secrets. */
  const last = new Map<Rule | 'secret', Matched>()
  for (const matched of all.sort((a, b) => a.match.start - b.match.start)) {
    const { rule, match } = matched
    const key = rule.isSecret ? 'secret' : rule
    const before = last.get(key)
    if (before === undefined || before.match.end <= match.start) {
      kept.push(matched)
      last.set(key, matched)
    } else if (rules.indexOf(rule) < rules.indexOf(before.rule)) {
      kept[kept.lastIndexOf(before)] = matched
      last.set(key, matched)
    }
  }
  return kept
}

/** What a person writes beside something that is right as it is: an example, or a test. */
const ignoreLine = /\bbitbucket-token-audit: ignore\b(?!-)/
/** The same in a line of its own, for the line below. */
const ignoreNext = /^\s{0,200}(?:[#;*%']|\/[/*]|<!--|--|rem\b).*\bbitbucket-token-audit: ignore\b(?!-)/i
const ignoreFile = /\bbitbucket-token-audit: ignore-file\b/

/** The lines of a text, by where they begin. */
class Lines {
  readonly #text: string
  readonly #starts: number[] = [0]
  readonly #isIgnored: boolean
  readonly #excused = new Map<string, boolean>()

  constructor(text: string) {
    this.#text = text
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.#starts.push(at + 1)
    this.#isIgnored = ignoreFile.test(text)
  }

  place({ start, end }: Match, isSecret: boolean): Pick<Finding, 'line' | 'column' | 'endColumn'> {
    const index = this.#lineOf(start)
    const column = start - (this.#starts[index] ?? 0) + 1
    const lineEnd = (this.#starts[index + 1] ?? this.#text.length + 1) - 1
    const endColumn = isSecret ? undefined : column + Math.min(end, lineEnd) - start
    return { line: index + 1, column, endColumn }
  }

  /** Whether a comment in its line, or in the one above, says so. */
  isIgnored(offset: number): boolean {
    const index = this.#lineOf(offset)
    return this.#isIgnored || this.#excuses(index, ignoreLine) || this.#excuses(index - 1, ignoreNext)
  }

  /** Looked at once: a line can be as long as its file, and full of findings. */
  #excuses(index: number, comment: RegExp): boolean {
    const key = `${index} ${comment.source}`
    const known = this.#excused.get(key)
    if (known !== undefined) return known
    const line = index < 0 ? '' : this.#text.slice(this.#starts[index], this.#starts[index + 1])
    const isExcused = comment.test(line)
    this.#excused.set(key, isExcused)
    return isExcused
  }

  #lineOf(offset: number): number {
    let [low, high] = [0, this.#starts.length - 1]
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if ((this.#starts[middle] ?? 0) <= offset) low = middle
      else high = middle - 1
    }
    return low
  }
}
