import { hasApiAddress, isProse, lineBefore, statementAround, windowAround } from '../context.ts'
import { anyOf, type Candidate, type Level, matching, type Rule } from '../rule.ts'

const inQuery = /\b(?:api\.)?bitbucket\.org\/[^\s'"`<>#]{0,1000}?[?&](?<name>access_token)=/
const field = /(?<![\w.])(?<name>access_token)["']?\s{0,3}(?:=>|[=:,])/
/** The text before a field in a body of curl or wget, or in an object that a library turns into a query or a body. */
const sent =
  /(?:-d|--data(?:-\w{1,10})?|-F|--form|--post-data)[\s=]{0,2}["']?[^\s"']{0,60}$|\bsearchParams\.(?:set|append)\(\s{0,3}["']$|\b(?:params|data|form|body|query|searchParams|form_params)["']?\s{0,3}(?:=>|[=:])\s{0,3}[{[]\s{0,20}["']?$|\b(?:add_query_arg|http_build_query|urlencode|URLSearchParams)\(\s{0,20}(?:[[{]|array\()?\s{0,20}["']?$/

/**
 * Whether the field is sent to Bitbucket, that is, whether the same statement contains Bitbucket's address. The address may
 * also be in a variable: one that is named so, or one from the lines around.
 */
function isSent({ source, start }: Candidate): boolean | Level {
  const { text } = source
  if (!sent.test(text.slice(Math.max(0, start - 80), start))) return false
  const statement = statementAround(text, start)
  if (/\bbitbucket\.org\//i.test(statement)) return true
  if (isProse(source) || /\/\/[\w-]{1,60}\./.test(statement)) return false
  if (hasApiAddress(source) && /bitbucket/i.test(statement)) return true
  const isQuery = /\b(?:add_query_arg|http_build_query|searchParams|params|query)\b/i.test(statement)
  return isQuery && /\bapi\.bitbucket\.org\b/i.test(windowAround(text, start)) ? 'question' : false
}

/** Matches a field of a query in the form of HTTPie: `access_token==$TOKEN`. */
const httpie = /(?<![\w.])(?<name>access_token)==/
const isOfHttpie = ({ source: { text }, start }: Candidate): boolean =>
  /\bhttps?\s(?:.*\s)?["']?(?:https:\/\/)?(?:api\.)?bitbucket\.org\//i.test(lineBefore(text, start))

/** Matches a query that is apart from its address: `base + '?access_token='`, `"$BASE/user?access_token=`. */
const splitQuery = /[?&](?<name>access_token)=/
const isOfApi = ({ source, start }: Candidate): boolean =>
  !isProse(source) &&
  hasApiAddress(source) &&
  !/\/\/(?!api\.bitbucket\.org)[\w-]{1,60}\.[\w.-]{1,60}/i.test(lineBefore(source.text, start)) &&
  !/\bbitbucket\.org\//i.test(lineBefore(source.text, start, 1_000))

/** Since 4 May 2026, Bitbucket accepts access tokens only in the Authorization header (Atlassian's announcement, t/99003). */
export const requests: readonly Rule[] = [
  {
    id: 'token-in-request',
    level: 'error',
    what: 'An access token is in the query string or body of a request. Bitbucket has refused this since May 2026.',
    instead:
      'Use the header Authorization: Bearer …, or the value that this program exports as BITBUCKET_AUTHORIZATION.',
    hasRecipe: true,
    find: anyOf(
      matching(inQuery),
      matching(field, isSent),
      matching(httpie, isOfHttpie),
      matching(splitQuery, isOfApi),
    ),
  },
]
