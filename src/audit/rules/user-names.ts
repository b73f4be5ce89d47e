import { anyOf, matching, type Rule } from '../rule.ts'

/** Both patterns also match variables as shells, CIs and templates write them: `$`, `${`, `${{ secrets.`, `%`, `{`, `<`. */
const apiToken = /(?:ATATT3|[$%{<][({]{0,2}\s{0,2}[\w.]{0,80}?api[_-]?token)/.source
const accessToken = /(?:ATCTT3|[$%{<][({]{0,2}\s{0,2}[\w.]{0,80}?(?:access|oauth)[_-]?token)/.source

/** Matches `user:token` in a URL or for curl, and the same pair in netrc or git's credential protocol. */
const pair = (user: string, token: string): RegExp =>
  new RegExp(
    `(?<name>\\b${user}):${token}|(?:login|username)\\W{1,4}${user}(?:\\W|\\\\n){1,20}password[^\\n]{0,40}?${token}`,
  )

/** Matches a use of this program, which may export an API token as BITBUCKET_ACCESS_TOKEN. */
const thisProgram = /bitbucket-?token\/bitbucket-token\b|\bnpx bitbucket-token\b/
const withAccessToken = matching(pair('x-bitbucket-api-token-auth', accessToken))

const bearer = /\bBearer\s{1,3}(?:ATATT3|[$%{<][({]{0,2}\s{0,2}[\w.]{0,60}?(?:bitbucket|bb)_?api_?token)/
const nameForRest = new RegExp(
  `(?:-u|--user)[\\s=]{0,3}["']?(?:\\$\\{?\\w{0,20}(?:bitbucket|bb)_?user(?:_?name)?\\}?|(?!x-|[\\w.-]{0,60}mail)[\\w.-]{1,60}):${apiToken}[^\\n]{0,400}\\bapi\\.bitbucket\\.org`,
)
const emailForGit =
  /https:\/\/(?:[^\s/@:'"]{1,100}%40[^\s/@:'"]{1,100}|\$\{?\w{0,60}email\}?):[^\s/@'"]{1,9000}@bitbucket\.org\//

/**
 * Which user name each token needs. Source for git: support.atlassian.com, "Using API tokens" and "Using access tokens".
 * Bitbucket answers a wrong user name in the same way as a wrong token.
 */
export const userNames: readonly Rule[] = [
  {
    id: 'x-token-auth-with-api-token',
    level: 'error',
    what: 'git gets the user name x-token-auth with an API token. Bitbucket refuses this combination.',
    instead:
      'Use the user name x-bitbucket-api-token-auth, or the one that this program exports as BITBUCKET_GIT_USERNAME.',
    hasRecipe: true,
    find: matching(pair('x-token-auth', apiToken)),
  },
  {
    id: 'api-token-auth-with-access-token',
    level: 'error',
    what: 'git gets the user name x-bitbucket-api-token-auth with an access token or OAuth token. Bitbucket refuses this combination.',
    instead:
      'Use the user name x-token-auth, or the one that this program exports as BITBUCKET_GIT_USERNAME.',
    hasRecipe: true,
    find: (source) => (thisProgram.test(source.text) ? [] : withAccessToken(source)),
  },
  {
    id: 'api-token-user',
    level: 'question',
    what: 'An API token is used as Bearer, with a user name for the REST API, or with an email address for git. Bitbucket usually refuses this.',
    instead:
      'For the REST API, use Basic with the email address. For git, use the user name x-bitbucket-api-token-auth. BITBUCKET_AUTHORIZATION and BITBUCKET_GIT_USERNAME hold the right values.',
    hasRecipe: true,
    find: anyOf(matching(bearer), matching(nameForRest), matching(emailForGit)),
  },
]
