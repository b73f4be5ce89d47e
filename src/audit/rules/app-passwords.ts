import { isRandom } from '../literal.ts'
import { type Found, matching, type Rule } from '../rule.ts'

const replacement =
  'Use an Atlassian API token (email and api-token), an access token, or an OAuth client (client-id and client-secret).'

/** Matches `BITBUCKET_APP_PASSWORD`, `bb_app_pwd` and `bitbucket.app-password`, but not prose, which uses spaces or a plural. */
const variable =
  /(?<name>(?:bitbucket|\bbb[_.-])[\w.-]{0,40}?app[_.-]?(?:password|passwd|pass(?![a-z])|pwd))(?!s(?![a-z]))/

/** The text before a variable that is read (`$NAME`, `secrets.NAME`, `'NAME'`) or passed on (`--name`, `-e NAME`, `ENV NAME`). */
const beforeUse =
  /(?:[$%'"]|\$[{(]|[$%]env:|\b(?:secrets|env|vars)\.|\B--|(?:-e|--env)[ =]|\b(?:env|arg|export|set)[ \t]+)\w{0,20}$/i
/** The text after a variable that is set: `NAME=`, `name: …`, `"name": …`, `name := …`. */
const afterUse = /^\w{0,20}['"\]]{0,2}[ \t]{0,8}(?::?=(?!=)|:(?=\s|$)|\?=)/

/** Whether the name is used as a variable, and is not a word in a sentence. */
function isUsed({ groups: { name = '' }, source: { text }, start, end }: Found): boolean {
  const before = text.slice(Math.max(0, start - 40), start)
  const after = text.slice(end, end + 40)
  // Only programs use camel case. A list item that is only a name is a variable to pass on.
  const isItem = /(?:^|\n)[ \t]*-[ \t]+$/.test(before) && /^[ \t]*(?:\r?\n|$)/.test(after)
  return /App(?:Pass|Pwd)/.test(name) || beforeUse.test(before) || afterUse.test(after) || isItem
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
    // The prefix of app passwords, and a length that the rules of trufflehog and noseyparker both accept.
    find: matching(
      /(?<![\w+/-])(?<secret>ATBB[\w=.-]{20,60})(?![\w+/])/,
      ({ groups: { secret = '' } }) => secret.startsWith('ATBB') && isRandom(secret),
    ),
  },
  {
    id: 'app-password-variable',
    level: 'error',
    what: 'A variable is used for an app password. App passwords stopped working on 2026-07-28.',
    instead: replacement,
    isSecret: false,
    inHistory: true,
    find: matching(variable, isUsed),
  },
]
