import {
  isInMessage,
  isProse,
  isScannerRule,
  isTest,
  lineAfter,
  lineBefore,
  mentionsBitbucket,
  windowAround,
} from '../context.ts'
import { decoded, isRandom } from '../literal.ts'
import { anyOf, type Candidate, type Level, type Match, matching, type Rule, type Source } from '../rule.ts'

const replacement =
  'Use an Atlassian API token (email and api-token), an access token, or an OAuth client (client-id and client-secret).'

/** Matches `BITBUCKET_APP_PASSWORD`, `bb_app_pwd` and `bitbucket.app-password`, but not prose, which uses spaces or a plural. */
const variable =
  /(?<name>(?:bitbucket|(?<![a-z\d])bb[_.-])[\w.-]{0,40}?app[_.-]?(?:password|passwd|pass(?![a-z])|pwd|pw(?![a-z])))(?!s(?![a-z]))/

/** The text before a variable that is read (`$NAME`, `secrets.NAME`, `'NAME'`, `{{ NAME`) or passed on (`--name`, `-e NAME`, `ENV NAME`, `read NAME`, `secrets/NAME`, `~/.NAME`). */
const beforeUse =
  /(?:[$%'"]|\$[{(]|[$%](?:::)?env[:(]|\{\{-?\s{0,4}|\b(?:secrets|env|vars)\.|\B--|(?:-e|--env)[ =]|\b(?:env|arg|export|set)[ \t]+|\bread\s[^|;\n]{0,50}\s|(?:\bsecrets?|~|\$\{?HOME\}?)\/[\w./-]{0,40}|--(?:secret(?:-id|-name)?|name)[ =]|<\w{0,20}id>)\w{0,20}$/i
/** The text before a name in a program that is part of a path of names or an argument: `var.NAME`, `f(NAME`, `user + NAME`. */
const beforeRead = /(?:[\w\])]\.|[=(,[{:+&]\s{0,4}|\.\.\s)\w{0,20}$/
/** The text after a variable that is set: `NAME=`, `name: …`, `"name": …`, `name := …`. */
const afterUse = /^\w{0,20}['"\]]{0,2}[ \t]{0,8}(?::?=(?!=)|:(?=\s|$)|\?=|\|\|=|\+=)/
const afterRead = /^\w{0,20}\s{0,4}(?:[,)\]};+&.]|$)/
/** The text after a name that is the first word of a message, or the key of a text for people. */
const messageAfter =
  /^\w{0,20}\s[a-z]{1,20}[\s.,]|^[\w.-]{0,60}["']\s{0,2}[:=]\s{0,2}["'](?:[^"'\s$%{<]{1,40}\s){2}/i
/** The text after a name that is the key of a text for people: `appPassword.label=App password`. */
const labelKey = /^[._-](?:label|title|help|hint|description|placeholder|tooltip|error|message|text)\b/i
/** The text before a name in a form, where people may enter an API token by now. */
const beforeField = /\b(?:for|htmlFor|id|name)=["']\w{0,20}$/
/** The text before a password that is written out. */
const beforePassword = /pass(?:word|wd)?["']?\s{0,3}(?:=>|[:=])\s{0,3}["'`]$/i
const refusal = /no longer|deprecated|retired|stopped working|(?:was|were) removed|not (?:work|supported)/i
/** The text before a name for which a command searches. */
const beforeSearched = /\b(?:grep|rg|ack)\s(?:[^|;&$\n]|\|(?!\s)){0,60}$/
const comment = /^\s{0,40}(?:#|\/[/*]|\*|--|;|"""|<!--)|\s(?:#|\/\/)\s/

/** Whether the name is used as a variable, and is not a word in a sentence. */
function isUsed(found: Candidate, name: string): boolean {
  const { source, start, end } = found
  const before = lineBefore(source.text, start, 60)
  const after = lineAfter(source.text, end, 120).trimEnd()
  if (/["']$|["'][\w.-]{1,60}$/.test(before) && messageAfter.test(after)) return false
  if (isInMessage(before, after) || labelKey.test(after) || beforeSearched.test(before) || isRefused(found))
    return false
  // Only programs use camel case. A list item that is only a name is a variable to pass on.
  const isItem = /^[ \t]*-[ \t]+$/.test(before) && after === ''
  if (/[aA]pp(?:Pass|Pwd)/.test(name) || beforeUse.test(before) || afterUse.test(after) || isItem) return true
  return (
    !isProse(source) &&
    !comment.test(before) &&
    !name.includes('-') &&
    beforeRead.test(before) &&
    afterRead.test(after)
  )
}

const isField = ({ source: { text }, start }: Candidate): boolean =>
  beforeField.test(lineBefore(text, start, 60))

/** Whether a condition or comment is there only to refuse it: `if [ -n "$NAME" ]; then echo "App passwords no longer work"`. */
function isRefused({ source: { text }, start, end }: Candidate): boolean {
  const before = lineBefore(text, start, 100)
  const isCondition = /\bif\b|\[ -[nz] |\bunless\b/.test(before) || comment.test(before)
  const nextLines = text.slice(end, end + 300).split('\n', 3)
  return isCondition && refusal.test(nextLines.join('\n'))
}

/** The start of an app password in Base64, behind 0, 1 and 2 other bytes (RFC 4648, section 4). */
const encoded = /(?:QVRCQ|BVEJC|FUQk)[\w+/-]{30,800}/
const isEncodedPassword = (found: Candidate): boolean => {
  const [secret = '', random = ''] = /(?<![\w+/-])ATBB([\w=.-]{28,60})(?![\w+/])/.exec(decoded(found)) ?? []
  return secret !== '' && isRandom(random)
}

/** Other products that have app passwords. */
const otherProducts =
  /gmail|google|smtp|mail|imap|yahoo|outlook|(?:next|own)cloud|wordpress|\bwp[_-]|bsky|bluesky|apple|icloud|fastlane|zoho|synology|github|gitlab|jira|nexus|docker/i
const genericName = /app[_-]?(?:password|passwd|pass|pwd|pw)(?![a-z])/gi
const bitbucketCloud = /bitbucket(?![_.-]?(?:server|dc\b|data))/i

/** Finds `APP_PASSWORD`, `appPassword` and similar names beside Bitbucket. Elsewhere in the file, they are a question. */
function* genericNames(source: Source): Iterable<Match> {
  for (const { 0: word, index } of source.text.matchAll(genericName)) {
    if (!mentionsBitbucket(source)) return
    const [prefix = ''] = /[\w.-]{0,60}$/.exec(lineBefore(source.text, index, 60)) ?? []
    if (/bitbucket|(?:^|[^a-z])bb[_.-]/i.test(prefix)) continue
    const [own = ''] = /\w*$/.exec(prefix) ?? []
    const start = index - own.length
    const end = index + word.length
    const found: Candidate = { groups: {}, source, start, end }
    // `apppassword` is a key of a table, and `isAppPassword` a function.
    const isFunction = /(?:^|[^a-z])(?:is|has|no|rejects?|refuses?|removes?|without)$/i.test(own)
    if (isFunction || /^app(?:pass|pwd)/.test(word)) continue
    const before = lineBefore(source.text, start, 200)
    if (comment.test(before) || !isUsed(found, own + word) || isScannerRule(found)) continue
    const isPlaceholder = own === '' && beforePassword.test(before) && /["'`]/.test(source.text[end] ?? '')
    if (isPlaceholder && isTest(source)) continue
    // A type that has the text as one of its values.
    if (/\|\s?["']$/.test(before) || /^["']\s?\|/.test(lineAfter(source.text, end))) continue
    if (otherProducts.test(before + lineAfter(source.text, start, 200))) continue
    const isNear = bitbucketCloud.test(windowAround(source.text, start))
    yield {
      start,
      end,
      name: own + word,
      ...((!isNear || isPlaceholder || isField(found)) && { level: 'question' as const }),
    }
  }
}

/** Matches the field of Argo CD's generators for Bitbucket Cloud. Its definition in a schema has other keys below it. */
const argo = /(?<name>appPasswordRef):\s{1,80}(?:secretName|key):/

/** Whether a name is used, and not searched for. */
const isNamed = (found: Candidate): boolean | Level => {
  if (!isUsed(found, found.groups['name'] ?? '') || isScannerRule(found)) return false
  return isField(found) ? 'question' : true
}

/**
 * App passwords could not be created after 2025-09-09, and all were removed on 2026-07-28
 * (community.atlassian.com, ba-p/3237429). Since then the API answers 401, and git gets 410.
 */
export const appPasswords: readonly Rule[] = [
  {
    id: 'app-password-value',
    level: 'error',
    what: 'The file contains an app password. App passwords stopped working on 2026-07-28.',
    instead: replacement,
    isSecret: true,
    inHistory: true,
    hasRecipe: true,
    // The prefix of app passwords, and a length that the rules of trufflehog and noseyparker both accept.
    find: anyOf(
      matching(
        /(?<![\w+/-])(?<secret>ATBB[\w=.-]{20,60})(?![\w+/])/,
        ({ groups: { secret = '' } }) => secret.startsWith('ATBB') && isRandom(secret),
      ),
      matching(encoded, isEncodedPassword),
    ),
  },
  {
    id: 'app-password-variable',
    level: 'error',
    what: 'A variable is used for an app password. App passwords stopped working on 2026-07-28.',
    instead: replacement,
    inHistory: true,
    hasRecipe: true,
    find: anyOf(matching(variable, isNamed), matching(argo), genericNames),
  },
]
