import { createHash } from 'node:crypto'
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

/** One finding with a digest of the text that it was found in, which tells equal findings apart and is never shown. */
export interface Hit extends Finding {
  /** Empty unless findings are to be compared. */
  readonly found: string
}

/** How much is remembered of what is found; each takes memory. */
interface Memory {
  /** How many findings of a rule are listed. */
  readonly limit: number
  /** Whether findings of several versions of a file are to be compared. */
  readonly isComparable: boolean
}

/** What came of one file. */
export interface Scanned {
  readonly hits: readonly Hit[]
  /** What a comment beside it told to leave out. */
  readonly ignored: readonly Hit[]
  /** How many more of each were found than the limit allows. */
  readonly unlisted: { readonly hits: number; readonly ignored: number }
}

/** Larger files are left out, in bytes: nobody writes them. */
export const sizeLimit = 10 * 1024 * 1024

/** So many findings of a rule are listed for one file; nobody reads more, and each takes memory. */
export const listedForRule = 1_000

/** What a rule gets to see at once, in characters. Nearly every file is smaller. */
const partLength = 250_000
/** What it sees around a part: no rule looks further back, and no match is longer. */
const margin = { before: 2_000, behind: 12_000 }

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
  const steps = scanInSteps(path, content, rules)
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

/** The same, with a pause after each rule and each part of a large file, so that a signal can end it. */
export function* scanInSteps(
  path: Buffer,
  content: Buffer,
  rules: readonly Rule[],
  memory: Memory = { limit: listedForRule, isComparable: true },
): Generator<void, Scanned> {
  const name = path.toString('utf8')
  const list = new List(path, memory)
  if (!isUtf16(content) && !anchors.test(content.toString('latin1')) && !namedFiles.test(name)) return list
  const text = isUtf16(content) ? content.toString('utf16le') : content.toString('utf8')
  const lines = new Lines(text)
  const isWholeFile = text.length <= partLength
  /** The end of the last secret, and of the last match of each other rule. */
  const ends = new Map<Rule | 'secret', number>()
  for (let from = 0; from === 0 || from < text.length; from += partLength) {
    const begin = Math.max(0, from - margin.before)
    const part = isWholeFile ? text : text.slice(begin, from + partLength + margin.behind)
    const source: Source = { path: name, text: part, isWholeFile }
    const found: Matched[] = []
    for (const rule of rules) {
      for (const match of rule.find(source)) {
        const start = begin + match.start
        if (start < from || (start >= from + partLength && !isWholeFile)) continue
        found.push({ rule, match: { ...match, start, end: begin + match.end } })
      }
      yield
    }
    for (const matched of withoutOverlaps(found, rules, ends)) list.add(matched, lines)
  }
  return list
}

interface Matched {
  readonly rule: Rule
  readonly match: Match
}

/** In the order of the text; of two rules that find the same secret, the first. */
function withoutOverlaps(
  found: Matched[],
  rules: readonly Rule[],
  ends: Map<Rule | 'secret', number>,
): Matched[] {
  const kept: (Matched | undefined)[] = []
  /** Where the last one of a rule stands, and of all the rules that look for secrets. */
  const last = new Map<Rule | 'secret', number>()
  for (const matched of found.sort((a, b) => a.match.start - b.match.start)) {
    const { rule, match } = matched
    const key = rule.isSecret ? 'secret' : rule
    const index = last.get(key)
    const before = index === undefined ? undefined : kept[index]
    if ((ends.get(key) ?? 0) > match.start) {
      if (index === undefined || before === undefined) continue
      if (rules.indexOf(rule) >= rules.indexOf(before.rule)) continue
      kept[index] = undefined
    }
    last.set(key, kept.push(matched) - 1)
    ends.set(key, match.end)
  }
  return kept.filter((matched) => matched !== undefined)
}

/** The findings of one file, as many as are listed. */
class List implements Scanned {
  readonly hits: Hit[] = []
  readonly ignored: Hit[] = []
  readonly unlisted = { hits: 0, ignored: 0 }
  readonly #path: Buffer
  readonly #memory: Memory
  readonly #counts = { hits: new Map<Rule, number>(), ignored: new Map<Rule, number>() }

  constructor(path: Buffer, memory: Memory) {
    this.#path = path
    this.#memory = memory
  }

  add({ rule, match }: Matched, lines: Lines): void {
    const to = lines.isIgnored(match.start) ? 'ignored' : 'hits'
    const count = this.#counts[to].get(rule) ?? 0
    this.#counts[to].set(rule, count + 1)
    if (count >= this.#memory.limit) {
      this.unlisted[to]++
      return
    }
    this[to].push({
      rule,
      path: this.#path,
      ...lines.place(match, rule.isSecret),
      name: match.name && copied(withoutTokens(match.name)),
      instead: match.instead ?? rule.instead,
      found: this.#memory.isComparable ? digest(lines.text.slice(match.start, match.end)) : '',
    })
  }
}

const digest = (text: string): string => createHash('sha256').update(text).digest('base64')

/** A piece of a text keeps all of it in memory (V8: sliced strings). */
const copied = (text: string): string => Buffer.from(text, 'utf8').toString('utf8')

/** What a person writes beside something that is right as it is: an example, or a test. */
const ignoreLine = /\bbitbucket-token-audit: ignore\b(?!-)/
/** The same in a line of its own, for the line below. */
const ignoreNext = /^\s{0,200}(?:[#;*%']|\/[/*]|<!--|--|rem\b).*\bbitbucket-token-audit: ignore\b(?!-)/i
const ignoreFile = /\bbitbucket-token-audit: ignore-file\b/

/** The lines of a text, asked for from its beginning to its end. */
class Lines {
  readonly text: string
  readonly #isIgnored: boolean
  #number = 1
  #start = 0
  #end: number
  /** Whether a comment says so; looked at once, because a line can be as long as its file and full of findings. */
  #isExcused: boolean | undefined

  constructor(text: string) {
    this.text = text
    this.#isIgnored = ignoreFile.test(text)
    this.#end = this.#endOfLine()
  }

  place({ start, end }: Match, isSecret: boolean): Pick<Finding, 'line' | 'column' | 'endColumn'> {
    this.#goTo(start)
    const column = start - this.#start + 1
    const endColumn = isSecret ? undefined : column + Math.min(end, this.#end) - start
    return { line: this.#number, column, endColumn }
  }

  /** Whether a comment in its line, or in the one above, says so. */
  isIgnored(offset: number): boolean {
    if (this.#isIgnored) return true
    this.#goTo(offset)
    this.#isExcused ??=
      ignoreLine.test(this.text.slice(this.#start, this.#end)) || ignoreNext.test(this.#lineAbove())
    return this.#isExcused
  }

  #goTo(offset: number): void {
    while (this.#end < offset) {
      this.#start = this.#end + 1
      this.#end = this.#endOfLine()
      this.#number++
      this.#isExcused = undefined
    }
  }

  #lineAbove(): string {
    if (this.#start === 0) return ''
    const end = this.#start - 1
    return this.text.slice(end === 0 ? 0 : this.text.lastIndexOf('\n', end - 1) + 1, end)
  }

  #endOfLine(): number {
    const end = this.text.indexOf('\n', this.#start)
    return end < 0 ? this.text.length : end
  }
}
