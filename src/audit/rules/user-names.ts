import { anyOf, matching, type Rule } from '../rule.ts'

/** How shells, CIs and templates begin the place of a variable: `$`, `${`, `${{ secrets.`, `%`, `{`, `<`. */
const apiToken = /(?:ATATT3|[$%{<][({]{0,2}\s{0,2}[\w.]{0,80}?api[_-]?token)/.source
const accessToken = /(?:ATCTT3|[$%{<][({]{0,2}\s{0,2}[\w.]{0,80}?(?:access|oauth)[_-]?token)/.source

/** `user:token` in an address or for curl, and the pair in netrc or git's credential protocol. */
const pair = (user: string, token: string): RegExp =>
  new RegExp(
    `(?<name>\\b${user}):${token}|(?:login|username)\\W{1,4}${user}(?:\\W|\\\\n){1,20}password[^\\n]{0,40}?${token}`,
  )

/** What this program exports as BITBUCKET_ACCESS_TOKEN is whatever it was given, an API token too. */
const isOurs = (text: string): boolean =>
  /bitbucket-?token\/bitbucket-token\b|\bnpx bitbucket-token\b/.test(text)

const withAccessToken = matching(pair('x-bitbucket-api-token-auth', accessToken))

const bearer = /\bBearer\s{1,3}(?:ATATT3|[$%{<][({]{0,2}\s{0,2}[\w.]{0,60}?(?:bitbucket|bb)_?api_?token)/
const nameForRest = new RegExp(
  `(?:-u|--user)[\\s=]{0,3}["']?\\$\\{?\\w{0,20}(?:bitbucket|bb)_?user(?:_?name)?\\}?:${apiToken}[^\\n]{0,400}\\bapi\\.bitbucket\\.org`,
)
const emailForGit =
  /https:\/\/(?:[^\s/@:'"]{1,100}%40[^\s/@:'"]{1,100}|\$\{?\w{0,60}email\}?):[^\s/@'"]{1,9000}@bitbucket\.org\//

/**
 * Which user name goes with which token. git: support.atlassian.com, "Using API tokens" and "Using access tokens".
 * A wrong one is answered as a wrong token is.
 */
export const userNames: readonly Rule[] = [
  {
    id: 'x-token-auth-with-api-token',
    level: 'error',
    what: 'The user name x-token-auth with an API token: git is refused.',
    instead:
      'x-bitbucket-api-token-auth as the user name, or what this program exports as BITBUCKET_GIT_USERNAME.',
    isSecret: false,
    inHistory: false,
    find: matching(pair('x-token-auth', apiToken)),
  },
  {
    id: 'api-token-auth-with-access-token',
    level: 'error',
    what: 'The user name x-bitbucket-api-token-auth with an access token or OAuth token: git is refused.',
    instead: 'x-token-auth as the user name, or what this program exports as BITBUCKET_GIT_USERNAME.',
    isSecret: false,
    inHistory: false,
    find: (source) => (isOurs(source.text) ? [] : withAccessToken(source)),
  },
  {
    id: 'api-token-user',
    level: 'warning',
    what: 'An API token as Bearer, with a user name for the REST API, or with an e-mail address for git: mostly refused.',
    instead:
      'The REST API takes Basic with the e-mail address; git takes x-bitbucket-api-token-auth. BITBUCKET_AUTHORIZATION and BITBUCKET_GIT_USERNAME hold the right ones.',
    isSecret: false,
    inHistory: false,
    find: anyOf(matching(bearer), matching(nameForRest), matching(emailForGit)),
  },
]
