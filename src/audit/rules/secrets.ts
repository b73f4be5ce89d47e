import { isLiteral, isRandom } from '../literal.ts'
import { anyOf, type Found, type Match, matching, type Rule, type Source } from '../rule.ts'

const isWritten = ({ groups: { secret = '' } }: Found) => isLiteral(secret)

/** `https://user:secret@bitbucket.org`, which is also a line of git's credential store. */
const inUrl =
  /\bhttps?:\/\/[^\s:@/'"`<>|]{0,300}:(?<secret>[^\s@/'"`<>|]{3,9000})@(?:api\.)?bitbucket\.org(?![\w.-]*\w)/

/** netrc(5), in any file: on one line or several. */
const netrc =
  /\bmachine\s{1,20}(?:api\.)?bitbucket\.org\s{1,40}login\s{1,20}\S{1,300}\s{1,40}password\s{1,20}(?<secret>\S{3,9000})/

/** npm's and Yarn's settings of a registry (docs.npmjs.com, npmrc), where the registry is one of Bitbucket's. */
const npmrc =
  /\/\/[\w.-]{0,100}bitbucket[\w.-]{0,100}\/[^\s'"=]{0,300}:_(?:authToken|password|auth)\s{0,4}=\s{0,4}["']?(?<secret>[^\s'"]{3,9000})/

/** Composer's `auth.json` (getcomposer.org, "Authentication for privately hosted packages"). */
const composer =
  /"bitbucket-oauth"\s{0,20}:\s{0,20}\{\s{0,40}"bitbucket\.org"\s{0,20}:\s{0,20}\{[^{}]{0,4000}?"consumer-secret"\s{0,20}:\s{0,20}"(?<secret>[^"\s]{3,9000})"/

/** What this program leaves for later steps of a job (README, "Results"); git is told to leave it alone. */
const ourFiles = /(?:^|\/)\.bitbucket-token\/(?:env\.sh|git-credentials|refresh-token(?:\.access)?)$/

function* ourOutput({ path, text }: Source): Iterable<Match> {
  if (ourFiles.test(path) && text !== '') yield { start: 0, end: 0, name: '.bitbucket-token' }
}

/** The prefixes of Atlassian's API tokens and Bitbucket's access tokens, with what trufflehog's rules ask behind them. */
const prefixed = /(?<![\w+/-])(?<secret>AT[AC]TT3[\w+/=-]{40,400})/

/** `BITBUCKET_CLIENT_SECRET=…`, by the names that this program and other clients of Bitbucket give them. */
const assigned =
  /(?<name>bitbucket_?(?:cloud_?)?(?:(?:oauth_?)?(?:client_?|consumer_?)?secret|(?:access|api|refresh|oauth)_?token|token|password))['"]?\s{0,4}(?:=|:|:=)\s{0,4}['"]?(?<secret>[\w+/=.~-]{16,9000})/

/** Not a call, an index, a path of names or the like: `BITBUCKET_TOKEN = settings.get(…)`. */
const isAssigned = ({ groups: { secret = '' }, source: { text }, end }: Found) =>
  isRandom(secret) && /^(?:['"\s,;\\]|$)/.test(text.slice(end, end + 1))

const instead =
  'Revoke it, then keep the new one in a secret of the CI and let each job ask for its token (npx bitbucket-token).'

/** Secrets that are written down: whoever can read the file has them. */
export const secrets: readonly Rule[] = [
  {
    id: 'credentials-file',
    level: 'error',
    what: 'A credentials file for Bitbucket (netrc, npmrc, auth.json, .bitbucket-token) is among the files.',
    instead: `${instead} Put the file into .gitignore.`,
    isSecret: true,
    inHistory: true,
    find: anyOf(
      matching(netrc, isWritten),
      matching(npmrc, isWritten),
      matching(composer, isWritten),
      ourOutput,
    ),
  },
  {
    id: 'secret-in-url',
    level: 'error',
    what: 'A password or token stands in the address of a repository, or in a line of git-credentials.',
    instead: `${instead} The address needs no user name.`,
    isSecret: true,
    inHistory: true,
    find: matching(inUrl, isWritten),
  },
  {
    id: 'secret-in-file',
    level: 'error',
    what: 'An API token, access token or client secret is written down.',
    instead,
    isSecret: true,
    inHistory: true,
    find: anyOf(
      matching(prefixed, ({ groups: { secret = '' } }) => /^AT[AC]TT3/.test(secret) && isRandom(secret)),
      matching(assigned, isAssigned),
    ),
  },
]
