import { isLiteral, isRandom } from '../literal.ts'
import { anyOf, type Found, type Match, matching, type Rule, type Source } from '../rule.ts'

const hasLiteralSecret = ({ groups: { secret = '' } }: Found) => isLiteral(secret)

/** Matches `https://user:secret@bitbucket.org`, which is also the format of git's credential store. */
const inUrl =
  /\bhttps?:\/\/[^\s:@/'"`<>|]{0,300}:(?<secret>[^\s@/'"`<>|]{3,9000})@(?:api\.)?bitbucket\.org(?![\w.-]*\w)/

/** Matches an entry of netrc(5) in any file, on one line or several. */
const netrc =
  /\bmachine\s{1,20}(?:api\.)?bitbucket\.org\s{1,40}login\s{1,20}\S{1,300}\s{1,40}password\s{1,20}(?<secret>\S{3,9000})/

/** Matches a registry setting of npm and Yarn (docs.npmjs.com, npmrc), if the registry is one of Bitbucket's. */
const npmrc =
  /\/\/[\w.-]{0,100}bitbucket[\w.-]{0,100}\/[^\s'"=]{0,300}:_(?:authToken|password|auth)\s{0,4}=\s{0,4}["']?(?<secret>[^\s'"]{3,9000})/

/** Matches an entry of Composer's `auth.json` (getcomposer.org, "Authentication for privately hosted packages"). */
const composer =
  /"bitbucket-oauth"\s{0,20}:\s{0,20}\{\s{0,40}"bitbucket\.org"\s{0,20}:\s{0,20}\{[^{}]{0,4000}?"consumer-secret"\s{0,20}:\s{0,20}"(?<secret>[^"\s]{3,9000})"/

/** Matches the files that this program writes for later steps (README, "Results"). A .gitignore beside them excludes them. */
const ourFiles = /(?:^|\/)\.bitbucket-token\/(?:env\.sh|git-credentials|refresh-token(?:\.access)?)$/

function* ourOutput({ path, text }: Source): Iterable<Match> {
  if (ourFiles.test(path) && text !== '') yield { start: 0, end: 0, name: '.bitbucket-token' }
}

/** Matches Atlassian's API tokens and Bitbucket's access tokens: their prefixes, and then what trufflehog's rules require. */
const prefixed = /(?<![\w+/-])(?<secret>AT[AC]TT3[\w+/=-]{40,400})/

/** Matches `BITBUCKET_CLIENT_SECRET=…` and other names that this program and other Bitbucket clients use. */
const assigned =
  /(?<name>bitbucket_?(?:cloud_?)?(?:(?:oauth_?)?(?:client_?|consumer_?)?secret|(?:access|api|refresh|oauth)_?token|token|password))['"]?\s{0,4}(?:=|:|:=)\s{0,4}['"]?(?<secret>[\w+/=.~-]{16,9000})/

/** Whether a value is assigned, and not a call, an index or a path of names: `BITBUCKET_TOKEN = settings.get(…)`. */
const isAssigned = ({ groups: { secret = '' }, source: { text }, end }: Found) =>
  isRandom(secret) && /^(?:['"\s,;\\]|$)/.test(text.slice(end, end + 1))

const instead =
  'Revoke the secret. Store the new one as a secret in your CI, and let each job get its own token (npx bitbucket-token).'

/** Secrets in files: everyone who can read the file has them. */
export const secrets: readonly Rule[] = [
  {
    id: 'credentials-file',
    level: 'error',
    what: 'This is a credentials file for Bitbucket (netrc, npmrc, auth.json or .bitbucket-token).',
    instead: `${instead} Add the file to .gitignore.`,
    isSecret: true,
    inHistory: true,
    find: anyOf(
      matching(netrc, hasLiteralSecret),
      matching(npmrc, hasLiteralSecret),
      matching(composer, hasLiteralSecret),
      ourOutput,
    ),
  },
  {
    id: 'secret-in-url',
    level: 'error',
    what: 'A repository URL or a line of git-credentials contains a password or token.',
    instead: `${instead} The URL needs no user name.`,
    isSecret: true,
    inHistory: true,
    find: matching(inUrl, hasLiteralSecret),
  },
  {
    id: 'secret-in-file',
    level: 'error',
    what: 'The file contains an API token, access token or client secret.',
    instead,
    isSecret: true,
    inHistory: true,
    find: anyOf(
      matching(prefixed, ({ groups: { secret = '' } }) => /^AT[AC]TT3/.test(secret) && isRandom(secret)),
      matching(assigned, isAssigned),
    ),
  },
]
