import fc from 'fast-check'
import { expect, test } from 'vitest'
import { rules } from '../../src/audit/rules/index.ts'
import { scan } from './scan.ts'

/** The texts with which patterns start, and the texts that they then look for. */
const fragments = [
  ...[
    'bitbucket',
    'BITBUCKET_',
    'bb_',
    'app',
    'app_password',
    'ATBB',
    'ATATT3',
    'ATCTT3',
    'a',
    '7Qx',
    '_',
    '-',
    '.',
  ],
  ...[
    'https://',
    'a:',
    '@',
    'bitbucket.org',
    'bitbucket.org/',
    'api.bitbucket.org/',
    '2.0/',
    '1.0/',
    'repositories',
  ],
  ...[
    'user/permissions/',
    'workspaces',
    'teams/',
    '/issues',
    '?',
    '&',
    'access_token',
    '=',
    ': ',
    '"',
    "'",
    '`',
  ],
  ...[
    'machine ',
    'login ',
    'password ',
    'machine bitbucket.org login ',
    '//',
    ':_authToken=',
    '"bitbucket-oauth"',
  ],
  ...[
    ': {',
    '{',
    '}',
    '"bitbucket.org": {',
    '"consumer-secret"',
    'x-token-auth',
    'x-bitbucket-api-token-auth:',
    '$',
  ],
  ...[
    '${{ secrets.',
    'api_token',
    'Bearer ',
    '-u ',
    '--user ',
    '%40',
    '-d ',
    'params={',
    '\\\n',
    '\n',
    ' ',
    '  - ',
  ],
  ...[
    'uses: bitbucket-token/bitbucket-token@',
    'pipe: bitbucket-token/bitbucket-token:',
    'refresh-token:',
    '# ',
  ],
  ...['bitbucket.org/site/oauth2/access_token', 'grant_type=refresh_token', '(', ')'],
  ...[
    'https://$U:$P@bitbucket.org',
    'grant_type=password',
    'auth=(a, ',
    'BasicAuth(',
    '@api.bitbucket.org/',
    'APP_PASSWORD ',
  ],
  ...[
    'BITBUCKET_PASSWORD=',
    'BITBUCKET_TOKEN", "',
    'BB_AUTH_STRING ',
    '-u $A ',
    '"matchHost": "bitbucket.org"',
    '<id>bitbucket</id>',
  ],
  ...[
    'url: https://bitbucket.org/a\n',
    'provider "bitbucket" {',
    '}/workspaces?q=',
    '?access_token=',
    'Basic ',
    '"http-basic": {',
  ],
  ...['ARG TOKEN\n', 'RUN bitbucket $TOKEN\n', '"crg.apkg.io": {', '//npm.apkg.io/a', 'href="', 'id: '],
  ...[
    'bitbucket_secret ',
    'bundle bitbucket.org ',
    'http-basic.bitbucket.org a ',
    'http bitbucket.org/ access_token==',
    '-u ada:$',
    "'bitbucket',",
    'bitbucket_token"} || ',
    'variable "bitbucket_secret" {',
    ': https://bitbucket.org\n stringData:\n',
    'bitbucket: ',
    'id: bitbucket\n',
    'name: bitbucket\n a\n',
    'oauth(',
    'oauth("ada", "',
    'oauth_secret = "a1B2c3D4e5F6g7H8i9"',
  ],
]

/** Measures how long it takes to scan a text of this length that repeats a piece. Returns the best of two runs, in milliseconds. */
function timeFor(piece: string, length: number): number {
  const content = Buffer.from(`bitbucket ${piece.repeat(Math.ceil(length / piece.length))}`)
  const path = Buffer.from('.github/workflows/a.yml')
  const times = [1, 2].map(() => {
    const begun = performance.now()
    scan(path, content, rules)
    return performance.now() - begun
  })
  return Math.min(...times)
}

// A pattern with quadratic time needs several times this limit. The slowest real pattern needs a quarter of it.
const length = 300_000
const limit = 3_000

test.each(fragments.map((fragment) => JSON.stringify(fragment)))(
  'scans a text that repeats %s within the limit',
  (fragment) => {
    expect(timeFor(JSON.parse(fragment) as string, length)).toBeLessThan(limit)
  },
)

test('scans texts that repeat several of these within the limit', () => {
  const pieces = fc
    .array(fc.constantFrom(...fragments), { minLength: 2, maxLength: 6 })
    .map((parts) => parts.join(''))
  fc.assert(
    fc.property(pieces, (piece) => {
      expect(timeFor(piece, length)).toBeLessThan(limit)
    }),
    { numRuns: 60, seed: 7 },
  )
}, 120_000)

test('scans one enormous line within the limit', () => {
  const line = 'var a="https://api.bitbucket.org/2.0/repositories/acme/website?x=y",'
  expect(timeFor(line, 2_000_000)).toBeLessThan(limit)
})
