import { createHash } from 'node:crypto'
import { isAboutRemoval } from './context.ts'
import { withoutTokens } from './paths.ts'
import { recipeFor } from './recipes.ts'
import type { Level, Match, Rule, Source } from './rule.ts'

/** What a rule found, and where. */
export interface Finding {
  readonly rule: Rule
  /** The bytes of the path, as in git and on the disk, with slashes. */
  readonly path: Buffer
  /** Starts at 1. Columns count UTF-16 code units, as editors and SARIF do. */
  readonly line: number
  readonly column: number
  /** Undefined for a secret, because it would reveal the length. */
  readonly endColumn: number | undefined
  readonly name: string | undefined
  readonly level: Level
  readonly instead: string
  /** The replacement of the line in its language, if it is known. It contains no text of the file. */
  readonly recipe: string | undefined
  /** The commit that introduced it, for a finding in the history. */
  readonly commit?: string
}

/** A finding with a digest of the matched text. The digest is used to compare findings and is never shown. */
export interface Hit extends Finding {
  /** Empty unless findings are compared. */
  readonly digest: string
}

/** How much to keep of what is found, because each finding takes memory. */
interface Limits {
  /** How many findings of each rule are listed. */
  readonly limit: number
  /** Whether findings of several versions of a file will be compared. */
  readonly isComparable: boolean
}

/** The result of scanning one file. */
export interface Scanned {
  readonly hits: readonly Hit[]
  /** Findings that are ignored because of a comment in the file. */
  readonly ignored: readonly Hit[]
  /** How many more of each were found than the limit allows. */
  readonly unlisted: { readonly hits: number; readonly ignored: number }
}

/** The largest file that is scanned, in bytes. Larger files are not hand-written. */
export const sizeLimit = 10 * 1024 * 1024

/** How many findings of a rule are listed for one file. Nobody reads more, and each takes memory. */
export const listedForRule = 1_000

const usualLimits: Limits = { limit: listedForRule, isComparable: true }

/** How much text a rule gets at once, in characters. Nearly all files are smaller. */
const partLength = 250_000
/** How much text around a part a rule gets too. No rule looks further back, and no match is longer. */
const margin = { before: 2_000, behind: 12_000 }

/**
 * Every file with a finding contains one of these texts, except files that a rule recognises by their name. Searching for
 * all of them together is a hundred times faster than searching for each rule.
 */
const anchors =
  /bitbucket|bb[_.-][\w.-]{0,40}(?:app|auth|token|secret|pass|key)|bb(?:app|auth)|x-token-auth|ATBB|AT[AC]TT3|apkg\.io|QVR[BD]VFQz|BVEFUVD|BVENUVD|FUQ[V1]RUM|QVRCQ|BVEJC|FUQk/i
const namedFiles = /\.bitbucket-token\//

/** Whether the content is binary by git's rule: a NUL in the first 8,000 bytes (git: buffer_is_binary). UTF-16 counts as text. */
export const isBinary = (content: Buffer): boolean =>
  content.subarray(0, 8_000).includes(0) && !isUtf16(content)

/** Whether the content starts with the byte order mark of UTF-16, which tools of Windows write. */
const isUtf16 = (content: Buffer): boolean => content[0] === 0xff && content[1] === 0xfe

/** Searches one file with all of the rules. Pauses after each rule and each part of a large file, so that a signal can stop it. */
export async function scanWithPauses(
  path: Buffer,
  content: Buffer,
  rules: readonly Rule[],
  pause: () => Promise<void>,
  limits = usualLimits,
): Promise<Scanned> {
  const steps = scanInSteps(path, content, rules, limits)
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
    await pause()
  }
}

/** Does the same, and yields when it may pause. */
export function* scanInSteps(
  path: Buffer,
  content: Buffer,
  rules: readonly Rule[],
  limits = usualLimits,
): Generator<void, Scanned> {
  const name = path.toString('utf8')
  const list = new FindingList(path, limits)
  if (!isUtf16(content) && !anchors.test(content.toString('latin1')) && !namedFiles.test(name)) return list
  const text = isUtf16(content) ? content.toString('utf16le') : content.toString('utf8')
  const lines = new Lines(text)
  const isWholeFile = text.length <= partLength
  /** Where the last secret ends, and the last match of each other rule. */
  const ends = new Map<Rule | 'secret', number>()
  for (let from = 0; from === 0 || from < text.length; from += partLength) {
    const begin = Math.max(0, from - margin.before)
    const part = isWholeFile ? text : text.slice(begin, from + partLength + margin.behind)
    const source: Source = { path: name, text: part, isWholeFile }
    const found: RuleMatch[] = []
    for (const rule of rules) {
      for (const match of rule.find(source)) {
        const start = begin + match.start
        if (!rule.isSecret && isAboutRemoval(source, match.start)) continue
        if (start < from || (start >= from + partLength && !isWholeFile)) continue
        found.push({ rule, match: { ...match, start, end: begin + match.end } })
      }
      yield
    }
    for (const matched of withoutOverlaps(found, rules, ends)) list.add(matched, lines)
  }
  return list
}

