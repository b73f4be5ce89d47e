import { anyOf, type Found, matching, type Rule } from '../rule.ts'

const inQuery = /\b(?:api\.)?bitbucket\.org\/[^\s'"`<>#]{0,1000}?[?&](?<name>access_token)=/
const field = /(?<![\w.])(?<name>access_token)["']?\s{0,3}[=:]/
/** The text before a field in a body of curl or wget, or in an object that a library turns into a query or a body. */
const sent =
  /(?:-d|--data(?:-\w{1,10})?|-F|--form|--post-data)[\s=]{0,2}["']?[^\s"']{0,60}$|\b(?:params|data|form|body|query|searchParams)["']?\s{0,3}[=:]\s{0,3}\{\s{0,20}["']?$/

/** Whether the field is sent to Bitbucket, that is, whether the same statement contains Bitbucket's address. */
const isSent = ({ source: { text }, start }: Found): boolean =>
  sent.test(text.slice(Math.max(0, start - 80), start)) &&
  /\bbitbucket\.org\//i.test(statementAround(text, start))

/** How far to search for the start and the end of a statement. */
const reach = { lines: 12, characters: 600 }

/** Returns the line with the lines that backslashes join to it, or with the other arguments of the call around it. */
function statementAround(text: string, at: number): string {
  const before = text
    .slice(Math.max(0, at - reach.characters), at)
    .split('\n')
    .slice(-reach.lines)
  const after = text
    .slice(at, at + reach.characters)
    .split('\n')
    .slice(0, reach.lines)
  const line = `${before.pop()}${after.shift()}`
  const indent = indentOf(line)
  const up = [...before.toReversed(), '']
  // Other arguments have the same indentation. The first line above with less may open the call.
  const opener = up.findIndex((other) => indentOf(other) < indent)
  const isCall = (up[opener]?.match(/\(/g)?.length ?? 0) > (up[opener]?.match(/\)/g)?.length ?? 0)
  if (isCall) {
    const end = after.findIndex((other) => indentOf(other) < indent)
    return [...up.slice(0, opener + 1), line, ...after.slice(0, end < 0 ? undefined : end)].join('\n')
  }
  const first = up.findIndex((other) => !other.endsWith('\\'))
  const last = [line, ...after].findIndex((other) => !other.endsWith('\\'))
  return [...up.slice(0, first), line, ...after.slice(0, last < 0 ? undefined : last)].join('\n')
}

const indentOf = (line: string): number => line.length - line.trimStart().length

/** Since 4 May 2026, Bitbucket accepts access tokens only in the Authorization header (Atlassian's announcement, t/99003). */
export const requests: readonly Rule[] = [
  {
    id: 'token-in-request',
    level: 'error',
    what: 'An access token is in the query string or body of a request. Bitbucket has refused this since May 2026.',
    instead:
      'Use the header Authorization: Bearer …, or the value that this program exports as BITBUCKET_AUTHORIZATION.',
    isSecret: false,
    inHistory: false,
    find: anyOf(matching(inQuery), matching(field, isSent)),
  },
]
