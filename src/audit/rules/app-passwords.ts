import { isRandom } from '../literal.ts'
import { type Found, matching, type Rule } from '../rule.ts'

const replacement =
  'An Atlassian API token (email and api-token), an access token, or an OAuth consumer (client-id and client-secret).'

/** `BITBUCKET_APP_PASSWORD`, `bb_app_pwd`, `bitbucket.app-password`; prose writes it with spaces or as a plural. */
const variable =
  /(?<name>(?:bitbucket|\bbb[_.-])[\w.-]{0,40}?app[_.-]?(?:password|passwd|pass(?![a-z])|pwd))(?!s(?![a-z]))/

/** A variable that is read (`$NAME`, `secrets.NAME`, `'NAME'`) or handed on (`--name`, `-e NAME`, `ENV NAME`). */
const beforeUse =
  /(?:[$%'"]|\$[{(]|[$%]env:|\b(?:secrets|env|vars)\.|\B--|(?:-e|--env)[ =]|\b(?:env|arg|export|set)[ \t]+)\w{0,20}$/i
/** One that is set: `NAME=`, `name: …`, `"name": …`, `name := …`. */
const afterUse = /^\w{0,20}['"\]]{0,2}[ \t]{0,8}(?::?=(?!=)|:(?=\s|$)|\?=)/

/** What makes a name a variable, rather than a word in a sentence. */
function isUsed({ groups: { name = '' }, source: { text }, start, end }: Found): boolean {
  const before = text.slice(Math.max(0, start - 40), start)
  const after = text.slice(end, end + 40)
  // Nobody writes camel case but in a program; and a list of names is one of variables to hand on.
  const isItem = /(?:^|\n)[ \t]*-[ \t]+$/.test(before) && /^[ \t]*(?:\r?\n|$)/.test(after)
  return /App(?:Pass|Pwd)/.test(name) || beforeUse.test(before) || afterUse.test(after) || isItem
}

/**
 * App passwords: no new ones since 2025-09-09, all removed on 2026-07-28
 * (community.atlassian.com, ba-p/3237429). Since then the API answers 401 and git 410.
 */
export const appPasswords: readonly Rule[] = [
  {
    id: 'app-password-value',
    level: 'error',
    what: 'An app password is written down. App passwords ended on 2026-07-28.',
    instead: replacement,
    isSecret: true,
    inHistory: true,
    // Their prefix, and a length that both trufflehog's and noseyparker's rules take.
    find: matching(
      /(?<![\w+/-])(?<secret>ATBB[\w=.-]{20,60})(?![\w+/])/,
      ({ groups: { secret = '' } }) => secret.startsWith('ATBB') && isRandom(secret),
    ),
  },
  {
    id: 'app-password-variable',
    level: 'error',
    what: 'A variable for an app password. App passwords ended on 2026-07-28.',
    instead: replacement,
    isSecret: false,
    inHistory: true,
    find: matching(variable, isUsed),
  },
]