interface RuleMatch {
  readonly rule: Rule
  readonly match: Match
}

/** Sorts matches by position. If several rules find the same secret, only the match of the first rule stays. */
function withoutOverlaps(
  found: RuleMatch[],
  rules: readonly Rule[],
  ends: Map<Rule | 'secret', number>,
): RuleMatch[] {
  const kept: (RuleMatch | undefined)[] = []
  /** The index in `kept` of the last match of each rule. All rules for secrets share one entry. */
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

/** Collects the findings of one file, up to the limit. */
class FindingList implements Scanned {
  readonly hits: Hit[] = []
  readonly ignored: Hit[] = []
  readonly unlisted = { hits: 0, ignored: 0 }
  readonly #path: Buffer
  readonly #name: string
  readonly #limits: Limits
  readonly #counts = { hits: new Map<Rule, number>(), ignored: new Map<Rule, number>() }

  constructor(path: Buffer, limits: Limits) {
    this.#path = path
    this.#name = path.toString('utf8')
    this.#limits = limits
  }

  add({ rule, match }: RuleMatch, lines: Lines): void {
    const to = lines.isIgnored(match.start) ? 'ignored' : 'hits'
    const count = this.#counts[to].get(rule) ?? 0
    this.#counts[to].set(rule, count + 1)
    if (count >= this.#limits.limit) {
      this.unlisted[to]++
      return
    }
    this[to].push({
      rule,
      path: this.#path,
      ...lines.place(match, rule.isSecret === true),
      name: match.name && copied(withoutTokens(match.name)),
      level: match.level ?? rule.level,
      instead: match.instead ?? rule.instead,
      recipe: rule.hasRecipe ? recipeFor(this.#name, lines.lineOf(match.start)) : undefined,
      digest: this.#limits.isComparable ? digestOf(lines.text.slice(match.start, match.end)) : '',
    })
  }
}

const digestOf = (text: string): string => createHash('sha256').update(text).digest('base64')

/** Copies a text, because a slice keeps the whole string in memory (V8: sliced strings). */
const copied = (text: string): string => Buffer.from(text, 'utf8').toString('utf8')

/** A comment that ignores the findings on its line, for example in a test. */
const ignoreLine = /\bbitbucket-token-audit: ignore\b(?!-)/
/** A comment on its own line that ignores the findings on the next line. */
const ignoreNext = /^\s{0,200}(?:[#;*%']|\/[/*]|<!--|--|rem\b).*\bbitbucket-token-audit: ignore\b(?!-)/i
const ignoreFile = /\bbitbucket-token-audit: ignore-file\b/

/** Finds the lines of offsets, which must be asked for in ascending order. */
class Lines {
  readonly text: string
  readonly #isFileIgnored: boolean
  #number = 1
  #start = 0
  #end: number
  /** Whether a comment ignores the current line. Cached, because a line can be as long as its file and full of findings. */
  #isLineIgnored: boolean | undefined

  constructor(text: string) {
    this.text = text
    this.#isFileIgnored = ignoreFile.test(text)
    this.#end = this.#endOfLine()
  }

  place({ start, end }: Match, isSecret: boolean): Pick<Finding, 'line' | 'column' | 'endColumn'> {
    this.#goTo(start)
    const column = start - this.#start + 1
    const endColumn = isSecret ? undefined : column + Math.min(end, this.#end) - start
    return { line: this.#number, column, endColumn }
  }

  /** Returns the text around an offset on its line. A line can be as long as its file, so it is cut. */
  lineOf(offset: number): string {
    this.#goTo(offset)
    const from = Math.max(this.#start, offset - 200)
    return this.text.slice(from, Math.min(this.#end, offset + 300))
  }

  /** Whether a comment on the offset's line, on the line above or for the whole file ignores a finding there. */
  isIgnored(offset: number): boolean {
    if (this.#isFileIgnored) return true
    this.#goTo(offset)
    this.#isLineIgnored ??=
      ignoreLine.test(this.text.slice(this.#start, this.#end)) || ignoreNext.test(this.#lineAbove())
    return this.#isLineIgnored
  }

  #goTo(offset: number): void {
    while (this.#end < offset) {
      this.#start = this.#end + 1
      this.#end = this.#endOfLine()
      this.#number++
      this.#isLineIgnored = undefined
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
