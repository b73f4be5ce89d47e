import type { Candidate, Source } from './rule.ts'

/** Files for people, in which a path or a name may only be mentioned. */
export const isProse = ({ path }: Source): boolean => /\.(?:md|mdx|rst|adoc|txt|html?)$/i.test(path)

/** Files of tests, in which a text is often a placeholder. */
export const isTest = ({ path }: Source): boolean =>
  /(?:^|[./_-])(?:tests?|specs?|__tests__|snap|__snapshots__|fixtures|testdata|mocks?)(?:[./_-]|$)/i.test(
    path,
  )

/** Whether a name is a word of a message in quotes, by the text before and after it on its line. */
export const isInMessage = (before: string, after: string): boolean =>
  (/["'`](?:[a-z]{2,20},? ){2}[^"'`$%{=]{0,60}$/i.test(before) && /^(?:["'`:.,]|\s[a-z])/i.test(after)) ||
  (/["'`]$/.test(before) && /^ (?:[a-z]{1,20}[ .,]){2}/.test(after))

const cached = <T>(compute: (source: Source) => T): ((source: Source) => T) => {
  const known = new WeakMap<Source, T>()
  return (source) => {
    const before = known.get(source)
    if (before !== undefined) return before
    const value = compute(source)
    known.set(source, value)
    return value
  }
}

/** Whether the text mentions Bitbucket. */
export const mentionsBitbucket = cached(({ text }) => /bitbucket/i.test(text))
/** Whether the text contains the address of Bitbucket's API. */
export const hasApiAddress = cached(({ text }) => /\bapi\.bitbucket\.org\b/i.test(text))
/** Whether the text is about Bitbucket Server or Data Center, which accept passwords. */
export const isAboutServer = cached(({ path, text }) =>
  /bitbucket[_.-]?(?:server|dc\b|data[ _-]?center)|\bbitbucket\.(?!org\b)[\w-]{1,60}\.[a-z]|\/rest\/api\//i.test(
    `${path}\n${text}`,
  ),
)

/** Words about what was removed, renamed or must not be done. */
const removal =
  /\b(?:removed?|renamed?|replaced?|deprecated|no longer|any ?more|gone|never|do not|don't|in place of|instead of|(?:answers?|returns?) 4(?:04|10)|(?:old|former|previous) (?:form|name|variable|way))\b/i
const changeFile = /(?:^|\/)(?:change(?:s|log)|history|news|release[_-]?notes)\b[^/]*$/i
/** Whether a text for people says at this place what has changed. Then it mentions an old form, and does not use it. */
export const isAboutRemoval = (source: Source, at: number): boolean =>
  isProse(source) &&
  (changeFile.test(source.path) || removal.test(lineBefore(source.text, at) + lineAfter(source.text, at)))

/** How far a window reaches, in characters. */
const reach = 400

/** Returns the text around an offset: at most five lines and 400 characters in each direction. */
export function windowAround(text: string, at: number): string {
  const before = text.slice(Math.max(0, at - reach), at).split('\n')
  const after = text.slice(at, at + reach).split('\n')
  return before.slice(-6).join('\n') + after.slice(0, 6).join('\n')
}

/** Returns the text before an offset on its line, at most `length` characters. */
export const lineBefore = (text: string, at: number, length = 300): string =>
  text
    .slice(Math.max(0, at - length), at)
    .split('\n')
    .at(-1) ?? ''

/** Returns the text after an offset on its line, at most `length` characters. */
export const lineAfter = (text: string, at: number, length = 300): string =>
  text.slice(at, at + length).split('\n', 1)[0] ?? ''

/** How far to search for the start and the end of a statement. */
const statement = { lines: 12, characters: 600 }

/** Returns the line with the lines that backslashes join to it, or with the other arguments of the call around it. */
export function statementAround(text: string, at: number): string {
  const before = text
    .slice(Math.max(0, at - statement.characters), at)
    .split('\n')
    .slice(-statement.lines)
  const after = text
    .slice(at, at + statement.characters)
    .split('\n')
    .slice(0, statement.lines)
  const line = `${before.pop()}${after.shift()}`
  const indent = indentOf(line)
  const up = [...before.toReversed(), '']
  // Other arguments have the same indentation. The first line above with less may open the call.
  const opener = up.findIndex((other) => indentOf(other) < indent)
  const isCall = (up[opener]?.match(/\(/g)?.length ?? 0) > (up[opener]?.match(/\)/g)?.length ?? 0)
  if (isCall) {
    const end = after.findIndex((other) => indentOf(other) < indent)
    return [...up.slice(0, opener + 1).toReversed(), line, ...after.slice(0, end < 0 ? undefined : end)].join(
      '\n',
    )
  }
  const first = up.findIndex((other) => !/\\\r?$/.test(other))
  const last = [line, ...after].findIndex((other) => !/\\\r?$/.test(other))
  return [...up.slice(0, first).toReversed(), line, ...after.slice(0, last < 0 ? undefined : last)].join('\n')
}

const indentOf = (line: string): number => line.length - line.trimStart().length

/** Files in which scanners for secrets keep their rules and results. */
const scannerFile =
  /(?:^|\/)(?:\.secrets\.baseline|[^/]*(?:gitleaks|trufflehog|semgrep|secretlint|noseyparker|kingfisher|talisman|ggshield|gitguardian|whispers|detect-secrets)[^/]*)$/i
const ruleKey =
  /\bDetector\w{0,10}[_.]\w{0,40}$|\b(?:rule_?id|detector(?:_?name)?)["']?\s{0,4}[:=]\s{0,4}["'`]?[\w.-]{0,40}$/i
const idKey = /(?:^|[\s{,-])["']?(?:id|name|rule|title)["']?\s{0,4}[:=]\s{0,4}["'`]?[\w.-]{0,40}$/i
const scannerWords = /\b(?:regexp?|pattern(?:-regex)?|keywords|severity|entropy|level)["']?\s{0,3}[:=]/i

/** The value of a variable that is a rule or a regular expression. */
const searchValue =
  /^[\w.-]{1,100}["'`]?\]?\s{0,4}(?::?=|:)\s{0,4}(?:&?[\w.]{0,40}(?:rule|detector|pattern)\w{0,20}\s{0,2}[{(]|\{\s{0,40}["']?(?:regexp?|pattern)\b|r?["'`/][^"'`\n]{0,80}\]\{\d|re\.compile\(|regexp?\.|new\sRegExp\()/i

/** Whether the name is that of a scanner's rule. Such a rule searches for a secret and does not use one. */
export function isScannerRule({ source, start }: Pick<Candidate, 'source' | 'start'>): boolean {
  if (scannerFile.test(source.path)) return true
  const before = lineBefore(source.text, start, 100)
  if (searchValue.test(lineAfter(source.text, start, 200))) return true
  return ruleKey.test(before) || (idKey.test(before) && scannerWords.test(windowAround(source.text, start)))
}
