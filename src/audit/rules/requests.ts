import { anyOf, type Found, matching, type Rule } from '../rule.ts'

const inQuery = /\b(?:api\.)?bitbucket\.org\/[^\s'"`<>#]{0,1000}?[?&](?<name>access_token)=/
const field = /(?<![\w.])(?<name>access_token)["']?\s{0,3}[=:]/
/** A field of curl's or wget's body, or of an object that a library makes a query or a body of. */
const sent =
  /(?:-d|--data(?:-\w{1,10})?|-F|--form|--post-data)[\s=]{0,2}["']?[^\s"']{0,60}$|\b(?:params|data|form|body|query|searchParams)["']?\s{0,3}[=:]\s{0,3}\{\s{0,20}["']?$/

/** Whether it is sent, and to Bitbucket: its address stands in the same statement, or close enough to look so. */
function isSent({ source: { text }, start, end }: Found): boolean {
  if (!sent.test(text.slice(Math.max(0, start - 80), start))) return false
  const before =
    text
      .slice(Math.max(0, start - 300), start)
      .split(/\n\s*\n|;/)
      .at(-1) ?? ''
  const after = text.slice(end, end + 300).split(/\n\s*\n|;/)[0] ?? ''
  return /\bbitbucket\.org\//i.test(`${before}\n${after}`)
}

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
