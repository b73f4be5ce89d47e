import { anyOf, type Found, matching, type Rule } from '../rule.ts'

const inQuery = /\b(?:api\.)?bitbucket\.org\/[^\s'"`<>#]{0,1000}?[?&](?<name>access_token)=/
const field = /(?<![\w.])(?<name>access_token)["']?\s{0,3}[=:]/
/** A field of curl's or wget's body, or of an object that a library makes a query or a body of. */
const sent =
  /(?:-d|--data(?:-\w{1,10})?|-F|--form|--post-data)[\s=]{0,2}["']?[^\s"']{0,60}$|\b(?:params|data|form|body|query|searchParams)["']?\s{0,3}[=:]\s{0,3}\{\s{0,20}["']?$/

/** Whether it is sent, and to Bitbucket: the address stands in the same statement. */
const isSent = ({ source: { text }, start }: Found): boolean =>
  sent.test(text.slice(Math.max(0, start - 80), start)) &&
  /\bbitbucket\.org\//i.test(statementAround(text, start))

/** So far a statement is followed, up and down, in lines and in characters. */
const reach = { lines: 12, characters: 600 }

/** The line, with those that a backslash joins to it, or with the other arguments of the call that it is in. */
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
  // Beside the field stand the arguments, above them the beginning of the call.
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

/** Access tokens are taken in the Authorization header alone since 4 May 2026 (Atlassian's announcement, t/99003). */
export const requests: readonly Rule[] = [
  {
    id: 'token-in-request',
    level: 'error',
    what: 'An access token in the query string or body of a request: refused since May 2026.',
    instead: 'The header Authorization: Bearer …, or what this program exports as BITBUCKET_AUTHORIZATION.',
    isSecret: false,
    inHistory: false,
    find: anyOf(matching(inQuery), matching(field, isSent)),
  },
]
