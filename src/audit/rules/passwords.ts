import {
  isAboutServer,
  isInMessage,
  isProse,
  isScannerRule,
  lineAfter,
  lineBefore,
  mentionsBitbucket,
  statementAround,
  windowAround,
} from '../context.ts'
import { isLiteral } from '../literal.ts'
import { anyOf, type Candidate, type Level, type Match, matching, type Rule, type Source } from '../rule.ts'

const passwordName = /pass(?:word|wd|phrase)?(?![a-z])|pwd|(?<![a-z])pw(?![a-z])/i
const tokenName = /token|(?:^|[^a-z])pat(?![a-z])|key|jwt|secret|client|oauth|bearer/i
/** A name that a token may have, but also a password. `KEY:SECRET` is the pair of an OAuth client. */
const unclearName = /^(?!.*(?:token|jwt|client|oauth|bearer)).*(?:key|secret)/i
const appPasswordName = /app[_.-]?(?:pass|pwd|pw(?![a-z]))/i

/** Whether a text contains a variable of a shell, a CI, a template or a program. */
const isVariable = (text: string): boolean => /\$|<%|[%#{]\w|\{\s|\{\}|%[A-Za-z]|#\{/.test(text)

/**
 * Says how certain it is that the second part of a pair is an app password. Bitbucket accepted only app passwords as
 * passwords. A name that says nothing is a question, because it may hold an API token.
 */
function verdictOn(user: string, secret: string, line: string): Level | false {
  if (/x-(?:bitbucket-api-token|token)-auth/i.test(user) || appPasswordName.test(line)) return false
  if (unclearName.test(secret))
    return tokenName.test(user) || /mail|id(?![a-z])/i.test(user) ? false : 'question'
  if (tokenName.test(secret)) return false
  if (passwordName.test(secret)) return 'error'
  const isPlaceholder = /^(?:%[sv]|\{\d?\}|\$\d)$/.test(secret)
  if (isPlaceholder && (passwordName.test(line) || !tokenName.test(line))) return 'question'
  return !isPlaceholder && isVariable(secret) && !/mail/i.test(user) ? 'question' : false
}

/** Writes `' + user + '` as `{user}`, so that a URL in pieces reads like a template. Other languages join with a dot or `&`. */
const asTemplate = (url: string): string =>
  url.replace(
    /(["'])\s{0,3}(?:[+&]|\.{1,2})\s{0,3}((?:[^"'[(\n]|\[[^\]\n]{0,60}\]|\([^)\n]{0,60}\)){1,80}?)\s{0,3}(?:[+&]|\.{1,2})\s{0,3}\1/g,
    '{$2}',
  )

const host = /@(?:api\.)?bitbucket\.org(?![.\w-])/gi

/** Splits `user:secret` at the first colon outside of brackets. `$env:NAME` contains a colon too. */
function splitPair(text: string): readonly [user: string, secret: string] | undefined {
  let depth = 0
  for (let index = 0; index < text.length; index++) {
    const character = text[index] ?? ''
    if ('{[('.includes(character)) depth++
    else if ('}])'.includes(character)) depth--
    else if (character === ':' && depth <= 0 && !/\$env$/i.test(text.slice(0, index)))
      return [text.slice(0, index), text.slice(index + 1)]
  }
  return undefined
}

/** Finds `https://USER:PASSWORD@bitbucket.org` whose parts are variables. */
function* inUrl(source: Source): Iterable<Match> {
  for (const { index, 0: all } of source.text.matchAll(host)) {
    const before = lineBefore(source.text, index, 300)
    const from = Math.max(before.lastIndexOf('https://') + 8, before.lastIndexOf('http://') + 7)
    if (from < 8) continue
    const text = before.slice(from)
    const url = asTemplate(text)
    const [user = '', secret = ''] = splitPair(url) ?? []
    if (!isVariable(secret) || (isProse(source) && !/\$/.test(secret))) continue
    if (/[/@]/.test(url.replace(/\$?\{[^{}]*\}/g, ''))) continue
    const level = verdictOn(user, secret, before + lineAfter(source.text, index, 200))
    if (level !== false) yield { start: index - text.length, end: index + all.length, level }
  }
}

/** Matches curl's `-u USER:PASSWORD`, and the same of HTTPie. */
const curl =
  /(?:-u|--user|\s-a|--auth)[\s=]{0,3}(?:"(?<double>[^"\s]{1,300})"|'(?<single>[^'\s]{1,300})'|(?<bare>[^\s"']{1,300}))/
const toApi = /\bapi\.bitbucket\.org\b/i

function curlVerdict({
  groups: { double, single, bare },
  source: { text },
  start,
}: Candidate): Level | false {
  const [user = '', secret = ''] = splitPair(double ?? single ?? bare ?? '') ?? []
  if (!isVariable(secret) || tokenName.test(user) || !toApi.test(statementAround(text, start))) return false
  return verdictOn(user, secret, secret)
}

/** Matches wget's `--password=PASSWORD`. */
const wget = /--(?:http-)?password[\s=]{1,3}["']?(?<secret>[^\s"']{1,300})/
function wgetVerdict({ groups: { secret = '' }, source: { text }, start }: Candidate): Level | false {
  const statement = statementAround(text, start)
  const isRequest = /\bwget\b/.test(statement) && /\bbitbucket\.org\//i.test(statement)
  return isRequest && isVariable(secret) && verdictOn('', secret, secret)
}

/** Matches the password of Renovate's user on its platform. */
const renovate =
  /(?<name>\bRENOVATE_PASSWORD|(?<![\w.])password)["']?\s{0,3}[:=]\s{0,3}(?<secret>[^\s,;]{1,100})/
const onBitbucket = /\b(?:RENOVATE_)?platform["']?\s{0,3}[:=]\s{0,3}["']?bitbucket(?![\w-])/i
const isEmail = /user(?:name)?["']?\s{0,3}[:=]\s{0,3}["']?[^\n]{0,60}(?:@|mail)/i

function renovateVerdict({ groups: { secret = '' }, source: { text }, start }: Candidate): Level | false {
  // A word in quotes may be a placeholder, and a short word is one of a test or a sentence.
  const word = secret.replace(/["'`]/g, '')
  if (/^\w{0,7}$/.test(word) || (word !== secret && !isVariable(word) && !isLiteral(word))) return false
  const around = windowAround(text, start)
  // A rule for a host has its own pattern.
  const isForHost = /matchHost/.test(text.slice(Math.max(0, start - 200), start))
  return onBitbucket.test(around) &&
    !isForHost &&
    !isEmail.test(around) &&
    !appPasswordName.test(lineAfter(text, start))
    ? 'question'
    : false
}

/** Matches a pair in a program: `auth=(USER, PASSWORD)`, `SetBasicAuth(…)`, `HTTPBasicAuth(…)`. */
const basicAuthCall =
  /(?:\bauth["']?\s{0,3}[=:]\s{0,3}[([]|BasicAuth\(|\bbasic_auth[ (:])\s{0,3}(?<user>[^,\n]{1,80}),\s{0,3}(?<secret>[^,\n]{1,80})/

function basicAuthVerdict({ groups: { user = '', secret = '' }, source, start }: Candidate): Level | false {
  if (isProse(source) || !/\bapi\.bitbucket\.org\b/i.test(windowAround(source.text, start))) return false
  // A value that is written out is a secret for another rule, or a placeholder.
  if (/^(?:\w{1,20}\s?[:=]\s?)?["'][^"']{0,60}["']/.test(secret)) return false
  return passwordName.test(secret) &&
    !tokenName.test(secret) &&
    !appPasswordName.test(secret) &&
    !/mail/i.test(user)
    ? 'error'
    : false
}

/** Matches `BITBUCKET_PASSWORD`, `bb_pass` and `bitbucketPassword`. */
const passwordVariable = /(?<name>(?:bitbucket|\bbb_?)\w{0,30}?(?:password|passwd|pass(?![a-z])|pwd))(?!\w)/
const beforeName = /(?:[$%'"(,.{:=[]|\{\{)\s{0,4}$|\b(?:env|arg|export|set)[ \t]+$/i
const afterName = /^['"\]]{0,2}\s{0,4}(?::?=(?!=)|:(?=\s|$))/

function variableVerdict(found: Candidate): Level | false {
  const { source, start, end } = found
  const { text } = source
  const { name = '' } = found.groups
  // Other words that start with these letters: `BBOX_PASSWORD`.
  if (/^(?:bb(?!pass|pwd|app)[a-z]|BB(?!PASS|PWD|APP)[A-Z])/.test(name)) return false
  if (/app_?(?:pass|pwd)|server/i.test(name) || isProse(source) || isAboutServer(source)) return false
  const before = lineBefore(text, start, 100)
  if (!/^[A-Z]|[a-z]P/.test(name) && /^\s*(?:#|\/\/|\*)/.test(before)) return false
  if (isInMessage(before, lineAfter(text, end, 120))) return false
  if (!beforeName.test(before) && !afterName.test(lineAfter(text, end, 40))) return false
  // The parameter of a function is named by its caller.
  if (/\b(?:def|func|function|fn)\b/.test(before)) return false
  if (isScannerRule(found)) return false
  return /@bitbucket\.org|\bapi\.bitbucket\.org/i.test(windowAround(text, start)) ? 'error' : 'question'
}

/** Matches Atlassian's own name for `user:app-password` in one variable. */
const authString = /(?<name>(?:bb|bitbucket)\w{0,20}auth_?(?:string|str))(?!\w)/
const isAuthString = (found: Candidate): boolean => {
  const before = lineBefore(found.source.text, found.start, 60)
  const after = lineAfter(found.source.text, found.end, 20)
  return /(?:[$%'"({.]|\$\{|\b(?:export|set|env|arg|ENV)\s)\w{0,30}$/i.test(before)
    ? !isProse(found.source) || /[$]/.test(before)
    : !isProse(found.source) && afterName.test(after)
}

/** Matches `curl -u "$NAME"`, a pair in one variable. */
const pairForCurl =
  /(?:-u|--user)[\s=]{0,3}["']?(?<name>\$\{?\w{1,60}\}?|\$\(\w{1,60}\)|%\w{1,60}%|\$\{\{\s?[\w.]{1,80}\s?\}\})["']?(?=\s)/
const isPairForApi = ({ groups: { name = '' }, source: { text }, start }: Candidate): boolean =>
  !/auth_?str/i.test(name) &&
  !/token|mail|user(?!_?(?:pass|pwd))/i.test(name) &&
  toApi.test(statementAround(text, start))

/** Matches the address of the API with a variable as its user name. */
const pairInUrl = /https:\/\/(?<name>\$\{?\w{1,60}\}?)@(?:api\.)?bitbucket\.org\b/
const isPairInUrl = ({ groups: { name = '' }, source: { text }, start, end }: Candidate): boolean =>
  !/auth_?str/i.test(name) &&
  (/auth|cred/i.test(name) || (!/user/i.test(name) && /api\.bitbucket\.org$/i.test(text.slice(start, end))))

/** Also the classes of requests-oauthlib and golang.org/x/oauth2 for this grant. */
const passwordGrant =
  /\bgrant_?type["']?\s{0,3}(?:=>|[=:,])\s{0,3}[{[]?["']?password(?![\w-])|\b(?:LegacyApplicationClient|PasswordCredentialsToken)\(/
const isAtBitbucket = ({ source, start }: Candidate): boolean =>
  !isProse(source) && /\bbitbucket\.org\/site\/oauth2\b/i.test(windowAround(source.text, start))

const instead =
  'Use an access token or OAuth token (user name x-token-auth for git), or an API token (the email address for the REST API, x-bitbucket-api-token-auth for git).'

/** Yields one match for each line. A line with several names has one fault. */
function oncePerLine(find: Rule['find']): Rule['find'] {
  return function* (source) {
    let end = -1
    for (const match of [...find(source)].sort(
      (a, b) => a.start - b.start || (a.level === 'error' ? -1 : 1),
    )) {
      if (match.start <= end) continue
      yield match
      const next = source.text.indexOf('\n', match.start)
      end = next < 0 ? source.text.length : next
    }
  }
}

/** Passwords under other names. Bitbucket has never accepted the password of an Atlassian account here since 2022. */
export const passwords: readonly Rule[] = [
  {
    id: 'user-and-password',
    level: 'error',
    what: 'A user name is used with a password. Bitbucket accepted only app passwords here, and these stopped working on 2026-07-28.',
    instead: `${instead} If the variable holds such a token already, rename it.`,
    hasRecipe: true,
    find: oncePerLine((source) =>
      mentionsBitbucket(source)
        ? anyOf(
            inUrl,
            matching(curl, curlVerdict),
            matching(wget, wgetVerdict),
            matching(renovate, renovateVerdict),
            matching(basicAuthCall, basicAuthVerdict),
            matching(passwordVariable, variableVerdict),
          )(source)
        : [],
    ),
  },
  {
    id: 'auth-string',
    level: 'question',
    what: 'A variable probably holds a user name and an app password. App passwords stopped working on 2026-07-28.',
    instead: `${instead} If the variable holds an email address and an API token already, ignore this line.`,
    hasRecipe: true,
    find: oncePerLine(
      anyOf(
        matching(authString, isAuthString),
        matching(pairForCurl, isPairForApi),
        matching(pairInUrl, isPairInUrl),
      ),
    ),
  },
  {
    id: 'password-grant',
    level: 'error',
    what: 'A request for a token uses the password grant. Bitbucket does not support it.',
    instead: 'Use the client-credentials grant (client-id and client-secret).',
    hasRecipe: true,
    find: matching(passwordGrant, isAtBitbucket),
  },
]
