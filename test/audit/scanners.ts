import { chance, letters, secrets } from './made-up.ts'

/** A shape that another scanner searches for, and whether the audit finds it too. */
export interface Vector {
  readonly scanner: string
  /** The prefix, the characters and the length: facts about the scanner's rule. */
  readonly shape: string
  /** A line with a made-up value of this shape. */
  readonly line: string
  /** The rule of the audit, or undefined if the audit does not report it. */
  readonly rule: string | undefined
  readonly because: string
}

const random = chance(31)
const some = (length: number) => letters(random, length)
const lower = (length: number) => `${some(length - 6).toLowerCase()}4a7b91`
const upper = (length: number) => some(length).toUpperCase()
const agreed = 'Agreed.'

/** The rules of gitleaks, trufflehog, noseyparker and detect-secrets for Bitbucket and Atlassian, read in November 2026. */
export const vectors: readonly Vector[] = [
  {
    scanner: 'gitleaks: Bitbucket client secret',
    shape: 'a name with bitbucket, 64 letters and digits',
    line: `bitbucket_api_token = "${lower(64)}"`,
    rule: 'secret-in-file',
    because: 'Agreed, if the name says token, secret or password.',
  },
  {
    scanner: 'gitleaks: Bitbucket client id',
    shape: 'a name with bitbucket, 32 letters and digits',
    line: `bitbucket_client_id = "${lower(32)}"`,
    rule: undefined,
    because: 'A client id is not secret: it is in the address that a browser shows.',
  },
  {
    scanner: 'gitleaks: Atlassian API token, new form',
    shape: 'ATATT3 and 186 letters, digits, _, - or =',
    line: `token: ATATT3${some(186)}`,
    rule: 'secret-in-file',
    because: agreed,
  },
  {
    scanner: 'gitleaks: Atlassian API token, old form',
    shape: 'a name with atlassian, jira or confluence, 24 letters and digits',
    line: `jira_api_token = "${lower(24)}" # beside Bitbucket`,
    rule: undefined,
    because: 'Tokens of the old form have no scopes, so Bitbucket does not accept them.',
  },
  {
    scanner: 'trufflehog: Bitbucket app password',
    shape: 'ATBB, letters, digits, _, =, . or -, and 8 capitals or digits',
    line: `${`ATBB${some(24)}`}${upper(6)}42`,
    rule: 'app-password-value',
    because: agreed,
  },
  {
    scanner: 'trufflehog: Bitbucket app password in a URL',
    shape: 'user:ATBB…@bitbucket.org',
    line: `https://ann:${secrets.appPassword}@bitbucket.org/a/b`,
    rule: 'app-password-value',
    because: agreed,
  },
  {
    scanner: 'trufflehog: Atlassian admin key',
    shape: 'ATCTT3xFfG, letters, digits, +, /, =, _ or -, then = and 8 letters or digits',
    line: `key = ATCTT3xFfGN0${some(171)}=${upper(8)}`,
    rule: 'secret-in-file',
    because: 'Agreed. Access tokens of Bitbucket have the same prefix.',
  },
  {
    scanner: 'trufflehog: Jira token, new form',
    shape: 'ATATT, letters, digits, +, /, =, _ or -, then = and 8 letters or digits',
    line: `JIRA=${secrets.apiToken}`,
    rule: 'secret-in-file',
    because: 'Agreed. An API token may be for both products.',
  },
  {
    scanner: 'trufflehog: Jira token, old form',
    shape: '24 letters and digits near atlassian, jira or confluence',
    line: `atlassian bitbucket ${some(24)}`,
    rule: undefined,
    because: 'Tokens of the old form have no scopes, so Bitbucket does not accept them.',
  },
  {
    scanner: 'trufflehog: Bitbucket Data Center token',
    shape: 'BBDC- and 44 letters, digits, +, /, @, _ or -',
    line: `bitbucket BBDC-${some(44)}`,
    rule: undefined,
    because: 'Data Center is another product. The audit is for Bitbucket Cloud.',
  },
  {
    scanner: 'noseyparker: Bitbucket app password',
    shape: 'ATBB and 32 letters and digits',
    line: `pass ATBB${some(32)}`,
    rule: 'app-password-value',
    because: agreed,
  },
  {
    scanner: 'detect-secrets: basic auth',
    shape: '://user:password@',
    line: `git clone https://ann:${secrets.password}@bitbucket.org/a/b`,
    rule: 'secret-in-url',
    because: 'Agreed for Bitbucket’s hosts.',
  },
  {
    scanner: 'detect-secrets: basic auth, a placeholder',
    shape: '://user:password@',
    line: 'git clone https://user:password@bitbucket.org/a/b',
    rule: undefined,
    because: 'The word password is a placeholder, not a secret.',
  },
  {
    scanner: 'detect-secrets: keyword',
    shape: 'password, secret or token, then =, :, := or =>, and a quoted text',
    line: `bitbucket_client_secret => '${some(32)}'`,
    rule: 'secret-in-file',
    because: 'Agreed, if the name is one of Bitbucket’s and the value looks random.',
  },
  {
    scanner: 'detect-secrets: keyword of another product',
    shape: 'password, secret or token, then =, :, := or =>, and a quoted text',
    line: `github_token = '${some(32)}' # bitbucket`,
    rule: undefined,
    because: 'Other products are left to other scanners.',
  },
]
